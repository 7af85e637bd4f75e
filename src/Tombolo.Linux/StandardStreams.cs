// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tombolo.Linux;

/// <summary>The three descriptors that every process starts with: standard input, output and error. Source: stdin(3).</summary>
public static partial class StandardStreams
{
    private const int Last = 2;   // unistd.h, STDERR_FILENO

    /// <summary>Points all three at /dev/null, as a daemon does once it has said what it had to say: whoever waits for their end learns of it.</summary>
    /// <exception cref="LinuxException">/dev/null cannot be opened, or the kernel refused a duplicate.</exception>
    /// <remarks>Call it once, before other threads write. Source: daemon(7), step 9; dup2(2).</remarks>
    public static void Silence()
    {
        using SafeFileHandle nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        for (int stream = 0; stream <= Last; stream++)
            _ = LinuxException.ThrowIfFailed(dup2(nothing, stream), "dup2", $"descriptor {stream}");
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int dup2(SafeFileHandle from, int to);
}
