// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>A port whose guest has a virtio network card, or something that looks like one.</summary>
/// <remarks>
/// Frames go to a receive ring under its gate. What the guest has no room for waits in that ring's backlog, in order, until the guest kicks or another frame comes;
/// what the backlog does not hold is lost, and counted here. Nobody waits for a guest.
/// </remarks>
internal sealed class VhostPort : Port, IVringUser
{
    private const int MostChains = 256, MostTurns = 16, StartBytes = NetHeader.Bytes + Frame.HeadBytes;
    private readonly Backlog[] _backlogs;
    private readonly IPortOwner _owner;
    private int[] _receivers = [];   // indices of receive rings that run and are enabled; replaced, never changed

    public VhostPort(PortOptions options, int index, TimeProvider time, IPortOwner owner) : base(options, index, time)
    {
        _owner = owner;
        _backlogs = [.. Enumerable.Range(0, options.QueuePairs).Select(_ => new Backlog(options.BacklogBytes))];
        Device = new(options.Device, this);
    }

    public VhostDevice Device { get; private set; }

    public VirtioFeatures Features { get; private set; }

    /// <summary>Whether a guest's driver is there and takes frames.</summary>
    public override bool IsUp => _receivers.Length > 0;

    /// <summary>Why its rings were stopped, where the driver lied; null else.</summary>
    public string? Fault { get; private set; }

    public void RingStarted(Vring ring)
    {
        Fault = null;
        Update();
        _owner.RingStarted(this, ring);
    }

    public void RingStopping(Vring ring, bool isBrief)
    {
        _owner.RingStopping(this, ring);
        if (isBrief) return;   // what comes meanwhile waits in the backlog
        if (!ring.IsTransmit)
        {
            ring.Gate.Enter();
            _backlogs[ring.Index / 2].Clear();
            ring.Gate.Exit();
        }
        Update(except: ring);
    }

    public void RingEnabled(Vring ring)
    {
        Update();
        _owner.RingEnabled(this, ring);
    }

    public void FeaturesChanged(VirtioFeatures features) => Features = features;

    public void Announce(MacAddress address) => _owner.Announce(this, address);

    /// <summary>The guest's driver lied: the port stops, with its reason, until its driver sets it up again.</summary>
    public void Stop(string fault)
    {
        if (Fault is not null) return;
        Fault = fault;
        foreach (Vring ring in Device.Rings)
        {
            if (ring.Queue is null) continue;
            RingStopping(ring, isBrief: false);
            ring.Pause();
            if (ring.Error is { } error) _ = Linux.EventFd.Signal(error);
        }
        Fault = fault;
    }

    public override void Leave()
    {
        IsGone = true;
        Device.Dispose();
    }

    public override void Deliver(in Frame frame, int hint, DataThread thread)
    {
        if (ReceiverOf(hint) is not { } ring)
        {
            thread.Count(Index, PortCounter.NotAttached);
            return;
        }
        thread.Hold(this, ring);
        if (!ring.TakesFrames)
        {
            thread.Count(Index, PortCounter.NotAttached);
            return;
        }
        if (frame.Header.Gso == 0 && frame.Length > Options.Mtu + Frame.HeadBytes + 8)
        {
            thread.Count(Index, PortCounter.TooLong);
            return;
        }
        if (frame.Header.MayReceive(ring.Features)) Put(ring, frame, thread);
        else PutAdapted(ring, frame, thread);
    }

    /// <summary>The ring that frames go to; null where there is none.</summary>
    public Vring? ReceiverOf(int hint)
    {
        int[] receivers = _receivers;
        return receivers.Length == 0 ? null : Device.Rings[receivers[receivers.Length == 1 ? 0 : (int)((uint)hint % (uint)receivers.Length)]];
    }

    /// <summary>Its ring, held, if frames without offloads can be put there as they are: nobody looks on, and no link is emulated.</summary>
    public Virtqueue? StraightTo(Vring ring) =>
        ring.TakesFrames && Capture is null && ToGuest is null && NetHeader.BytesIn(ring.Features) == NetHeader.Bytes ? ring.Queue : null;

    /// <summary>Whether frames can be taken from its ring, held, without a look at them by others.</summary>
    public bool IsStraightFrom(Vring ring) => Capture is null && FromGuest is null && NetHeader.BytesIn(ring.Features) == NetHeader.Bytes;

    /// <summary>How many frames wait for a ring to have room. The ring's gate is held.</summary>
    public int Waiting(Vring ring) => _backlogs[ring.Index / 2].Count;

    /// <summary>Gives what waits to the guest, as far as there is room. The ring's gate is held.</summary>
    /// <returns>Whether nothing waits any more.</returns>
    public bool Drain(Vring ring, DataThread thread)
    {
        Backlog backlog = _backlogs[ring.Index / 2];
        if (backlog.IsEmpty) return true;
        if (!ring.TakesFrames)
        {
            backlog.Clear();
            return true;
        }
        if (ring.Queue is not { } queue) return false;   // for a moment
        Span<GuestBuffer> pieces = [default];
        for (int turns = 0; turns < MostTurns; turns++)
        {
            while (!backlog.IsEmpty)
            {
                if (!TryWrite(queue, ring, backlog.Peek(pieces), thread)) break;
                backlog.Remove();
            }
            if (backlog.IsEmpty)
            {
                queue.DisableKicks();
                return true;
            }
            if (!queue.EnableKicks() || queue.Fault != RingFault.None) return false;   // it will kick
        }
        return false;
    }

