// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>The machine's processors.</summary>
public static partial class Processors
{
    private const int NprocessorsOnline = 84;   // _SC_NPROCESSORS_ONLN, bits/confname.h

    /// <summary>How many are online, for all processes. <see cref="Environment.ProcessorCount"/> says how many this process may use, which is no measure of whether others run at the same time.</summary>
    /// <remarks>Source: sysconf(3).</remarks>
    public static int Online { get; } = (int)Math.Max(1, sysconf(NprocessorsOnline));

    [LibraryImport("libc")] private static partial nint sysconf(int name);
}
