// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>What became of a message.</summary>
internal enum Delivery
{
    /// <summary>It is out.</summary>
    Sent,
    /// <summary>The client has to read first.</summary>
    Full,
    /// <summary>The kernel has too many descriptors in flight, or no memory: try again a little later.</summary>
    Later,
    /// <summary>The client is gone.</summary>
    Gone,
}

/// <summary>Sends one message at a time and keeps the ledger true around it.</summary>
/// <remarks>
/// A message without a descriptor goes through a pipe that the keeper holds too: it leaves the pipe and enters the socket in one system call, so a successor finds in the pipe
/// what was not sent. A descriptor cannot travel so; for those a successor looks for it in the client (<see cref="Recovery"/>).
/// </remarks>
internal sealed class Courier(Ledger ledger, SafeFd memory, SafeFd? pipeReader, SafeFd? pipeWriter, Action step)
{
    public long Messages { get; private set; }

    /// <summary>Sends the next message of a notice.</summary>
    public Delivery Send(Session session, Notice notice)
    {
        if (!session.Rest.IsEmpty) return SendRest(session);
        Span<byte> bytes = stackalloc byte[2 * IvshmemMessage.Size];
        int client = session.Member.Slot, about = notice.Member.Slot;
        switch (notice.Kind)
        {
            case NoticeKind.Greeting:
                new IvshmemMessage(IvshmemMessage.Version).Write(bytes);
                new IvshmemMessage(notice.Member.Id.Value).Write(bytes[IvshmemMessage.Size..]);
                return SendPlain(session, notice, bytes);
            case NoticeKind.Memory:
                new IvshmemMessage(IvshmemMessage.SharedMemory).Write(bytes);
                return SendWith(session, notice, bytes[..IvshmemMessage.Size], memory, 0);
            case NoticeKind.Join:
                int vector = ledger.Told(client, about);
                new IvshmemMessage(notice.Member.Id.Value).Write(bytes);
                return SendWith(session, notice, bytes[..IvshmemMessage.Size], notice.Member.Events[vector], vector);
            default:
                new IvshmemMessage(notice.Member.Id.Value).Write(bytes);
                return SendPlain(session, notice, bytes[..IvshmemMessage.Size]);
        }
    }

    /// <summary>Writes down that one message of a notice is out.</summary>
    public static void Record(Ledger ledger, NoticeKind kind, int client, int member, int index)
    {
        switch (kind)
        {
            case NoticeKind.Greeting: ledger.SetHeaderSteps(client, 1); break;
            case NoticeKind.Memory: ledger.SetHeaderSteps(client, 2); break;
            case NoticeKind.Join: ledger.SetTold(client, member, index + 1); break;
            default: ledger.SetTold(client, member, 0); break;
        }
    }

    private Delivery SendWith(Session session, Notice notice, ReadOnlySpan<byte> bytes, SafeFd fd, int index)
    {
        ledger.Begin(notice.Kind, session.Member.Slot, notice.Member.Slot, index);
        step();
        SocketResult result = UnixSocket.Send(session.Socket, bytes, fd);
        step();
        return Finish(session, notice, bytes, result, index);
    }

    private Delivery SendPlain(Session session, Notice notice, ReadOnlySpan<byte> bytes)
    {
        SocketResult result;
        if (pipeReader is null || pipeWriter is null)
        {
            result = UnixSocket.Send(session.Socket, bytes);
        }
        else
        {
            _ = Pipe.Write(pipeWriter, bytes);   // before the mark: without a mark, what the pipe holds was not sent
            step();
            ledger.Begin(notice.Kind, session.Member.Slot, notice.Member.Slot, 0);
            step();
            result = Pipe.SpliceTo(pipeReader, session.Socket, bytes.Length);
            step();
            Span<byte> left = stackalloc byte[2 * IvshmemMessage.Size];
            if (result.Bytes < bytes.Length && result.IsMoved) _ = Pipe.Read(pipeReader, left);
            else if (!result.IsMoved)
            {
                ledger.End(session.Member.Slot);
                step();
                _ = Pipe.Read(pipeReader, left);
            }
        }
        return Finish(session, notice, bytes, result, 0);
    }

    private Delivery Finish(Session session, Notice notice, ReadOnlySpan<byte> bytes, SocketResult result, int index)
    {
        if (!result.IsMoved)
        {
            ledger.End(session.Member.Slot);
            return result.IsWouldBlock ? Delivery.Full
                : result.Errno is Errno.TooManyReferences or Errno.NoBuffers or Errno.NoMemory ? Delivery.Later
                : Delivery.Gone;
        }
        Messages++;
        Record(ledger, notice.Kind, session.Member.Slot, notice.Member.Slot, index);
        step();
        ledger.End(session.Member.Slot);
        step();
        if (result.Bytes < bytes.Length) session.KeepRest(bytes[result.Bytes..]);   // the descriptor went with the first byte
        return Delivery.Sent;
    }

    private static Delivery SendRest(Session session)
    {
        SocketResult result = UnixSocket.Send(session.Socket, session.Rest.Span);
        if (result.IsMoved) session.DropFromRest(result.Bytes);
        return result.IsMoved ? Delivery.Sent : result.IsWouldBlock ? Delivery.Full : Delivery.Gone;
    }
}