    private void Put(Vring ring, in Frame frame, DataThread thread)
    {
        Backlog backlog = _backlogs[ring.Index / 2];
        if ((backlog.IsEmpty || Drain(ring, thread)) && ring.Queue is { } queue && TryWrite(queue, ring, frame, thread)) return;
        if (!backlog.TryAdd(frame))
        {
            thread.Count(Index, PortCounter.ReceiverFull);
            return;
        }
        thread.Count(Index, PortCounter.Waited);
        _ = Drain(ring, thread);   // asks for a kick, or finds that room came in the meantime
    }

    // For a driver that takes no unfinished checksums or no large segments: finished here, in a copy.
    private void PutAdapted(Vring ring, in Frame frame, DataThread thread)
    {
        Span<byte> copy = thread.Scratch.Bytes[..frame.Length];
        frame.CopyTo(copy);
        Span<GuestBuffer> pieces = [default];
        if (frame.Header.Gso == 0)
        {
            Segmenter.FillChecksum(copy, frame.Header.ChecksumStart, frame.Header.ChecksumOffset);
            thread.Count(Index, PortCounter.ChecksumsMade);
            pieces[0] = thread.Scratch.Part(0, frame.Length);
            Put(ring, new(default, copy[..Frame.HeadBytes], pieces, Frame.HeadBytes, frame.Length), thread);
            return;
        }
        var segmenter = new Segmenter(frame.Header, copy, thread.Part.Bytes);
        if (!segmenter.CanCut)
        {
            thread.Count(Index, PortCounter.BadOffload);
            return;
        }
        thread.Count(Index, PortCounter.Segmented);
        while (segmenter.TryNext(out int length))
        {
            pieces[0] = thread.Part.Part(0, length);
            Put(ring, new(default, thread.Part.Bytes[..Frame.HeadBytes], pieces, Frame.HeadBytes, length), thread);
        }
    }

    /// <summary>Writes a frame into the guest's buffers. False where there is no room; true where it is done with, one way or the other.</summary>
    private bool TryWrite(Virtqueue queue, Vring ring, in Frame frame, DataThread thread)
    {
        int headerBytes = NetHeader.BytesIn(ring.Features), needed = headerBytes + frame.Length, room = 0, count = 0, places = 0;
        bool mayMerge = (ring.Features & VirtioFeatures.MergeableBuffers) != 0;
        Span<Chain> chains = thread.Chains;
        ChainBuffers buffers = thread.ReceiveBuffers;
        buffers.Clear();
        while (room < needed)
        {
            bool isTooLong = count == chains.Length || places >= queue.Size || (count > 0 && !mayMerge);   // of a ring that is taken whole, more would be waited for in vain
            if (isTooLong || !queue.TryTake(buffers, out chains[count]))
            {
                while (count > 0) queue.PutBack(chains[--count]);
                if (queue.Fault != RingFault.None) thread.Report(this, ring, queue.Fault);
                if (isTooLong) thread.Count(Index, PortCounter.TooLong);
                return isTooLong;
            }
            if (chains[count].WritableBytes == 0 || chains[count].ReadableBytes != 0)
            {
                queue.Reject(RingFault.WrongDirection);
                thread.Report(this, ring, queue.Fault);
                return true;
            }
            places += chains[count].Descriptors;
            room += chains[count++].WritableBytes;
        }
        Write(frame, headerBytes, count, buffers.Writable);
        for (int i = 0, left = needed; i < count; i++)
        {
            int written = Math.Min(left, chains[i].WritableBytes);
            queue.Complete(chains[i], (uint)written);
            left -= written;
        }
        thread.Count(Index, PortCounter.FramesTo);
        thread.Count(Index, PortCounter.BytesTo, frame.Length);
        Capture?.Note(frame, CaptureDirection.ToGuest);
        return true;
    }

    private static void Write(in Frame frame, int headerBytes, int buffers, ReadOnlySpan<GuestBuffer> room)
    {
        Span<byte> first = room[0].Bytes;
        int left = frame.Length - Frame.HeadBytes;
        if (headerBytes != NetHeader.Bytes || first.Length < StartBytes + left || frame.Rest.Length == 0 || frame.Rest[0].Length - frame.Skip < left)
        {
            WriteScattered(frame, headerBytes, buffers, room);
            return;
        }
        // The whole frame goes from one piece into one.
        frame.Header.Write(first, buffers);
        frame.Head[..Frame.HeadBytes].CopyTo(first[NetHeader.Bytes..]);   // of a constant length: two moves and no call
        frame.Rest[0].Bytes.Slice(frame.Skip, left).CopyTo(first[StartBytes..]);
    }

    private static void WriteScattered(in Frame frame, int headerBytes, int buffers, ReadOnlySpan<GuestBuffer> room)
    {
        Span<byte> header = stackalloc byte[NetHeader.Bytes];
        frame.Header.Write(header, buffers);
        var writer = new ScatterWriter(room);
        writer.Write(header[..headerBytes]);
        writer.Write(frame.Head[..Frame.HeadBytes]);
        int left = frame.Length - Frame.HeadBytes, skip = frame.Skip;
        foreach (GuestBuffer piece in frame.Rest)
        {
            ReadOnlySpan<byte> bytes = piece.Bytes[skip..];
            skip = 0;
            if (bytes.Length > left) bytes = bytes[..left];
            writer.Write(bytes);
            left -= bytes.Length;
        }
    }

    private void Update(Vring? except = null)
    {
        var receivers = new List<int>();
        foreach (Vring ring in Device.Rings)
            if (!ring.IsTransmit && ring.TakesFrames && ring != except) receivers.Add(ring.Index);
        Volatile.Write(ref _receivers, [.. receivers]);
    }

    /// <summary>The most chains that one frame may take.</summary>
    public static int ChainsPerFrame => MostChains;
}
