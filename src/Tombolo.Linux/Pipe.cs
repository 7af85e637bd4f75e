// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>A pipe, and moving bytes out of it into a socket within one system call.</summary>
/// <remarks>Thread-safe. Source: pipe(7), splice(2).</remarks>
public static partial class Pipe
{
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800;
    private const uint SpliceNonBlock = 2;          // SPLICE_F_NONBLOCK
    private const ulong IoctlReadable = 0x541B;     // FIONREAD, asm-generic/ioctls.h

    /// <summary>Creates a non-blocking pipe.</summary>
    /// <returns>Its two ends, owned by the caller.</returns>
    /// <exception cref="LinuxException">EMFILE or ENFILE.</exception>
    public static (SafeFd Reader, SafeFd Writer) Create()
    {
        Span<int> ends = stackalloc int[2];
        _ = LinuxException.ThrowIfFailed(pipe2(ref MemoryMarshal.GetReference(ends), CloseOnExec | NonBlocking), "pipe2", "pipe");
        return (new(ends[0]), new(ends[1]));
    }

    /// <summary>Writes bytes into a pipe without waiting.</summary>
    /// <param name="writer">The writing end, borrowed.</param>
    /// <param name="bytes">Up to 4096 bytes are written whole or not at all (PIPE_BUF, pipe(7)).</param>
    /// <returns>How many bytes were taken, or why none.</returns>
    public static SocketResult Write(SafeFd writer, ReadOnlySpan<byte> bytes)
    {
        nint done = write(writer, ref MemoryMarshal.GetReference(bytes), bytes.Length);
        return done >= 0 ? new((int)done, 0) : new(0, Marshal.GetLastPInvokeError());
    }

    /// <summary>Reads what a pipe holds without waiting.</summary>
    /// <param name="reader">The reading end, borrowed.</param>
    /// <param name="buffer">Receives the bytes.</param>
    /// <returns>How many bytes came, or why none.</returns>
    public static SocketResult Read(SafeFd reader, Span<byte> buffer)
    {
        nint done = read(reader, ref MemoryMarshal.GetReference(buffer), buffer.Length);
        return done >= 0 ? new((int)done, 0) : new(0, Marshal.GetLastPInvokeError());
    }

    /// <summary>Moves bytes from a pipe into a socket: they leave the one and enter the other in one system call, so whoever holds the pipe can tell afterwards whether they were sent.</summary>
    /// <param name="reader">The pipe's reading end, borrowed.</param>
    /// <param name="socket">A connected stream socket, borrowed.</param>
    /// <param name="count">How many bytes at the most.</param>
    /// <returns>How many bytes moved, or why none.</returns>
    public static SocketResult SpliceTo(SafeFd reader, SafeFd socket, int count)
    {
        nint done = splice(reader, 0, socket, 0, count, SpliceNonBlock);
        return done >= 0 ? new((int)done, 0) : new(0, Marshal.GetLastPInvokeError());
    }

    /// <summary>How many bytes wait in a pipe.</summary>
    /// <param name="reader">The reading end, borrowed.</param>
    /// <exception cref="LinuxException">EBADF and the like: a bug here.</exception>
    public static int Waiting(SafeFd reader)
    {
        int count = 0;
        _ = LinuxException.ThrowIfFailed(ioctl(reader, IoctlReadable, ref count), "ioctl(FIONREAD)", $"descriptor {reader.Number}");
        return count;
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int pipe2(ref int ends, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial nint write(SafeFd fd, ref byte bytes, nint count);
    [LibraryImport("libc", SetLastError = true)] private static partial nint read(SafeFd fd, ref byte bytes, nint count);
    [LibraryImport("libc", SetLastError = true)] private static partial nint splice(SafeFd from, nint fromOffset, SafeFd to, nint toOffset, nint count, uint flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int ioctl(SafeFd fd, ulong request, ref int value);
}
