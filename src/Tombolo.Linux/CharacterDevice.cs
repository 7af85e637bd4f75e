// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>A character device whose reads and writes are whole messages.</summary>
/// <remarks>Thread-safe. Source: open(2), read(2), write(2).</remarks>
public static partial class CharacterDevice
{
    private const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, NonBlocking = 0x800, CloseOnExec = 0x80000;   // asm-generic/fcntl.h

    /// <summary>Opens a device for reading, without waiting in reads.</summary>
    /// <param name="path">The node in /dev.</param>
    /// <returns>A descriptor the caller owns; wait on it with <see cref="Epoll"/>.</returns>
    /// <exception cref="LinuxException">ENOENT, EACCES, ENXIO and the like.</exception>
    public static SafeFd OpenReader(string path) => new(LinuxException.ThrowIfFailed(open(path, ReadOnly | NonBlocking | CloseOnExec), "open", path));

    /// <summary>Opens a device for writing; writes wait.</summary>
    /// <param name="path">The node in /dev.</param>
    /// <returns>A descriptor the caller owns.</returns>
    /// <exception cref="LinuxException">ENOENT, EACCES, ENXIO and the like.</exception>
    public static SafeFd OpenWriter(string path) => new(LinuxException.ThrowIfFailed(open(path, WriteOnly | CloseOnExec), "open", path));

    /// <summary>Opens a device for reading and writing, without waiting in either.</summary>
    /// <param name="path">The node in /dev.</param>
    /// <returns>A descriptor the caller owns.</returns>
    /// <exception cref="LinuxException">ENOENT, EACCES, EBUSY and the like.</exception>
    public static SafeFd OpenBoth(string path) => new(LinuxException.ThrowIfFailed(open(path, ReadWrite | NonBlocking | CloseOnExec), "open", path));

    /// <summary>Reads one message.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <param name="buffer">Receives it.</param>
    /// <returns>How many bytes came, or why none.</returns>
    public static SocketResult Read(SafeFd fd, Span<byte> buffer) => Result(read(fd, ref MemoryMarshal.GetReference(buffer), buffer.Length));

    /// <summary>Writes one message.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <param name="message">The whole message.</param>
    /// <returns>How many bytes were taken, or why none.</returns>
    public static SocketResult Write(SafeFd fd, ReadOnlySpan<byte> message) => Result(write(fd, ref MemoryMarshal.GetReference(message), message.Length));

    private static SocketResult Result(nint done) => done >= 0 ? new((int)done, 0) : new(0, Marshal.GetLastPInvokeError());

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int open(string path, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial nint read(SafeFd fd, ref byte buffer, nint count);
    [LibraryImport("libc", SetLastError = true)] private static partial nint write(SafeFd fd, ref byte buffer, nint count);
}
