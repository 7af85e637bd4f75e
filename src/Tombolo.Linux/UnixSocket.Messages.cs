// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

public static partial class UnixSocket
{
    /// <summary>The most descriptors one message may carry. Source: net/scm.h, SCM_MAX_FD.</summary>
    public const int MaxFdsPerMessage = 253;

    private const int ControlHeaderBytes = 16;                                           // struct cmsghdr: length (8), level (4), type (4)
    private const int ScmRights = 1;                                                     // sys/socket.h
    private const int DontWait = 0x40, NoSignal = 0x4000, CloseReceivedOnExec = 0x40000000, ControlTruncated = 8;

    /// <summary>Sends bytes, and descriptors with the first of them, without waiting.</summary>
    /// <param name="socket">A connected socket, borrowed.</param>
    /// <param name="bytes">At least one byte.</param>
    /// <param name="fds">At most <see cref="MaxFdsPerMessage"/> descriptors, borrowed; the receiver gets duplicates.</param>
    /// <returns>
    /// How many bytes went out. Where it is fewer than given, the descriptors went with the first of them and must not be given again for the rest;
    /// where it is 0, nothing went out, no descriptor either.
    /// </returns>
    /// <remarks>Thread-safe. Source: sendmsg(2), unix(7) SCM_RIGHTS. ETOOMANYREFS means that the user has too many descriptors in flight: wait and try again.</remarks>
    public static unsafe SocketResult Send(SafeFd socket, ReadOnlySpan<byte> bytes, params ReadOnlySpan<SafeFd> fds)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes.Length, nameof(bytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fds.Length, MaxFdsPerMessage, nameof(fds));
        int controlBytes = fds.Length == 0 ? 0 : ControlHeaderBytes + Align(fds.Length * sizeof(int));
        Span<byte> control = stackalloc byte[controlBytes];
        int held = 0;
        try
        {
            if (fds.Length > 0) control.Clear();
            for (; held < fds.Length; held++)
            {
                bool added = false;
                fds[held].DangerousAddRef(ref added);   // the number stays ours until the call returns
                MemoryMarshal.Write(control[(ControlHeaderBytes + (held * sizeof(int)))..], fds[held].Number);
            }
            if (fds.Length > 0) WriteControlHeader(control, ControlHeaderBytes + (fds.Length * sizeof(int)));
            // SAFETY: every pointer in the header refers to memory pinned or on this stack until the call returns.
            fixed (byte* data = bytes)
            fixed (byte* controlData = control)
            {
                IoVector vector = new() { Start = data, Length = (nuint)bytes.Length };
                MessageHeader header = new() { Vectors = &vector, VectorCount = 1, Control = controlData, ControlLength = (nuint)controlBytes };
                nint sent = sendmsg(socket, &header, DontWait | NoSignal);
                return sent >= 0 ? new((int)sent, 0) : new(0, Marshal.GetLastPInvokeError());
            }
        }
        finally
        {
            while (held > 0) fds[--held].DangerousRelease();
        }
    }

    /// <summary>Receives bytes, and the descriptors that came with them, without waiting.</summary>
    /// <param name="socket">A connected socket, borrowed.</param>
    /// <param name="buffer">Receives the bytes; at least one.</param>
    /// <param name="inbox">Receives the descriptors, close-on-exec, which it owns.</param>
    /// <returns>How many bytes came; 0 without an error number when the other end is closed.</returns>
    /// <remarks>One reader at a time. Source: recvmsg(2). On a stream, one call never mixes the descriptors of two messages (unix(7)).</remarks>
    public static unsafe SocketResult Receive(SafeFd socket, Span<byte> buffer, FdInbox inbox)
    {
        ArgumentOutOfRangeException.ThrowIfZero(buffer.Length, nameof(buffer));
        Span<byte> control = stackalloc byte[ControlHeaderBytes + Align(MaxFdsPerMessage * sizeof(int))];
        MessageHeader header;
        nint received;
        // SAFETY: every pointer in the header refers to memory pinned or on this stack until the call returns.
        fixed (byte* data = buffer)
        fixed (byte* controlData = control)
        {
            IoVector vector = new() { Start = data, Length = (nuint)buffer.Length };
            header = new() { Vectors = &vector, VectorCount = 1, Control = controlData, ControlLength = (nuint)control.Length };
            received = recvmsg(socket, &header, DontWait | CloseReceivedOnExec);
        }
        if (received < 0) return new(0, Marshal.GetLastPInvokeError());
        TakeDescriptors(control[..(int)header.ControlLength], inbox);
        if ((header.Flags & ControlTruncated) != 0) inbox.WasTruncated = true;
        return new((int)received, 0);
    }

    private static void TakeDescriptors(ReadOnlySpan<byte> control, FdInbox inbox)
    {
        while (control.Length >= ControlHeaderBytes)
        {
            long length = MemoryMarshal.Read<long>(control);
            if (length < ControlHeaderBytes || length > control.Length) return;
            if (MemoryMarshal.Read<int>(control[8..]) == LevelSocket && MemoryMarshal.Read<int>(control[12..]) == ScmRights)
                foreach (int fd in MemoryMarshal.Cast<byte, int>(control[ControlHeaderBytes..(int)length]))
                    inbox.Add(new(fd));
            control = control[Math.Min(Align((int)length), control.Length)..];
        }
    }

    private static void WriteControlHeader(Span<byte> control, long length)
    {
        MemoryMarshal.Write(control, in length);
        MemoryMarshal.Write(control[8..], LevelSocket);
        MemoryMarshal.Write(control[12..], ScmRights);
    }

    private static int Align(int bytes) => (bytes + 7) & ~7;   // CMSG_ALIGN on 64-bit

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct IoVector
    {
        public byte* Start;
        public nuint Length;
    }

    // struct msghdr of a 64-bit Linux (bits/socket.h).
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", SetLastError = true)] private static unsafe partial nint sendmsg(SafeFd socket, MessageHeader* message, int flags);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial nint recvmsg(SafeFd socket, MessageHeader* message, int flags);
}
