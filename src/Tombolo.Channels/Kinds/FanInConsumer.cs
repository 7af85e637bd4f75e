// SPDX-License-Identifier: MIT
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>The receiving end of a fan-in: takes from every producer in turn.</summary>
/// <remarks>
/// One thread at a time. Messages of one producer keep their order; there is none between producers. A producer that dies or lies ends its own session only; what it had committed before it
/// died is read. A fan-in has no end of its own: producers come and go, and a wait ends only with a message, its timeout or its cancellation.
/// </remarks>
public sealed class FanInConsumer : MessageReader
{
    private readonly Lanes _lanes;
    private bool _isOpen = true;

    internal FanInConsumer(EndSeat seat, EndOptions options) : base(seat, options) =>
        _lanes = new(seat, static index => index, WakeSelf) { Skipped = lane => Wake(lane.Sight.Words, lane.Ring!.Released) };

    /// <inheritdoc/>
    public override int MaxMessage => Seat.Capacity - Frame.HeaderBytes;

    /// <inheritdoc/>
    public override ulong Messages
    {
        get
        {
            ulong sum = 0;
            for (int lane = 0; lane < _lanes.Count; lane++) sum += _lanes[lane].Ring?.Messages ?? 0;
            return sum;
        }
    }

    /// <summary>Which producer's message was borrowed last: 0 to the number of spokes, less one. Such a place has one producer at a time.</summary>
    public int Lane => _lanes.Current;

    /// <summary>How many producers died with their end open, as far as this end noticed. What they had committed was read; what they had not is not there.</summary>
    public long Deaths => _lanes.Deaths;

    /// <summary>How many producers broke the protocol; each ended its own session only.</summary>
    public long Faults => _lanes.Faults;

    /// <summary>The last fault of a producer, and null before the first.</summary>
    public ProtocolException? LastFault => _lanes.LastFault;

    /// <summary>How it stands with a producer.</summary>
    /// <param name="lane">0 to the number of spokes, less one.</param>
    public PeerState Producer(int lane) => Look(_lanes[lane].Sight);

    /// <inheritdoc/>
    public override bool TryBorrow(out ReadOnlySpan<byte> message)
    {
        if (!TryPeek(out message)) return false;
        _lanes.TakePeeked();
        return true;
    }

    /// <inheritdoc/>
    public override void Release()
    {
        if (!_isOpen) ThrowIfDisposed();
        for (int index = 0; index < _lanes.Count; index++)
            if (_lanes[index] is { Ring: { Borrowed: > 0 } ring } lane)
            {
                ring.Release();
                Wake(lane.Sight.Words, ring.Released);
            }
    }

    private protected override bool TryPeek(out ReadOnlySpan<byte> message)
    {
        if (!_isOpen) ThrowIfDisposed();
        return _lanes.TryPeek(out message);
    }

    private protected override void TakePeeked()
    {
        _lanes.TakePeeked();
        Release();
    }

    private protected override bool IsReady() => _lanes.HasMessage();

    private protected override ChannelWait? Outcome()
    {
        _lanes.Tidy();
        return null;
    }

    private protected override void WakeAll()
    {
        for (int lane = 0; lane < _lanes.Count; lane++) Rouse(_lanes[lane].Sight.Words);
    }

    private protected override void Forget()
    {
        _isOpen = false;
        _lanes.Forget();
    }
}
