// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Testing;

/// <summary>Looks at a descriptor from outside.</summary>
public static partial class Descriptor
{
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800, SetFlags = 4;   // fcntl.h

    /// <summary>The flags that the kernel shows for a descriptor. Source: proc(5), /proc/PID/fdinfo.</summary>
    public static bool IsCloseOnExec(SafeFd fd) => (FlagsOf(fd) & CloseOnExec) != 0;

    /// <summary>Whether calls on it return at once instead of waiting.</summary>
    public static bool IsNonBlocking(SafeFd fd) => (FlagsOf(fd) & NonBlocking) != 0;

    /// <summary>Makes every call on the open file wait, for whoever holds a duplicate of it.</summary>
    public static void MakeBlocking(SafeFd fd) => fcntl(fd, SetFlags, 0).ShouldBe(0);

    /// <summary>Fills an eventfd's counter: whoever adds to it waits, or is refused.</summary>
    public static void FillCounter(SafeFd eventFd)
    {
        using var stream = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(eventFd.Number, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        stream.Write(BitConverter.GetBytes(ulong.MaxValue - 1));
    }

    private static int FlagsOf(SafeFd fd)
    {
        string line = File.ReadLines($"/proc/self/fdinfo/{fd.Number.ToString(CultureInfo.InvariantCulture)}").Single(text => text.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), fromBase: 8);
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int fcntl(SafeFd fd, int command, int argument);
}
