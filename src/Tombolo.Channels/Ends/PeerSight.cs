// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>Keeps an eye on whoever holds another end, and is told when that party dies.</summary>
/// <param name="party">The own standing.</param>
/// <param name="words">The other end.</param>
/// <param name="wake">Wakes the own sleeper; called on another thread.</param>
internal sealed class PeerSight(IParty party, EndWords words, Action wake) : IDisposable
{
    private readonly Lock _lock = new();   // guards the watch: several threads may look
    private PartyId _watched;
    private Sighting? _sighting;

    /// <summary>The other end's words.</summary>
    public EndWords Words { get; } = words;

    /// <summary>Looks now. Cheap as long as the same party holds the end.</summary>
    public PeerState Look()
    {
        var owner = new PartyId(Words.Owner.ReadAcquire());
        uint state = Words.State.ReadAcquire();
        if (state == ChannelLayout.Closed) return PeerState.Closed;
        if (owner.IsNobody) return PeerState.Absent;
        lock (_lock)
        {
            if (owner != _watched || _sighting is null)
            {
                _sighting?.Dispose();
                _watched = owner;
                _sighting = new(party, owner, wake);
            }
            if (_sighting.IsDead) return PeerState.Dead;
            return state == ChannelLayout.Vacant ? PeerState.Absent : PeerState.Open;   // vacant with a holder: it is being opened, and does not take part yet
        }
    }

    /// <summary>Why a wait for that end is over; null where it goes on.</summary>
    /// <param name="awaitsSuccessor">Whether it goes on until somebody else holds the end.</param>
    public ChannelWait? Outcome(bool awaitsSuccessor)
    {
        PeerState state = Look();   // also where nothing comes of it: the news of its death wakes us, should it die between making our wait word even and ringing
        if (awaitsSuccessor) return null;
        return state switch
        {
            PeerState.Closed => ChannelWait.PeerClosed,
            PeerState.Dead => ChannelWait.PeerDied,
            _ => null,
        };
    }

    public void Dispose()
    {
        lock (_lock) _sighting?.Dispose();
    }

    private sealed class Sighting : IDisposable
    {
        private readonly IDisposable? _watch;
        private volatile bool _isDead;

        public Sighting(IParty party, PartyId owner, Action wake)
        {
            _watch = party.Watch(owner, () =>
            {
                _isDead = true;
                wake();
            });
            if (_watch is null) _isDead = true;
        }

        public bool IsDead => _isDead;

        public void Dispose() => _watch?.Dispose();
    }
}
