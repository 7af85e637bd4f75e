// SPDX-License-Identifier: MIT
using System.Numerics;
using System.Runtime.CompilerServices;
using Tombolo.Linux;

namespace Tombolo.Switching;

internal sealed partial class DataThread
{
    // From a ring, through the table, to rings.

    private const int Batch = 64, Ahead = 64;   // so many frames are fetched into the cache before the first of them is looked at
    private readonly Chain[] _batch = new Chain[Batch];
    private readonly int[] _ends = new int[Ahead];
    private ForwardingTable _table = new([], []);   // of this batch
    private StraightRoute? _route;   // of the ring that frames come from, where frames may take the short way
    private readonly DelayLine _line = new();

    /// <summary>Takes a ring that frames go to; it is held until another one is, or the batch ends.</summary>
    public void Hold(VhostPort port, Vring ring)
    {
        if (_held == ring) return;
        Release();
        ring.Gate.Enter();
        (_held, _heldPort, _straight) = (ring, port, port.StraightTo(ring));
    }

    /// <summary>Sends a frame of our own making, as if a port's guest had sent it.</summary>
    public void Inject(Port from, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Scratch.Bytes);
        Span<GuestBuffer> pieces = [Scratch.Part(0, bytes.Length)];
        _table = _core.Table;
        Route(from, new(default, bytes[..Frame.HeadBytes], pieces, Frame.HeadBytes, bytes.Length), from.Index, _time.GetTimestamp());
        Release();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Poll(RingPoller poller, long now)
    {
        Vring ring = poller.Ring;
        if (!ring.Gate.TryEnter()) return 0;
        int count = 0;
        try
        {
            if (ring.Queue is not { } queue || !ring.IsEnabled) return 0;
            int headerBytes = NetHeader.BytesIn(ring.Features);
            bool isStraight = poller.Port.IsStraightFrom(ring);
            _route = isStraight ? poller.Route : null;
            _table = _core.Table;
            if (queue.Expect(Batch) is > 0 and var waiting && isStraight) Expect(poller, waiting);
            while (count < Batch && Take(queue, count) is > 0 and var taken)
            {
                ReadOnlySpan<GuestBuffer> pieces = TransmitBuffers.Readable;
                for (int i = 0, from = 0; i < taken; from = _ends[i++])
                {
                    if (isStraight && _ends[i] == from + 1 && TryForward(poller, in pieces[from])) continue;
                    Receive(poller.Port, ring, _batch[count + i], pieces[from.._ends[i]], headerBytes, now);
                }
                count += taken;
            }
            _route = null;
            Release();   // before what follows: a frame is received before it counts as sent
            if (queue.Fault != RingFault.None) Report(poller.Port, ring, queue.Fault);
            if (count == 0) return 0;
            queue.Complete(_batch.AsSpan(0, count));
            queue.Publish();
            if (queue.TakeNotice()) Call(poller.Port, ring);
            return count;
        }
        finally
        {
            Release();
            ring.Gate.Exit();
        }
    }

    // The next few chains: where each one's pieces end is noted, and its first bytes are on their way into the cache.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(Virtqueue queue, int first)
    {
        TransmitBuffers.Clear();
        int taken = 0, most = Math.Min(Ahead, Batch - first);   // more may have come than there is room for in the batch
        for (int from = 0; taken < most && from <= ChainBuffers.SparePieces && queue.TryTake(TransmitBuffers, out _batch[first + taken]); from = _ends[taken++])
        {
            _ends[taken] = TransmitBuffers.ReadableCount;
            if (_ends[taken] > from) TransmitBuffers.Readable[from].Prefetch();
        }
        return taken;
    }

    private void Receive(VhostPort port, Vring ring, in Chain chain, ReadOnlySpan<GuestBuffer> pieces, int headerBytes, long now)
    {
        int length = chain.ReadableBytes - headerBytes;
        if (length < Frame.HeadBytes)
        {
            Count(port.Index, PortCounter.Malformed);
            return;
        }
        // Header and addresses are copied once; the copy is judged, and the copy is sent.
        Span<byte> start = stackalloc byte[NetHeader.Bytes + Frame.HeadBytes];
        (int piece, int skip) = CopyStart(pieces, start, headerBytes);
        _ = NetHeader.TryRead(start, out NetHeader header);
        if (!header.MaySend(ring.Features, length))
        {
            Count(port.Index, PortCounter.FramesFrom);
            Count(port.Index, PortCounter.BytesFrom, length);
            Count(port.Index, PortCounter.BadOffload);
            return;
        }
        Receive(port, new(header, start[NetHeader.Bytes..], pieces[piece..], skip, length), ring.Index / 2, now);
    }

    /// <summary>A frame comes from a port, well-formed as far as its kind can tell.</summary>
    public void Receive(Port port, in Frame frame, int queue, long now)
    {
        Count(port.Index, PortCounter.FramesFrom);
        Count(port.Index, PortCounter.BytesFrom, frame.Length);
        if (frame.Length > Frame.MaxBytes || (frame.Header.Gso == 0 && frame.Length > port.Options.Mtu + Frame.HeadBytes + 8))
        {
            Count(port.Index, PortCounter.TooLong);
            return;
        }
        port.Capture?.Note(frame, CaptureDirection.FromGuest);
        Enter(port, frame, queue, now);
    }

