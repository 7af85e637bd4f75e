// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>One half of a stream's end: it reads or writes one ring, whose other side one end has.</summary>
internal abstract class StreamHalf : ChannelEnd
{
    private readonly PeerSight _sight;

    protected StreamHalf(EndSeat seat, EndOptions options, int peer) : base(seat, options) => _sight = new(seat.Party, seat.End(peer), WakeSelf);

    public PeerState Peer => Look(_sight);

    public ChannelWait WaitUntilReady(CancellationToken cancellation) => Wait(Timeout.InfiniteTimeSpan, cancellation);

    public ValueTask<ChannelWait> WaitUntilReadyAsync(CancellationToken cancellation) => WaitAsync(Timeout.InfiniteTimeSpan, cancellation);

    /// <summary>After bytes were written or read: wakes the other side if it waits for that.</summary>
    protected int Moved(int count, ulong position)
    {
        if (count > 0) Wake(_sight.Words, position);
        return count;
    }

    private protected override ChannelWait? Outcome() => _sight.Outcome(AwaitsSuccessor);

    private protected override void WakeAll() => Rouse(_sight.Words);

    private protected override void Forget() => _sight.Dispose();
}

/// <summary>The writing half; it is ready when there is room.</summary>
internal sealed class ByteProducer(EndSeat seat, EndOptions options, int ring, int reader) : StreamHalf(seat, options, reader)
{
    private readonly ByteWriter _ring = new(seat.Window, seat.RingOffset(ring), seat.Capacity);

    public int Write(ReadOnlySpan<byte> bytes)
    {
        ThrowIfDisposed();
        return Moved(_ring.Write(bytes), _ring.Position);
    }

    private protected override bool IsReady() => _ring.Room() > 0;

    // A quarter of the ring at once, as a ring's producer.
    private protected override ulong Want => _ring.Position - ((ulong)Seat.Capacity * 3 / 4);
}

/// <summary>The reading half; it is ready when there are bytes.</summary>
internal sealed class ByteConsumer(EndSeat seat, EndOptions options, int ring, int writer) : StreamHalf(seat, options, writer)
{
    private readonly ByteReader _ring = new(seat.Window, seat.RingOffset(ring), seat.Capacity);

    public int Read(Span<byte> destination)
    {
        ThrowIfDisposed();
        return Moved(_ring.Read(destination), _ring.Position);
    }

    private protected override bool IsReady() => _ring.Available() > 0;
}
