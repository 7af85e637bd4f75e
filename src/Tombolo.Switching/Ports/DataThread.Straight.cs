// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tombolo.Switching;

internal sealed partial class DataThread
{
    // The short way for what most frames are: one piece without offloads, for the guest that the one before went to, into one buffer. Whatever differs takes the long way,
    // which says what becomes of it; no frame is lost or judged here.

    private const int StartBytes = NetHeader.Bytes + Frame.HeadBytes;
    private Virtqueue? _straight;   // the held ring's, if its port takes frames as they are
    private Port? _straightFrom;
    private long _straightFrames, _straightBytes;   // since the ring is held, not yet counted

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TryForward(RingPoller poller, ref readonly GuestBuffer piece)
    {
        int bytes = piece.Length;
        if (bytes < StartBytes) return false;
        // Header and addresses are copied once; the copy is judged, and the copy is sent.
        ref byte from = ref MemoryMarshal.GetReference(piece.Bytes);
        ulong first = Volatile.Read(ref Unsafe.As<byte, ulong>(ref from));
        ulong second = Volatile.Read(ref Unsafe.As<byte, ulong>(ref Unsafe.Add(ref from, 8)));
        ulong third = Volatile.Read(ref Unsafe.As<byte, ulong>(ref Unsafe.Add(ref from, 16)));
        ushort type = Volatile.Read(ref Unsafe.As<byte, ushort>(ref Unsafe.Add(ref from, 24)));
        StraightRoute route = poller.Route;
        if ((ushort)first != 0 || !route.Takes(_table, bytes, second, third)) return false;   // the first two bytes: NetHeader.Flags and Gso
        VhostPort to = route.To!;
        if (_heldPort != to && !TryHold(poller, to)) return false;
        if (_straight is not { } queue || to.Waiting(_held!) != 0 || !queue.TryTakeRoom(bytes, out ushort id, out nint room)) return false;
        Copy(ref from, room, bytes, first, (second & ~0xffff_0000UL) | 0x1_0000, third, type);   // it fills one buffer: NetHeader.Buffers
        queue.CompleteRoom(id, bytes);
        _straightFrom = poller.Port;
        _straightFrames++;
        _straightBytes += bytes - NetHeader.Bytes;
        return true;
    }

    private static unsafe void Copy(ref byte from, nint room, int bytes, ulong first, ulong second, ulong third, ushort type)
    {
        // SAFETY: as many bytes are at the room as the frame has, which are StartBytes at least: the ring has checked both.
        byte* to = (byte*)room;
        *(ulong*)to = first;
        *(ulong*)(to + 8) = second;
        *(ulong*)(to + 16) = third;
        *(ushort*)(to + 24) = type;
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref from, StartBytes), bytes - StartBytes).CopyTo(new Span<byte>(to + StartBytes, bytes - StartBytes));
    }

    // Frames most likely go where the last one went: what is needed there is fetched while they are.
    private void Expect(RingPoller poller, int frames)
    {
        if (poller.Route.ToBy(_table) is { } to && TryHold(poller, to)) _ = _straight?.Expect(frames);
    }

    private bool TryHold(RingPoller poller, VhostPort to)
    {
        if (to.ReceiverOf(HintOf(poller.Port, poller.Ring.Index / 2)) is not { } ring) return false;
        Hold(to, ring);
        return true;
    }

    private void CountStraight()
    {
        if (_straightFrames == 0) return;
        (int from, int to) = (_straightFrom!.Index, _heldPort!.Index);
        Count(from, PortCounter.FramesFrom, _straightFrames);
        Count(from, PortCounter.BytesFrom, _straightBytes);
        Count(to, PortCounter.FramesTo, _straightFrames);
        Count(to, PortCounter.BytesTo, _straightBytes);
        (_straightFrames, _straightBytes) = (0, 0);
    }

    // Which of a receiver's rings a frame goes to.
    private static int HintOf(Port from, int queue) => from.Index + queue;
}