    // Offload header and addresses, to where they stand with a header of full length; gives back what follows them.
    private static (int Piece, int Skip) CopyStart(ReadOnlySpan<GuestBuffer> pieces, Span<byte> start, int headerBytes)
    {
        const int Whole = NetHeader.Bytes + Frame.HeadBytes;
        if (headerBytes == NetHeader.Bytes && pieces[0].Length > Whole)
        {
            pieces[0].Bytes[..Whole].CopyTo(start);   // of a constant length: two moves and no call
            return (0, Whole);
        }
        Span<byte> copied = start[(NetHeader.Bytes - headerBytes)..];
        int piece = 0, skip = 0;
        for (int at = 0; at < copied.Length;)
        {
            Span<byte> bytes = pieces[piece].Bytes[skip..];
            int part = Math.Min(bytes.Length, copied.Length - at);
            bytes[..part].CopyTo(copied[at..]);
            at += part;
            skip += part;
            if (skip < pieces[piece].Length) continue;
            piece++;
            skip = 0;
        }
        if (headerBytes == NetHeader.Bytes) return (piece, skip);
        copied[..headerBytes].CopyTo(start);
        start[headerBytes..NetHeader.Bytes].Clear();   // its last field is not there
        return (piece, skip);
    }

    // Over the sender's link, if it has one, to the switch.
    private void Enter(Port port, in Frame frame, int queue, long now)
    {
        int hint = HintOf(port, queue);
        if (port.FromGuest is not { } link)
        {
            Route(port, frame, hint, now);
            return;
        }
        LinkVerdict verdict = link.Judge(frame.Length, now);
        if (verdict.Lost is { } lost) Count(port.Index, lost);
        else Delay(port, isToPort: false, link, frame, verdict, hint);
    }

    private void Route(Port from, in Frame frame, int hint, long now)
    {
        ForwardingTable table = _table;
        ulong source = frame.Source.Value, destination = frame.Destination.Value;
        if (!MaySend(table, from, source))
        {
            Count(from.Index, PortCounter.WrongSource);
            return;
        }
        if (from.Options.Learns && !from.Owns(source)) _core.Learned.Learn(table, from.Index, source, from.Options.MostLearned, now);
        if (new MacAddress(destination).IsMulticast)
        {
            Count(from.Index, PortCounter.GroupFramesFrom);
            SendToAll(table, from, frame, hint, now);
            return;
        }
        Port? to = table.Find(from.Index, destination) ?? table.At(_core.Learned.Find(table, from.Index, destination, now));
        if (to is null)
        {
            Count(from.Index, PortCounter.UnknownDestination);
            _core.NoteUnknown(from, destination);
        }
        else if (to == from) Count(from.Index, PortCounter.ToItself);
        else
        {
            if (_route is { } route && to is VhostPort guest) route.Note(table, (VhostPort)from, guest, frame);
            Leave(to, frame, hint, now);
        }
    }

    private static bool MaySend(ForwardingTable table, Port from, ulong source)
    {
        if (from.Owns(source)) return true;
        if (!from.Options.AllowsAnySource || !new MacAddress(source).IsUnicast) return false;
        return table.Find(from.Index, source) is not { } owner || owner == from;   // another's address is never allowed
    }

    private void SendToAll(ForwardingTable table, Port from, in Frame frame, int hint, long now)
    {
        ReadOnlySpan<ulong> reach = table.ReachOf(from.Index);
        for (int word = 0; word < reach.Length; word++)
            for (ulong bits = reach[word]; bits != 0; bits &= bits - 1)
                if (table.At((word * 64) + BitOperations.TrailingZeroCount(bits)) is { } to) Leave(to, frame, hint, now);
    }

    // Over the receiver's link, if it has one, to the guest.
    private void Leave(Port to, in Frame frame, int hint, long now)
    {
        if (to.ToGuest is not { } link)
        {
            to.Deliver(frame, hint, this);
            return;
        }
        LinkVerdict verdict = link.Judge(frame.Length, now);
        if (verdict.Lost is { } lost) Count(to.Index, lost);
        else Delay(to, isToPort: true, link, frame, verdict, hint);
    }

    private void Delay(Port port, bool isToPort, LinkEmulator link, in Frame frame, LinkVerdict verdict, int hint)
    {
        _line.Add(port, isToPort, link, frame, verdict.Due, hint);
        if (verdict.Again != 0) _line.Add(port, isToPort, link, frame, verdict.Again, hint);
    }

    // What has arrived on emulated links.
    private bool Due(long now)
    {
        if (_line.Count == 0) return false;
        bool any = false;
        _table = _core.Table;
        Span<GuestBuffer> pieces = [default];
        for (int i = 0; i < Batch && _line.TryTake(now, out DelayLine.Entry entry); i++)
        {
            any = true;
            entry.Link.Arrived();
            if (!entry.Port.IsGone)
            {
                pieces[0] = entry.Bytes.Part(0, entry.Length);
                var frame = new Frame(entry.Header, entry.Bytes.Bytes[..Frame.HeadBytes], pieces, Frame.HeadBytes, entry.Length);
                if (entry.IsToPort) entry.Port.Deliver(frame, entry.Hint, this);
                else Route(entry.Port, frame, entry.Hint, now);
            }
            _line.Return(entry.Bytes);
        }
        Release();
        return any;
    }

    // Shows what was received, and wakes the receiver if it wants to be.
    private void Release()
    {
        if (_held is not { } ring) return;
        VhostPort port = _heldPort!;
        CountStraight();
        (_held, _heldPort, _straight) = (null, null, null);
        if (ring.Queue is { } queue)
        {
            queue.Publish();
            if (queue.TakeNotice()) Call(port, ring);
        }
        ring.Gate.Exit();
    }

    private void Call(VhostPort port, Vring ring)
    {
        if (ring.Call is not { } call) return;
        Count(port.Index, PortCounter.Calls);
        _ = EventFd.Signal(call);
    }
}
