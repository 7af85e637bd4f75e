// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;
using Shouldly;

namespace Tombolo.Linux.Tests;

/// <summary>Looks at a descriptor from outside.</summary>
internal static partial class Descriptor
{
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800, SetFlags = 4;   // fcntl.h

    /// <summary>The flags that the kernel shows for a descriptor. Source: proc(5), /proc/PID/fdinfo.</summary>
    public static bool IsCloseOnExec(SafeFd fd) => (FlagsOf(fd) & CloseOnExec) != 0;

    public static bool IsNonBlocking(SafeFd fd) => (FlagsOf(fd) & NonBlocking) != 0;

    /// <summary>Makes every call on the open file wait, for whoever holds a duplicate of it.</summary>
    public static void MakeBlocking(SafeFd fd) => fcntl(fd, SetFlags, 0).ShouldBe(0);

    private static int FlagsOf(SafeFd fd)
    {
        string line = File.ReadLines($"/proc/self/fdinfo/{fd.Number.ToString(CultureInfo.InvariantCulture)}").Single(text => text.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), fromBase: 8);
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int fcntl(SafeFd fd, int command, int argument);
}
