// SPDX-License-Identifier: MIT
namespace Tombolo.Regions.Tests.Signals;

/// <summary>Runs the real protocol code, one atomic step at a time, in every order there is, and kills actors before every step.</summary>
/// <remarks>
/// An actor is ordinary code over <see cref="ModelGround"/>. To take its next step, the code is run again from its beginning: the steps that it took before are answered from its history, the next one is
/// done, and the one after that stops it. So the state of a run is the shared memory and everybody's histories, and each state is looked at once.
/// </remarks>
internal sealed class Interleavings(int slots, bool ringsQemu, params Actor[] actors)
{
    private const int MostStates = 3_000_000;
    private readonly HashSet<string> _seen = [];

    public int States => _seen.Count;
    public int Ends { get; private set; }

    /// <summary>Tries everything.</summary>
    /// <param name="judge">Called at each end (nobody who lives can take a step): says what is wrong, or null.</param>
    /// <returns>The first order of steps that ends wrongly, or null.</returns>
    public string? Explore(Func<ModelState, string?> judge)
    {
        var stack = new Stack<ModelState>();
        stack.Push(new(slots, ringsQemu, [.. actors.Select(actor => actor.SleepsAt)]));
        while (stack.TryPop(out ModelState? state))
        {
            if (!_seen.Add(state.Key)) continue;
            if (_seen.Count > MostStates) throw new InvalidOperationException("the model has too many states; make it smaller");
            bool isEnd = true;
            for (int index = 0; index < actors.Length; index++)
            {
                if (state.IsOver(index)) continue;
                ModelState next = state.Clone();
                var ground = new ModelGround(next, index);
                try
                {
                    actors[index].Run(ground);
                    next.Finish(index, actors[index].Loops);
                }
                catch (StepTakenException) { }
                catch (BlockedException) { continue; }
                isEnd = false;
                stack.Push(next);
                if (!actors[index].MayDie) continue;
                ModelState dead = state.Clone();
                dead.Kill(index);
                stack.Push(dead);
            }
            if (!isEnd) continue;
            Ends++;
            if (judge(state) is { } wrong) return $"{wrong}\n{state.Story}";
        }
        return null;
    }
}

/// <param name="MayDie">It is killed before each of its steps, in turn.</param>
/// <param name="Loops">It begins anew when it is done.</param>
/// <param name="SleepsAt">Where it sleeps; 0: nowhere.</param>
/// <param name="Signals">Where it signals; 0: nowhere.</param>
/// <param name="Run">What it does.</param>
internal sealed record Actor(Action<ModelGround> Run, bool MayDie = false, bool Loops = false, uint SleepsAt = 0, uint Signals = 0);

/// <summary>Not errors: how a run of an actor's code ends after its one step, or before a step that cannot be taken yet. Made once, for they are thrown millions of times.</summary>
internal sealed class StepTakenException : Exception
{
    public static readonly StepTakenException Instance = new();
}

internal sealed class BlockedException : Exception
{
    public static readonly BlockedException Instance = new();
}

/// <summary>Everything shared, and what each actor has seen so far.</summary>
internal sealed class ModelState
{
    private sealed record Line(string Text, Line? Before);

    private readonly List<uint>[] _histories;
    private readonly bool[] _finished, _killed;
    private readonly uint[] _sleepsAt;
    private Line? _story;

    public ModelState(int slots, bool ringsQemu, uint[] sleepsAt)
    {
        (Slots, Values, RingsQemu, _sleepsAt) = (new uint[slots], new uint[8], ringsQemu, sleepsAt);
        (Edges, Woken, _finished, _killed) = (new bool[sleepsAt.Length], new bool[sleepsAt.Length], new bool[sleepsAt.Length], new bool[sleepsAt.Length]);
        _histories = [.. sleepsAt.Select(_ => new List<uint>())];
    }

    private ModelState(ModelState other)
    {
        (Slots, Values, RingsQemu, _sleepsAt) = ([.. other.Slots], [.. other.Values], other.RingsQemu, other._sleepsAt);
        (Edges, Woken, _finished, _killed) = ([.. other.Edges], [.. other.Woken], [.. other._finished], [.. other._killed]);
        (Signalled, Pending, _story) = (other.Signalled, other.Pending, other._story);
        _histories = [.. other._histories.Select(history => new List<uint>(history))];
    }

    public uint[] Slots { get; }
    public uint[] Values { get; }
    public bool RingsQemu { get; }
    public uint Signalled { get; set; }
    public bool Pending { get; set; }
    public bool[] Edges { get; }
    public bool[] Woken { get; }   // by actor: its sleeper was woken since it last looked

    public string Key => string.Join('|', string.Join(',', Slots), string.Join(',', Values), Signalled, Pending, string.Join(',', Edges), string.Join(',', Woken),
        string.Join(';', _histories.Select(history => string.Join(',', history))), string.Join(',', _finished), string.Join(',', _killed));

