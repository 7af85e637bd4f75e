// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>One peer among the peers of a fabric: it sleeps until its doorbell rings, rings others' by number and vector, and judges lives by the fabric's news and by heartbeats.</summary>
/// <remarks>
/// Theory of operation. All channels of a party share its one doorbell. A loop on a thread of its own sleeps on it; when it rings, the loop looks at the word of every sleeper of this party
/// and wakes those whose word has changed. A party takes a place in each area's table of parties, from which others learn its vector and see its heartbeat. It is dead for others when the
/// fabric says that it is gone, when its place is another's, or when its heartbeat has stood still for too long. Thread-safe.
/// </remarks>
public sealed class FabricParty : IParty
{
    private const ulong FabricToken = 0, WakeToken = 1;
    private const int MostPulses = 2 * 4096;   // twice the places that a table can have

    private readonly IChannelFabric _fabric;
    private readonly FabricPartyOptions _options;
    private readonly bool _ownsFabric;
    private readonly Epoll _epoll = new();
    private readonly SafeFd _wake = EventFd.Create();
    private readonly WordSleepers _sleepers;
    private readonly Thread _thread;
    private readonly Lock _lock = new();   // guards tables, places, pulses and watches
    private readonly List<PartyTable> _tables = [];
    private readonly List<(PartyTable Table, int Index)> _places = [];
    private readonly Dictionary<PartyId, Pulse> _pulses = [];
    private readonly HashSet<Watching> _watches = [];
    private volatile bool _isDisposed, _isGone;

    private readonly record struct Pulse(ulong Beat, long Since, bool WasPresent);

    /// <summary>Stands on a fabric.</summary>
    /// <param name="fabric">The ground.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="ownsFabric">Whether to dispose the ground at the end.</param>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    public FabricParty(IChannelFabric fabric, FabricPartyOptions? options = null, bool ownsFabric = false)
    {
        (_fabric, _options, _ownsFabric) = (fabric, options ?? new(), ownsFabric);
        string[] problems = [.. _options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        Id = PartyId.Of(PartyKind.Peer, fabric.Self, _options.Birth ?? Random.Shared.NextInt64());   // no secret, and small guests have no cryptography
        _sleepers = new(_options.Time);
        _epoll.Add(fabric.Descriptor, EpollEvents.Readable, FabricToken);
        _epoll.Add(_wake, EpollEvents.Readable, WakeToken);
        _thread = new(Run) { Name = $"channels-{fabric.Self}", IsBackground = true };
        _thread.Start();
    }

    /// <inheritdoc/>
    public PartyId Id { get; }

    /// <inheritdoc/>
    public AreaDomain Domain => default;

    /// <inheritdoc/>
    public bool IsGone => _isGone;

    /// <inheritdoc/>
    public void Meet(PartyTable parties)
    {
        lock (_lock) _tables.Add(parties);
    }

    /// <inheritdoc/>
    public void Join(PartyTable parties)
    {
        int index = parties.Take(Id, (uint)_fabric.Vector, IsAlive);
        lock (_lock) _places.Add((parties, index));
    }

    /// <inheritdoc/>
    public void Leave(PartyTable parties)
    {
        lock (_lock)
        {
            _ = _tables.Remove(parties);
            for (int at = _places.Count - 1; at >= 0; at--)
                if (_places[at].Table == parties)
                {
                    if (!_isGone) parties.GiveUp(_places[at].Index, Id);
                    _places.RemoveAt(at);
                }
        }
    }

    /// <inheritdoc/>
    public bool IsAlive(PartyId party)
    {
        if (party == Id) return true;
        if (!CanBe(party)) return false;
        lock (_lock) return FindPlace(party) is { } place && HasPulse(place);
    }

    /// <inheritdoc/>
    /// <remarks>Whoever has no place has as long to take one as others have between two heartbeats.</remarks>
    public bool IsAliveOrNew(PartyId party)
    {
        if (party == Id) return true;
        if (!CanBe(party)) return false;
        lock (_lock) return HasPulse(FindPlace(party) ?? new(party, 0, 0));
    }

    /// <inheritdoc/>
    public bool IsCovered(uint right) => right == ChannelRights.Anybody || right == _fabric.Self;

    /// <inheritdoc/>
    public IDisposable? Watch(PartyId party, Action died)
    {
        if (!IsAlive(party)) return null;
        var watching = new Watching(this, party, died);
        lock (_lock) _ = _watches.Add(watching);
        return watching;
    }

    /// <inheritdoc/>
    public void Sleep(SharedWord32 word, uint value, TimeSpan timeout)
    {
        if (!_isGone) _sleepers.Sleep(word, value, timeout);
    }

    /// <inheritdoc/>
    public ValueTask SleepAsync(SharedWord32 word, uint value, TimeSpan timeout) => _isGone ? default : _sleepers.SleepAsync(word, value, timeout, WakeLoop);

    /// <inheritdoc/>
    public void Wake(PartyId party, SharedWord32 word)
    {
        if (party == Id)
        {
            if (!_isGone) _sleepers.WakeThose();
            return;
        }
        PartyPlace? place;
        lock (_lock) place = FindPlace(party);
        if (place is { } found && found.Vector <= int.MaxValue) _ = _fabric.Ring(party.Number, (int)found.Vector);
    }

    /// <summary>Ends the loop. Areas opened with this party come first.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _ = EventFd.Signal(_wake);
        if (Thread.CurrentThread != _thread) _thread.Join();
        _epoll.Dispose();
        _wake.Dispose();
        if (_ownsFabric) _fabric.Dispose();
    }

