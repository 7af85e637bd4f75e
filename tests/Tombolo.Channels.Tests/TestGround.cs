// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels.Tests;

/// <summary>A piece of shared memory, mapped as often as a test has parties.</summary>
internal sealed class TestGround : IDisposable
{
    private readonly SafeFd _memory;
    private readonly List<IDisposable> _owned = [];

    public TestGround(long sizeBytes = 1 << 20)
    {
        _memory = Memfd.Create("tombolo-channels-test", sizeBytes);
        Memfd.Add(_memory, Seals.Shrink);   // as a server's
        Window = Map();
    }

    /// <summary>One mapping, for looking and lying.</summary>
    public Window Window { get; }

    public Window Map()
    {
        Window window = Window.Map(_memory);
        _owned.Add(window);
        return window;
    }

    /// <summary>An area in a mapping of its own.</summary>
    public ChannelArea Area(IParty party, ChannelAreaOptions? options = null)
    {
        ChannelArea area = ChannelArea.Open(Map(), party, options);
        _owned.Add(area);
        return area;
    }

    public void Dispose()
    {
        for (int at = _owned.Count - 1; at >= 0; at--) _owned[at].Dispose();
        _memory.Dispose();
    }
}

/// <summary>A party that lives and dies as a test says. Its sleeps are real futex sleeps.</summary>
internal sealed class TestParty : IParty
{
    private static readonly Lock _lock = new();
    private static readonly HashSet<PartyId> _living = [];
    private static readonly List<(PartyId Party, Action Died)> _watches = [];
    private static int _last;

    public TestParty()
    {
        Id = PartyId.Of(PartyKind.Domain, 1 + (Interlocked.Increment(ref _last) % 1000), _last);
        lock (_lock) _ = _living.Add(Id);
    }

    public PartyId Id { get; }

    public AreaDomain Domain => default;

    public uint Covers { get; init; } = 7;

    /// <summary>From now on nobody takes it for alive.</summary>
    public void Die()
    {
        Action[] told;
        lock (_lock)
        {
            _ = _living.Remove(Id);
            told = [.. _watches.Where(watch => watch.Party == Id).Select(watch => watch.Died)];
            _ = _watches.RemoveAll(watch => watch.Party == Id);
        }
        foreach (Action died in told) died();
    }

    public void Join(PartyTable parties) { }

    public void Leave(PartyTable parties) { }

    public bool IsAlive(PartyId party)
    {
        lock (_lock) return _living.Contains(party);
    }

    public bool IsCovered(uint right) => right == ChannelRights.Anybody || right == Covers;

    public IDisposable? Watch(PartyId party, Action died)
    {
        lock (_lock)
        {
            if (!_living.Contains(party)) return null;
            _watches.Add((party, died));
            return new End(() =>
            {
                lock (_lock) _ = _watches.Remove((party, died));
            });
        }
    }

    public void Sleep(SharedWord32 word, uint value, TimeSpan timeout) => HostParty.Current.Sleep(word, value, timeout);

    public ValueTask SleepAsync(SharedWord32 word, uint value, TimeSpan timeout) => HostParty.Current.SleepAsync(word, value, timeout);

    public void Wake(PartyId party, SharedWord32 word) => HostParty.Current.Wake(party, word);

    public void Dispose() { }

    private sealed class End(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