    public string Story
    {
        get
        {
            var lines = new Stack<string>();
            for (Line? line = _story; line is not null; line = line.Before) lines.Push(line.Text);
            return string.Join('\n', lines);
        }
    }

    public bool IsOver(int actor) => _finished[actor] || _killed[actor];
    public bool IsKilled(int actor) => _killed[actor];
    public bool IsFinished(int actor) => _finished[actor];
    public ModelState Clone() => new(this);
    public List<uint> History(int actor) => _histories[actor];
    public void Tell(string line) => _story = new(line, _story);

    public void Finish(int actor, bool loops)
    {
        if (loops) _histories[actor].Clear();
        else _finished[actor] = true;
    }

    public void Kill(int actor)
    {
        _killed[actor] = true;
        _histories[actor].Clear();   // what it saw does not matter any more
        Tell($"{actor}: killed");
    }

    public void WakeAt(uint offset)
    {
        for (int actor = 0; actor < Woken.Length; actor++)
            if (_sleepsAt[actor] == offset) Woken[actor] = true;
    }

    public void Edge() => Array.Fill(Edges, true);
}

/// <summary>The shared ground as one actor sees it.</summary>
internal sealed class ModelGround(ModelState state, int actor) : ISignalGround
{
    private int _step;
    private bool _isTaken;

    public int Slots => state.Slots.Length;

    public uint ReadSlot(int slot) => Step($"reads slot {slot}", () => state.Slots[slot]);

    public uint CompareExchangeSlot(int slot, uint value, uint expected) => Step($"compares slot {slot} with {expected}, to put {value}", () =>
    {
        uint held = state.Slots[slot];
        if (held == expected) state.Slots[slot] = value;
        return held;
    });

    public uint ExchangeSlot(int slot, uint value) => Step($"takes slot {slot}", () =>
    {
        uint held = state.Slots[slot];
        state.Slots[slot] = value;
        return held;
    });

    public uint ReadSignalled() => Step("reads the signalled word", () => state.Signalled);

    public uint ExchangeSignalled(uint value) => Step($"sets the signalled word to {value}", () => Swap(value));

    public bool IsRingPending() => Step("looks for a ring", () => state.Pending ? 1u : 0u) != 0;

    public void Ring() => Step("rings", () => Sound());

    public void Wake(uint offset) => Step($"wakes {offset}", () =>
    {
        state.WakeAt(offset);
        return 0;
    });

    public bool CanReturn => true;

    public void Return(uint offset) => throw new NotSupportedException();

    /// <summary>A receiver wakes a sleeper of its own process.</summary>
    public void WakeOwn(int sleeper) => Step($"wakes its own sleeper {sleeper}", () =>
    {
        state.Woken[sleeper] = true;
        return 0;
    });

    /// <summary>A sender waits until a slot is free.</summary>
    public void AwaitRoom() => Step("finds room", () => state.Slots.Contains(0u) ? 0u : throw BlockedException.Instance);

    /// <summary>Changes the word at an offset.</summary>
    public void Change(uint offset) => Step($"changes the word at {offset}", () => ++state.Values[offset / 4]);

    /// <summary>The guest's ioctl: the kernel sets the word and rings in one go, which no kill of a process comes between.</summary>
    public void SetAndRing() => Step("asks its driver to ring", () => Swap(1) == 0 ? Sound() : 0);

    /// <summary>QEMU: waits for a ring and empties the doorbell.</summary>
    public void TakeRing() => Step("takes the ring", () =>
    {
        if (!state.Pending) throw BlockedException.Instance;
        state.Pending = false;
        return 0;
    });

    /// <summary>QEMU: interrupts the guest.</summary>
    public void Interrupt() => Step("interrupts", () =>
    {
        state.Edge();
        return 0;
    });

    /// <summary>A receiver: waits for its own edge.</summary>
    public void AwaitEdge() => Step("sees the edge", () =>
    {
        if (!state.Edges[actor]) throw BlockedException.Instance;
        state.Edges[actor] = false;
        return 0;
    });

    /// <summary>A sleeper: sleeps while the word is unchanged, as futex does. Comparing and falling asleep are one step; only a wake ends the sleep.</summary>
    public void Sleep(uint offset)
    {
        while (Step($"looks at {offset}", () =>
        {
            state.Woken[actor] = false;
            return state.Values[offset / 4];
        }) == 0)
            _ = Step("wakes up", () => state.Woken[actor] ? 0u : throw BlockedException.Instance);
    }

    private uint Swap(uint value)
    {
        uint held = state.Signalled;
        state.Signalled = value;
        return held;
    }

    private uint Sound()
    {
        state.Pending = true;
        if (!state.RingsQemu) state.Edge();
        return 0;
    }

    private uint Step(string what, Func<uint> act)
    {
        List<uint> history = state.History(actor);
        if (_step < history.Count) return history[_step++];
        if (_isTaken) throw StepTakenException.Instance;
        uint seen = act();
        _isTaken = true;
        _step++;
        history.Add(seen);
        state.Tell($"{actor}: {what} -> {seen}");
        return seen;
    }
}
