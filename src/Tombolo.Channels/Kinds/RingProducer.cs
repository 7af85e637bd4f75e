// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace Tombolo.Channels;

/// <summary>The sending end of a ring, or of one lane of a fan-in.</summary>
/// <inheritdoc cref="MessageWriter" path="/remarks"/>
public sealed class RingProducer : MessageWriter
{
    private readonly RingWriter _ring;
    private readonly EndWords _consumer;
    private readonly PeerSight _sight;
    private bool _isOpen = true;
    private ulong _wanted;

    internal RingProducer(EndSeat seat, EndOptions options) : base(seat, options)
    {
        _ring = new(seat.Window, seat.RingOffset(seat.Index - 1), seat.Capacity, repairs: seat.Header.Kind == ChannelKind.FanIn);
        _consumer = seat.End(EndSeat.Hub);
        _sight = new(seat.Party, _consumer, WakeSelf);
    }

    /// <inheritdoc/>
    public override int MaxMessage => _ring.MaxMessage;

    /// <inheritdoc/>
    public override ulong Messages => _ring.Messages;

    /// <summary>How it stands with the consumer.</summary>
    public PeerState Consumer => Look(_sight);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public override bool TryReserve(int lengthBytes, out Span<byte> message)
    {
        if (!_isOpen) ThrowIfDisposed();
        if (_ring.TryReserve(lengthBytes, out message)) return true;
        Wake(_consumer, _ring.Published);   // a pad or the rest of a batch may just have gone out
        return false;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public override void Commit(int lengthBytes, bool publish = true)
    {
        if (!_isOpen) ThrowIfDisposed();
        _ring.Commit(lengthBytes, publish);
        if (publish) Wake(_consumer, _ring.Published);
    }

    /// <inheritdoc/>
    public override void Publish()
    {
        ThrowIfDisposed();
        _ring.Publish();
        Wake(_consumer, _ring.Published);
    }

    private protected override void Need(int lengthBytes)
    {
        ThrowIfDisposed();
        _wanted = TryReserve(lengthBytes, out _) ? _ring.Published - (ulong)Seat.Capacity : _ring.WantedTail;
    }

    private protected override bool IsReady() => _ring.HasReaderReached(_wanted);

    // A quarter of the ring at once, if it can be had: being woken for every message's room costs more than the message.
    private protected override ulong Want
    {
        get
        {
            ulong quarter = _ring.Published - ((ulong)Seat.Capacity * 3 / 4);
            return (long)(quarter - _wanted) > 0 ? quarter : _wanted;
        }
    }

    private protected override ChannelWait? Outcome() => _sight.Outcome(AwaitsSuccessor);

    private protected override void Finish() => _ring.Publish();

    private protected override void WakeAll() => Rouse(_consumer);

    private protected override void Forget()
    {
        _isOpen = false;
        _sight.Dispose();
    }
}
