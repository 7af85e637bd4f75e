// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>The writing half of a stream's end.</summary>
internal sealed class ByteProducer : ChannelEnd
{
    private readonly ByteWriter _ring;
    private readonly PeerSight _sight;

    public ByteProducer(EndSeat seat, EndOptions options, int ring, int reader) : base(seat, options)
    {
        _ring = new(seat.Window, seat.RingOffset(ring), seat.Capacity);
        _sight = new(seat.Party, seat.End(reader), WakeSelf);
    }

    public PeerState Peer => _sight.Look();

    public int Write(ReadOnlySpan<byte> bytes)
    {
        ThrowIfDisposed();
        int count = _ring.Write(bytes);
        if (count > 0) Wake(_sight.Words, _ring.Position);
        return count;
    }

    public ChannelWait WaitForRoom(CancellationToken cancellation) => Wait(Timeout.InfiniteTimeSpan, cancellation);

    public ValueTask<ChannelWait> WaitForRoomAsync(CancellationToken cancellation) => WaitAsync(Timeout.InfiniteTimeSpan, cancellation);

    private protected override bool IsReady() => _ring.Room() > 0;

    // A quarter of the ring at once, as a ring's producer.
    private protected override ulong Want => _ring.Position - ((ulong)Seat.Capacity * 3 / 4);

    private protected override ChannelWait? Outcome() => StreamHalf.Outcome(_sight, AwaitsSuccessor);

    private protected override void WakeAll() => WakeAnyway(_sight.Words);

    private protected override void Forget() => _sight.Dispose();
}

/// <summary>The reading half of a stream's end.</summary>
internal sealed class ByteConsumer : ChannelEnd
{
    private readonly ByteReader _ring;
    private readonly PeerSight _sight;

    public ByteConsumer(EndSeat seat, EndOptions options, int ring, int writer) : base(seat, options)
    {
        _ring = new(seat.Window, seat.RingOffset(ring), seat.Capacity);
        _sight = new(seat.Party, seat.End(writer), WakeSelf);
    }

    public int Read(Span<byte> destination)
    {
        ThrowIfDisposed();
        int count = _ring.Read(destination);
        if (count > 0) Wake(_sight.Words, _ring.Position);
        return count;
    }

    public ChannelWait WaitForBytes(CancellationToken cancellation) => Wait(Timeout.InfiniteTimeSpan, cancellation);

    public ValueTask<ChannelWait> WaitForBytesAsync(CancellationToken cancellation) => WaitAsync(Timeout.InfiniteTimeSpan, cancellation);

    private protected override bool IsReady() => _ring.Available() > 0;

    private protected override ChannelWait? Outcome() => StreamHalf.Outcome(_sight, AwaitsSuccessor);

    private protected override void WakeAll() => WakeAnyway(_sight.Words);

    private protected override void Forget() => _sight.Dispose();
}

/// <summary>What both halves of a stream's end have in common.</summary>
internal static class StreamHalf
{
    public static ChannelWait? Outcome(PeerSight sight, bool awaitsSuccessor) => awaitsSuccessor ? null : sight.Look() switch
    {
        PeerState.Closed => ChannelWait.PeerClosed,
        PeerState.Dead => ChannelWait.PeerDied,
        _ => null,
    };
}