    private void WakeLoop() => _ = EventFd.Signal(_wake);

    private void Run()
    {
        Span<EpollReport> reports = stackalloc EpollReport[2];
        long beaten = _options.Time.GetTimestamp();
        while (!_isDisposed)
        {
            TimeSpan left = _options.Beat - _options.Time.GetElapsedTime(beaten);
            if (_sleepers.NextDeadline() is { } next && next < left) left = next;
            int count = _epoll.Wait(reports, left > TimeSpan.Zero ? left : TimeSpan.Zero);
            bool hasNews = false;
            foreach (EpollReport report in reports[..count])
            {
                if (report.Token == WakeToken) _ = EventFd.TryRead(_wake, out _);
                else
                {
                    _fabric.Take();
                    hasNews = true;
                }
            }
            if (_fabric.IsGone)
            {
                _isGone = true;
                break;
            }
            _sleepers.WakeThose();
            bool isTime = _options.Time.GetElapsedTime(beaten) >= _options.Beat;
            if (isTime)
            {
                beaten = _options.Time.GetTimestamp();
                Beat();
            }
            if (hasNews || isTime) TellOfDeaths();
        }
        _sleepers.Close();
    }

    // The own heartbeat, and a look at everybody's.
    private void Beat()
    {
        lock (_lock)
            foreach ((PartyTable table, int index) in _places)
            {
                table.Beat(index);
                for (int at = 0; at < table.Count; at++)
                    if (table[at] is { Id.IsNobody: false } place) _ = HasPulse(place);
            }
    }

    private void TellOfDeaths()
    {
        Watching[] watches;
        lock (_lock) watches = [.. _watches];
        foreach (Watching watching in watches)
            if (!IsAlive(watching.Party)) watching.Tell();
    }

    // Under the lock. A peer that was there and is gone is dead. One that was never seen there may only be too new for the news of it: it has three beats to show itself.
    private bool HasPulse(PartyPlace place)
    {
        bool? isPresent = _fabric.IsPresent(place.Id.Number);
        bool isKnown = _pulses.TryGetValue(place.Id, out Pulse pulse);
        bool wasPresent = isPresent == true || (isKnown && pulse.WasPresent);
        if (!isKnown || pulse.Beat != place.Beat || wasPresent != pulse.WasPresent)
        {
            if (_pulses.Count > MostPulses) _pulses.Clear();   // a liar may show ever new identities
            long since = isKnown && pulse.Beat == place.Beat ? pulse.Since : _options.Time.GetTimestamp();
            _pulses[place.Id] = pulse = new(place.Beat, since, wasPresent);
        }
        if (isPresent == false && pulse.WasPresent) return false;
        return _options.Time.GetElapsedTime(pulse.Since) < (isPresent == false ? _options.Beat * 3 : _options.DeathAfter);
    }

    // A number that belongs to this party alone shows an earlier one of that number as dead.
    private bool CanBe(PartyId party) => !_isGone && party.Kind == PartyKind.Peer && (party.Number != _fabric.Self || _fabric.SharesSelf);

    // Under the lock.
    private PartyPlace? FindPlace(PartyId party)
    {
        foreach (PartyTable table in _tables)
            for (int at = 0; at < table.Count; at++)
                if (table[at] is { } place && place.Id == party) return place;
        return null;
    }

    private sealed class Watching(FabricParty all, PartyId party, Action died) : IDisposable
    {
        public PartyId Party { get; } = party;

        public void Tell()
        {
            lock (all._lock)   // also while it is told: whoever has disposed is told nothing any more
                if (all._watches.Remove(this)) died();
        }

        public void Dispose()
        {
            lock (all._lock) _ = all._watches.Remove(this);
        }
    }
}
