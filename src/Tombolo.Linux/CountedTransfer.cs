// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>Sending and receiving on a socket where the kernel itself writes the number of bytes moved into memory, before the call returns.</summary>
/// <remarks>
/// With the record in shared memory, whoever reads that memory after this process was killed knows how many bytes its last call moved: SIGKILL acts when a system call returns to the process,
/// which is after the kernel wrote the count. (The memory must be there: pages that were touched before.) Thread-safe. Source: recvmmsg(2), sendmmsg(2), msg_len of struct mmsghdr.
/// </remarks>
public static partial class CountedTransfer
{
    /// <summary>Bytes of a record: struct mmsghdr of a 64-bit Linux.</summary>
    public const int RecordBytes = 64;

    private const int CountOffset = 56, DontWait = 0x40, NoSignal = 0x4000;

    /// <summary>What the last call with a record moved: 0 where it moved nothing, or has not done so yet.</summary>
    /// <param name="record">The record.</param>
    public static int CountOf(ReadOnlySpan<byte> record) => MemoryMarshal.Read<int>(record[CountOffset..]);

    /// <summary>Receives bytes without waiting. Descriptors that come with them are closed unseen.</summary>
    /// <param name="socket">A connected stream socket, borrowed.</param>
    /// <param name="buffer">Receives the bytes; at least one, and not in movable memory if it is to survive this process.</param>
    /// <param name="record">At least <see cref="RecordBytes"/> bytes that nobody else writes meanwhile.</param>
    /// <returns>How many bytes came; 0 without an error number when the other end is closed.</returns>
    public static unsafe SocketResult Receive(SafeFd socket, Span<byte> buffer, Span<byte> record)
    {
        ArgumentOutOfRangeException.ThrowIfZero(buffer.Length, nameof(buffer));
        // SAFETY: buffer, record and vector are pinned or on this stack until the call returns; the record's length is checked by Prepare.
        fixed (byte* data = buffer)
        fixed (byte* header = record)
        {
            nint* vector = stackalloc nint[2] { (nint)data, buffer.Length };
            Prepare(record, (nint)vector);
            return recvmmsg(socket, header, 1, DontWait, 0) == 1 ? new(CountOf(record), 0) : new(0, Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Sends bytes without waiting.</summary>
    /// <param name="socket">A connected stream socket, borrowed.</param>
    /// <param name="bytes">At least one byte.</param>
    /// <param name="record">At least <see cref="RecordBytes"/> bytes that nobody else writes meanwhile.</param>
    /// <returns>How many bytes went out, or why none.</returns>
    public static unsafe SocketResult Send(SafeFd socket, ReadOnlySpan<byte> bytes, Span<byte> record)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes.Length, nameof(bytes));
        // SAFETY: as in Receive.
        fixed (byte* data = bytes)
        fixed (byte* header = record)
        {
            nint* vector = stackalloc nint[2] { (nint)data, bytes.Length };
            Prepare(record, (nint)vector);
            return sendmmsg(socket, header, 1, DontWait | NoSignal) == 1 ? new(CountOf(record), 0) : new(0, Marshal.GetLastPInvokeError());
        }
    }

    // struct msghdr: name 0, name length 8, vectors 16, vector count 24, control 32, control length 40, flags 48; then msg_len at 56.
    private static void Prepare(Span<byte> record, nint vector)
    {
        record[..RecordBytes].Clear();
        MemoryMarshal.Write(record[16..], vector);
        MemoryMarshal.Write(record[24..], (nint)1);
    }

    [LibraryImport("libc", SetLastError = true)] private static unsafe partial int recvmmsg(SafeFd socket, byte* messages, uint count, int flags, nint timeout);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial int sendmmsg(SafeFd socket, byte* messages, uint count, int flags);
}
