// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>The sending end of a broadcast: each message is written once, however many read it.</summary>
/// <inheritdoc cref="MessageWriter" path="/remarks"/>
public sealed class Publisher : MessageWriter
{
    private readonly BroadcastWriter _ring;
    private readonly EndWords[] _subscribers;
    private readonly PeerSight[] _sights;
    private bool _isOpen = true;
    private ulong _wanted;

    internal Publisher(EndSeat seat, EndOptions options) : base(seat, options)
    {
        _subscribers = [.. Enumerable.Range(1, seat.Spokes).Select(seat.End)];
        _sights = [.. _subscribers.Select(end => new PeerSight(seat.Party, end, WakeSelf))];
        _ring = new(seat.Window, seat.RingOffset(0), seat.Capacity, Held);
    }

    /// <inheritdoc/>
    public override int MaxMessage => _ring.MaxMessage;

    /// <inheritdoc/>
    public override ulong Messages => _ring.Messages;

    /// <summary>How many subscribers were cut off because they were too slow.</summary>
    public long Disconnected { get; private set; }

    /// <summary>How many living parties subscribe now.</summary>
    public int Subscribers => _sights.Count(sight => Look(sight) == PeerState.Open);

    /// <inheritdoc/>
    public override bool TryReserve(int lengthBytes, out Span<byte> message)
    {
        if (!_isOpen) ThrowIfDisposed();
        if (_ring.TryReserve(lengthBytes, out message)) return true;
        Wake(_subscribers, _ring.Published);   // a pad or the rest of a batch may just have gone out
        return false;
    }

    /// <inheritdoc/>
    public override void Commit(int lengthBytes, bool publish = true)
    {
        if (!_isOpen) ThrowIfDisposed();
        _ring.Commit(lengthBytes, publish);
        if (publish) Wake(_subscribers, _ring.Published);
    }

    /// <inheritdoc/>
    public override void Publish()
    {
        ThrowIfDisposed();
        _ring.Publish();
        Wake(_subscribers, _ring.Published);
    }

    private protected override void Need(int lengthBytes)
    {
        ThrowIfDisposed();
        _wanted = TryReserve(lengthBytes, out _) ? _ring.Published - (ulong)Seat.Capacity : _ring.Wanted;
    }

    private protected override bool IsReady() => (long)(Held(_wanted) - _wanted) >= 0;

    private protected override ulong Want => _wanted;

    private protected override ChannelWait? Outcome() => null;   // the slow one goes on, closes or dies; in each case there is room

    private protected override void Finish() => _ring.Publish();

    private protected override void WakeAll()
    {
        foreach (EndWords end in _subscribers) Rouse(end);
    }

    private protected override void Forget()
    {
        _isOpen = false;
        foreach (PeerSight sight in _sights) sight.Dispose();
    }

    // The first position below the given one that a living subscriber still needs. Those that need not be waited for are cut off, or miss something.
    private ulong Held(ulong position)
    {
        ulong first = position;
        for (int index = 0; index < _subscribers.Length; index++)
        {
            EndWords end = _subscribers[index];
            if (end.State.ReadAcquire() != ChannelLayout.Open) continue;
            ulong cursor = end.Cursor.ReadAcquire();
            if ((long)(cursor - first) >= 0) continue;
            switch ((SubscriberPolicy)end.Policy.ReadAcquire())
            {
                case SubscriberPolicy.Block when _sights[index].Look() == PeerState.Open: first = cursor; break;
                case SubscriberPolicy.Disconnect: CutOff(end); break;
            }
        }
        return first;
    }

    private void CutOff(EndWords end)
    {
        Step.Before("state cut");
        if (end.State.CompareExchange(ChannelLayout.Cut, ChannelLayout.Open) != ChannelLayout.Open) return;
        Disconnected++;
        WakeAnyway(end);
    }
}
