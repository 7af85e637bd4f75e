// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>How many descriptors this process may have open. Source: getrlimit(2), RLIMIT_NOFILE.</summary>
public static partial class ResourceLimit
{
    private const int OpenFiles = 7;   // RLIMIT_NOFILE, asm-generic/resource.h

    /// <summary>Raises the soft limit to the hard one.</summary>
    /// <returns>How many descriptors this process may have open from now on.</returns>
    /// <exception cref="LinuxException">The kernel refused, which it has no reason to.</exception>
    public static long RaiseOpenFiles()
    {
        Span<ulong> limit = stackalloc ulong[2];
        _ = LinuxException.ThrowIfFailed(getrlimit(OpenFiles, ref MemoryMarshal.GetReference(limit)), "getrlimit", "RLIMIT_NOFILE");
        if (limit[0] < limit[1])
        {
            limit[0] = limit[1];
            _ = LinuxException.ThrowIfFailed(setrlimit(OpenFiles, ref MemoryMarshal.GetReference(limit)), "setrlimit", "RLIMIT_NOFILE");
        }
        return (long)Math.Min(limit[0], long.MaxValue);
    }

    /// <summary>How many descriptors this process has open now.</summary>
    /// <remarks>Source: proc(5), /proc/self/fd.</remarks>
    public static int CountOpenFiles() => Directory.GetFileSystemEntries("/proc/self/fd").Length - 1;   // one of them is this very listing

    [LibraryImport("libc", SetLastError = true)] private static partial int getrlimit(int resource, ref ulong limit);
    [LibraryImport("libc", SetLastError = true)] private static partial int setrlimit(int resource, ref ulong limit);
}
