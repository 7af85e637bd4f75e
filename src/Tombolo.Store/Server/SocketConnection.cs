// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>A client of the socket.</summary>
internal sealed class SocketConnection(StoreMemory memory, int slot, SafeFd socket, PeerCredentials who, DomainId domain, int mostEvents) : Connection(memory, slot, domain, mostEvents)
{
    public PeerCredentials Who => who;

    public override SafeFd Descriptor => socket;

    public override Transfer Pull()
    {
        Span<byte> room = InputRoom();
        if (room.IsEmpty) return Transfer.Waits;
        ref Slot mine = ref Memory[Slot];
        SocketResult result = CountedTransfer.Receive(socket, room, Memory.BeginCall(Slot, isSend: false, mine.Received));
        if (!result.IsMoved) return result.IsWouldBlock ? Transfer.Waits : Transfer.Gone;
        Volatile.Write(ref mine.Received, mine.Received + (uint)result.Bytes);
        return Transfer.Moved;
    }

    public override Transfer Push()
    {
        ReadOnlySpan<byte> bytes = Output();
        if (bytes.IsEmpty) return Transfer.Waits;
        SocketResult result = CountedTransfer.Send(socket, bytes, Memory.BeginCall(Slot, isSend: true, Memory[Slot].Sent));
        if (!result.IsMoved) return result.IsWouldBlock ? Transfer.Waits : Transfer.Gone;
        Sent(result.Bytes);
        return Transfer.Moved;
    }

    public override void Close() => socket.Dispose();
}
