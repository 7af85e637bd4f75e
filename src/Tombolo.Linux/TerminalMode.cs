// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>A terminal in raw mode: every key comes at once, unchanged and unechoed, and no key is a signal. Dispose to have it back as it was.</summary>
/// <remarks>Source: termios(3), cfmakeraw. Not thread-safe.</remarks>
public sealed partial class TerminalMode : IDisposable
{
    private const int SetNow = 0;              // TCSANOW, bits/termios.h
    private const int StructBytes = 256;       // struct termios has 60 bytes (glibc, x86-64 and arm64); room to spare

    private readonly byte[] _before;
    private readonly int _descriptor;
    private bool _disposed;

    private TerminalMode(int descriptor, byte[] before) => (_descriptor, _before) = (descriptor, before);

    /// <summary>Whether a descriptor is a terminal. Source: isatty(3).</summary>
    /// <param name="descriptor">0 for standard input, and so on.</param>
    public static bool IsTerminal(int descriptor) => isatty(descriptor) == 1;

    /// <summary>Puts standard input's terminal into raw mode.</summary>
    /// <returns>What restores it, owned by the caller; null where standard input is no terminal.</returns>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static TerminalMode? TryEnterRaw()
    {
        const int input = 0;
        if (!IsTerminal(input)) return null;
        byte[] before = new byte[StructBytes];
        _ = LinuxException.ThrowIfFailed(tcgetattr(input, ref before[0]), "tcgetattr", "standard input");
        byte[] raw = [.. before];
        cfmakeraw(ref raw[0]);
        _ = LinuxException.ThrowIfFailed(tcsetattr(input, SetNow, ref raw[0]), "tcsetattr", "standard input");
        return new(input, before);
    }

    /// <summary>Restores the terminal.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _ = tcsetattr(_descriptor, SetNow, ref _before[0]);
    }

    [LibraryImport("libc")] private static partial int isatty(int descriptor);
    [LibraryImport("libc")] private static partial void cfmakeraw(ref byte termios);
    [LibraryImport("libc", SetLastError = true)] private static partial int tcgetattr(int descriptor, ref byte termios);
    [LibraryImport("libc", SetLastError = true)] private static partial int tcsetattr(int descriptor, int when, ref byte termios);
}
