// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>A receiving end of a broadcast.</summary>
/// <remarks>
/// One thread at a time. With another policy than <see cref="SubscriberPolicy.Block"/> a borrowed message is a copy, which stays until the next is borrowed; nothing is allocated per message
/// but now and then a larger buffer.
/// </remarks>
public sealed class Subscriber : MessageReader
{
    private readonly BroadcastReader _ring;
    private readonly EndWords _publisher;
    private readonly PeerSight _sight;
    private readonly bool _isFresh;
    private readonly ulong _earlier, _earlierLost;
    private ulong _released;
    private int _borrowed;
    private bool _isOpen = true;

    internal Subscriber(EndSeat seat, EndOptions options, SubscriberPolicy policy, bool resumes) : base(seat, options)
    {
        (Policy, _isFresh) = (policy, !resumes);
        _publisher = seat.End(EndSeat.Hub);
        _sight = new(seat.Party, _publisher, WakeSelf);
        var words = new RingWords(seat.Window, seat.RingOffset(0), seat.Capacity);
        if (resumes) (_earlier, _earlierLost) = (Own.Count.ReadAcquire(), Own.Lost.ReadAcquire());
        ulong start = resumes ? Own.Cursor.ReadAcquire() & ~(ulong)(Frame.Alignment - 1) : words.Head.ReadAcquire();
        ulong index = resumes ? _earlier + _earlierLost : words.HeadCount.ReadAcquire();
        _ring = new(seat.Window, seat.RingOffset(0), seat.Capacity, start, index, copies: policy != SubscriberPolicy.Block);
        _released = start;
        Step.Before("policy");
        Own.Policy.WriteRelease((uint)policy);
        Step.Before("counts");
        Own.Count.WriteRelease(_earlier);
        Own.Lost.WriteRelease(_earlierLost);
        Step.Before("cursor");
        Own.Cursor.WriteRelease(start);
    }

    /// <summary>What happens when this end is slower than the publisher.</summary>
    public SubscriberPolicy Policy { get; }

    /// <inheritdoc/>
    public override int MaxMessage => _ring.MaxMessage;

    /// <inheritdoc/>
    public override ulong Messages => _earlier + _ring.Taken;

    /// <summary>Messages that this end missed because it was too slow.</summary>
    public ulong Lost => _earlierLost + _ring.Lost;

    /// <summary>How it stands with the publisher.</summary>
    public PeerState Publisher => Look(_sight);

    /// <inheritdoc/>
    public override bool TryBorrow(out ReadOnlySpan<byte> message)
    {
        if (!TryPeek(out message)) return false;
        _ring.TakePeeked();
        _borrowed++;
        return true;
    }

    /// <inheritdoc/>
    public override void Release()
    {
        if (!_isOpen) ThrowIfDisposed();
        _borrowed = 0;
        ShowCursor();
    }

    /// <inheritdoc/>
    private protected override bool TryPeek(out ReadOnlySpan<byte> message)
    {
        if (!_isOpen) ThrowIfDisposed();
        CheckCut();
        if (_ring.TryPeek(out message)) return true;
        ShowPad();
        return false;
    }

    private protected override void TakePeeked()
    {
        _ring.TakePeeked();
        Release();
    }

    private protected override bool IsReady()
    {
        CheckCut();
        if (_ring.HasMessage()) return true;
        ShowPad();
        return false;
    }

    private protected override ChannelWait? Outcome() => _sight.Outcome(AwaitsSuccessor);

    // A publisher that moved oldest between our look at head and our showing ourselves did not know of us. One of the two sees the other: it looks at us after it moved oldest, we look at
    // oldest after we showed ourselves.
    private protected override void Started()
    {
        Memory.SharedFence.Full();   // PAIRS WITH: the fence in BroadcastWriter.Announce
        for (int tries = 0; _ring.IsOvertaken && tries < 64; tries++)
        {
            if (_isFresh) _ring.StartAtHead();
            else _ring.StartAnew();
            Own.Cursor.WriteRelease(_released = _ring.Position);
            Memory.SharedFence.Full();
        }
    }

    private protected override void WakeAll() => Rouse(_publisher);

    private protected override void Forget()
    {
        _isOpen = false;
        _sight.Dispose();
    }

    private void ShowPad()
    {
        if (_borrowed == 0 && _released != _ring.Position) ShowCursor();
    }

    private void ShowCursor()
    {
        _released = _ring.Position;
        Step.Before("cursor");
        Own.Cursor.WriteRelease(_released);   // ORDER: release; we are done with the bytes before.  PAIRS WITH: the publisher's look in Held
        Step.Before("counts");
        Own.Count.WriteRelease(Messages);
        Own.Lost.WriteRelease(Lost);
        Wake(_publisher, _released);
    }

    private void CheckCut()
    {
        if (Policy == SubscriberPolicy.Disconnect && Own.State.ReadAcquire() == ChannelLayout.Cut)
            throw new ChannelException(ChannelFault.Disconnected, $"This subscriber of channel '{Name}' was cut off, for it was too slow after {Messages} messages. Subscribe anew, with another policy or a larger ring.");
    }
}
