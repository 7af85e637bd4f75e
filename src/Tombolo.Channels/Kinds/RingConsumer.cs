// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace Tombolo.Channels;

/// <summary>The receiving end of a ring.</summary>
/// <inheritdoc cref="MessageReader" path="/remarks"/>
public sealed class RingConsumer : MessageReader
{
    private readonly RingReader _ring;
    private readonly EndWords _producer;
    private readonly PeerSight _sight;
    private bool _isOpen = true;

    internal RingConsumer(EndSeat seat, EndOptions options) : base(seat, options)
    {
        _ring = new(seat.Window, seat.RingOffset(0), seat.Capacity);
        _producer = seat.End(1);
        _sight = new(seat.Party, _producer, WakeSelf);
    }

    /// <inheritdoc/>
    public override int MaxMessage => _ring.MaxMessage;

    /// <inheritdoc/>
    public override ulong Messages => _ring.Messages;

    /// <summary>How it stands with the producer.</summary>
    public PeerState Producer => Look(_sight);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public override bool TryBorrow(out ReadOnlySpan<byte> message)
    {
        if (!_isOpen) ThrowIfDisposed();
        if (_ring.TryBorrow(out message)) return true;
        WakeForPad();
        return false;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public override void Release()
    {
        if (!_isOpen) ThrowIfDisposed();
        _ring.Release();
        Wake(_producer, _ring.Released);
    }

    private protected override bool TryPeek(out ReadOnlySpan<byte> message)
    {
        if (!_isOpen) ThrowIfDisposed();
        if (_ring.TryPeek(out message)) return true;
        WakeForPad();
        return false;
    }

    private protected override void TakePeeked()
    {
        _ring.TakePeeked();
        Release();
    }

    private protected override bool IsReady()
    {
        if (_ring.HasMessage()) return true;
        WakeForPad();
        return false;
    }

    private protected override ChannelWait? Outcome() => _sight.Outcome(AwaitsSuccessor);

    private protected override void WakeAll() => Rouse(_producer);

    private protected override void Forget()
    {
        _isOpen = false;
        _sight.Dispose();
    }

    private void WakeForPad()
    {
        if (_ring.TakeSkipped()) Wake(_producer, _ring.Released);
    }
}
