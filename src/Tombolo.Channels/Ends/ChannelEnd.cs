// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>One end of a channel, held by this party until it is disposed.</summary>
/// <remarks>
/// Theory of operation. An end is taken by a compare-and-exchange of its owner word under the directory's lock, and let go by storing "closed" and then nobody. A party that dies leaves its
/// name in the owner word; whoever opens the end next sees that the name is a dead one's, and puts its own there: the successor. The cursors say where it goes on.
/// A wait polls for a short while, then sleeps: it makes its wait word odd, passes a full fence, looks once more, and sleeps as long as the word holds that value. Whoever commits (or
/// releases) passes a full fence after it, reads the other's wait word, and, where it is odd, makes it even by compare-and-exchange and wakes the sleeper. So a busy pair rings no doorbell,
/// and one of the two always sees the other. A waker that dies between the exchange and the wake-up (which between processes of a host are one step) is covered by the news of its death,
/// and by the check interval.
/// One thread at a time, but for <see cref="Dispose"/>, which ends a wait on another thread.
/// </remarks>
public abstract partial class ChannelEnd : IDisposable, IAsyncDisposable
{
    private readonly EndSeat _seat;
    private readonly EndWords _own;
    private readonly EndOptions _options;
    private readonly IParty _party;
    private SpinBudget _spin;
    private volatile bool _isDisposed;
    private int _isClosing, _waiting;

    private protected ChannelEnd(EndSeat seat, EndOptions options)
    {
        (_seat, _options, _party) = (seat, options, seat.Party);
        _own = seat.End(seat.Index);
        _spin = new(Processors.Online > 1 ? options.Spin : TimeSpan.Zero);
    }

    /// <summary>The channel's name.</summary>
    public string Name => _seat.Name;

    /// <summary>The channel's kind.</summary>
    public ChannelKind Kind => _seat.Header.Kind;

    /// <summary>How often this end was taken, by this party and earlier ones.</summary>
    public uint Epoch => _seat.Epoch;

    /// <summary>How often this end rang the other's doorbell. The rest of its messages needed no ring.</summary>
    public long Rings { get; private set; }

    /// <summary>How often this end went to sleep.</summary>
    public long Sleeps { get; private set; }

    /// <summary>Whether the area was opened for this end alone, and goes with it.</summary>
    internal bool OwnsArea { get; set; }

    private protected EndSeat Seat => _seat;

    private protected EndWords Own => _own;

    private protected TimeProvider Clock => _options.Time;

    private protected bool AwaitsSuccessor => _options.AwaitsSuccessor;

    /// <summary>Whether what this end waits for is there.</summary>
    private protected abstract bool IsReady();

    /// <summary>Why it can never be there as things stand; null where it can.</summary>
    private protected abstract ChannelWait? Outcome();

    /// <summary>The position of the other side at which to be woken.</summary>
    private protected virtual ulong Want => 0;

    /// <summary>What must be looked at once the end shows as open.</summary>
    private protected virtual void Started() { }

    /// <summary>What must be in shared memory before the end is marked as closed.</summary>
    private protected virtual void Finish() { }

    /// <summary>Tells those at the other side that something has changed here, whatever they wait for, by <see cref="Rouse"/>.</summary>
    private protected abstract void WakeAll();

    /// <summary>Lets go of what this end holds in this process alone.</summary>
    private protected virtual void Forget() { }

    /// <summary>The last step of opening: from here on the end counts as open.</summary>
    internal void Begin()
    {
        Step.Before("state open");
        _own.State.WriteRelease(ChannelLayout.Open);
        Started();
        WakeAll();   // whoever waits for a peer looks again
    }

