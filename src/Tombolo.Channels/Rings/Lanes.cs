// SPDX-License-Identifier: MIT
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>One writer's ring among several, as their common reader sees it.</summary>
/// <param name="seat">The reader's seat.</param>
/// <param name="ring">Which ring of the channel it is.</param>
/// <param name="writer">Which end of the channel writes it.</param>
/// <param name="wake">Wakes the reader's sleeper when the writer dies.</param>
internal sealed class Lane(EndSeat seat, int ring, int writer, Action wake)
{
    public long Offset { get; } = seat.RingOffset(ring);

    /// <summary>Null after its writer lied.</summary>
    public RingReader? Ring { get; set; }

    public PeerSight Sight { get; } = new(seat.Party, seat.End(writer), wake);

    /// <summary>The epoch of the writer that lied last, or whose ring was tried last.</summary>
    public uint? FaultyEpoch { get; set; }

    /// <summary>The epoch of the writer whose death was counted last.</summary>
    public uint? BuriedEpoch { get; set; }
}

/// <summary>The rings of many writers, read in turn by one reader.</summary>
/// <remarks>
/// Theory of operation. Each writer has a ring of its own, so one that dies between reserving and committing holds up nobody, one that lies ends only its own session, and writers never wait
/// for each other. Messages of one writer keep their order; there is none between writers. After <see cref="Turn"/> messages the next lane has its turn, so that a busy writer does not starve
/// the others. When a writer lies, what it claims to have sent is given up, and its lane is read again only once another party has taken it.
/// </remarks>
internal sealed class Lanes
{
    /// <summary>Messages taken from one lane before the next has its turn.</summary>
    public const int Turn = 64;

    private readonly EndSeat _seat;
    private readonly Lane[] _lanes;
    private int _turn, _taken;

    public Lanes(EndSeat seat, Func<int, int> ringOf, Action wake)
    {
        _seat = seat;
        _lanes = [.. Enumerable.Range(0, seat.Spokes).Select(index => new Lane(seat, ringOf(index), index + 1, wake))];
        foreach (Lane lane in _lanes) Attach(lane);
    }

    public int Count => _lanes.Length;

    public long Deaths { get; private set; }

    public long Faults { get; private set; }

    public ProtocolException? LastFault { get; private set; }

    /// <summary>The lane that was looked at last.</summary>
    public int Current { get; private set; }

    public Lane this[int index] => _lanes[index];

    /// <summary>Set where room was given back to a lane's writer without a release.</summary>
    public Action<Lane>? Skipped { get; set; }

    public bool TryPeek(out ReadOnlySpan<byte> message)
    {
        if (_taken >= Turn) Next();
        for (int looked = 0; looked < _lanes.Length; looked++)
        {
            if (TryPeek(_lanes[_turn], out message))
            {
                Current = _turn;
                return true;
            }
            Next();
        }
        message = default;
        return false;
    }

    public void TakePeeked()
    {
        (_lanes[Current].Ring ?? throw new InvalidOperationException("No message was looked at.")).TakePeeked();
        _taken++;
    }

    public bool HasMessage()
    {
        foreach (Lane lane in _lanes)
            if (HasMessage(lane)) return true;
        return false;
    }

    /// <summary>Looks at every writer, which keeps the watches on their lives up to date, and counts those that died.</summary>
    public void Tidy()
    {
        foreach (Lane lane in _lanes)
        {
            uint epoch = lane.Sight.Words.Epoch.ReadAcquire();
            if (lane.Sight.Look() != PeerState.Dead || epoch == lane.BuriedEpoch) continue;
            lane.BuriedEpoch = epoch;
            Deaths++;
        }
    }

    /// <summary>Ends the session of a lane's writer.</summary>
    public void End(Lane lane, ProtocolException fault)
    {
        Faults++;
        LastFault = fault;
        lane.Ring?.Abandon();
        lane.Ring = null;
        lane.FaultyEpoch = lane.Sight.Words.Epoch.ReadAcquire();
    }

    public void Forget()
    {
        foreach (Lane lane in _lanes) lane.Sight.Dispose();
    }

    private void Next()
    {
        _turn = _turn + 1 == _lanes.Length ? 0 : _turn + 1;
        _taken = 0;
    }

    private bool TryPeek(Lane lane, out ReadOnlySpan<byte> message)
    {
        message = default;
        if (lane.Ring is null && !Reopen(lane)) return false;
        try
        {
            if (lane.Ring!.TryPeek(out message)) return true;
            if (lane.Ring.TakeSkipped()) Skipped?.Invoke(lane);
        }
        catch (ProtocolException fault) { End(lane, fault); }
        return false;
    }

    private bool HasMessage(Lane lane)
    {
        if (lane.Ring is null && !Reopen(lane)) return false;
        try
        {
            if (lane.Ring!.HasMessage()) return true;
            if (lane.Ring.TakeSkipped()) Skipped?.Invoke(lane);
        }
        catch (ProtocolException fault) { End(lane, fault); }
        return false;
    }

    private bool Reopen(Lane lane)
    {
        uint epoch = lane.Sight.Words.Epoch.ReadAcquire();
        if (epoch == lane.FaultyEpoch || lane.Sight.Words.State.ReadAcquire() != ChannelLayout.Open) return false;
        lane.FaultyEpoch = epoch;   // each successor gets one try
        return Attach(lane);
    }

    private bool Attach(Lane lane)
    {
        try
        {
            lane.Ring = new(_seat.Window, lane.Offset, _seat.Capacity);
            return true;
        }
        catch (ProtocolException fault)
        {
            End(lane, fault);
            return false;
        }
    }
}