    /// <summary>Closes the end in order: what was committed stays for the other side, which learns that this end is closed.</summary>
    /// <remarks>
    /// Idempotent. A wait under way on another thread ends with <see cref="ObjectDisposedException"/>. A thread that may be in the middle of sending or taking is asked to stop first, by its
    /// cancellation token: a message costs too little for a guard against that.
    /// </remarks>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (Interlocked.Exchange(ref _isClosing, 1) != 0) return;
        _isDisposed = true;
        Interlocked.MemoryBarrier();   // ORDER: before the look at who waits.  PAIRS WITH: EnterWait
        WakeSelf();
        var patience = new SpinWait();
        while (Volatile.Read(ref _waiting) != 0) patience.SpinOnce();   // a wait under way was just woken, and leaves
        if (!_party.IsGone && _own.Owner.ReadAcquire() == _party.Id.Value)
        {
            Finish();
            Step.Before("state closed");
            _own.State.WriteRelease(ChannelLayout.Closed);   // ORDER: after everything sent.  PAIRS WITH: PeerSight.Look, which looks for messages once more after it saw this
            Step.Before("owner nobody");
            _ = _own.Owner.CompareExchange(0, _party.Id.Value);
            WakeAll();
        }
        Forget();
        _seat.Area.Forget(this);
        if (OwnsArea) _seat.Area.Dispose();
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        GC.SuppressFinalize(this);
        return default;
    }

    private protected void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_isDisposed, this);

    /// <summary>How it stands with another end.</summary>
    /// <exception cref="ObjectDisposedException">This one is closed.</exception>
    private protected PeerState Look(PeerSight sight)
    {
        ThrowIfDisposed();
        return sight.Look();
    }

    /// <summary>Wakes a sleeper at another end if it waits for a position that was reached.</summary>
    /// <param name="other">Its words.</param>
    /// <param name="position">What was reached.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected void Wake(in EndWords other, ulong position)
    {
        // ORDER: full fence between our store (head, tail) and this load: release and acquire would let the load pass the store.  PAIRS WITH: the fence in Announce, tombolo_end_announce() in C.
        SharedFence.Full();
        uint wait = other.Wait.ReadAcquire();
        if ((wait & 1) != 0) WakeAsleep(other, wait, position);
    }

    /// <summary>As for one end, for many: one fence for all.</summary>
    private protected void Wake(EndWords[] others, ulong position)
    {
        SharedFence.Full();   // as in Wake
        foreach (ref readonly EndWords other in others.AsSpan())
        {
            uint wait = other.Wait.ReadAcquire();
            if ((wait & 1) != 0) WakeAsleep(other, wait, position);
        }
    }

    /// <summary>Wakes a sleeper at another end, whatever it waits for.</summary>
    private protected void WakeAnyway(in EndWords other)
    {
        SharedFence.Full();   // as in Wake
        uint wait = other.Wait.ReadAcquire();
        if ((wait & 1) != 0) Ring(other, wait);
    }

    /// <summary>Wakes a sleeper at another end, even one whose wait word somebody made even before, and died before it rang. For news that comes once.</summary>
    private protected void Rouse(in EndWords other)
    {
        SharedFence.Full();   // as in Wake
        PartyId owner = new(other.Owner.ReadAcquire());
        uint wait = other.Wait.ReadAcquire();
        if (owner.IsNobody || ((wait & 1) != 0 && _party.WakeSleeper(owner, other.Wait, wait))) return;
        Step.Before("ring");
        _party.Wake(owner, other.Wait);
    }

    private void WakeAsleep(in EndWords other, uint wait, ulong position)
    {
        if ((long)(position - other.Want.ReadAcquire()) >= 0) Ring(other, wait);
    }

    private void Ring(in EndWords other, uint wait)
    {
        if (_party.WakeSleeper(new(other.Owner.ReadAcquire()), other.Wait, wait)) Rings++;
    }

    /// <summary>Ends the own sleep; from any thread of this process.</summary>
    private protected void WakeSelf()
    {
        if (_party.IsGone) return;   // then nobody sleeps
        uint wait = _own.Wait.ReadAcquire();
        if ((wait & 1) != 0) _ = _own.Wait.CompareExchange(wait + 1, wait);
        _party.Wake(_party.Id, _own.Wait);   // always: whoever made the word even may have died before it rang
    }
}
