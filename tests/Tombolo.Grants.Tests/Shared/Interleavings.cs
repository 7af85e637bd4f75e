// SPDX-License-Identifier: MIT

namespace Tombolo.Grants.Tests;

/// <summary>Runs a few actors in every order in which their steps can follow each other. Each has a thread, and only one of them runs at a time.</summary>
internal static class Interleavings
{
    /// <summary>Explores all orders.</summary>
    /// <param name="scene">Makes a fresh scene: its actors, each given what to call between two of its steps, and what must hold when all are done.</param>
    /// <returns>How many orders there were.</returns>
    public static int Explore(Func<(Action<Action>[] Actors, Action Check)> scene)
    {
        List<int> choices = [];
        for (int orders = 1; ; orders++)
        {
            (Action<Action>[] actors, Action check) = scene();
            List<int> branches = Run(actors, choices);
            try { check(); }
            catch (Exception exception) { throw new InvalidOperationException($"Order {string.Join(' ', choices)}: {exception.Message}", exception); }
            int last = branches.Count - 1;
            while (choices.Count < branches.Count) choices.Add(0);
            while (last >= 0 && choices[last] + 1 >= branches[last]) last--;
            if (last < 0) return orders;
            choices.RemoveRange(last + 1, choices.Count - last - 1);
            choices[last]++;
        }
    }

    // Follows the choices as far as they go, then always the first actor that is left; says how many there were to choose from each time.
    private static List<int> Run(Action<Action>[] actors, List<int> choices)
    {
        List<Actor> left = [.. actors.Select(static actor => new Actor(actor))];
        List<int> branches = [];
        while (left.Count > 0)
        {
            int choice = branches.Count < choices.Count ? choices[branches.Count] : 0;
            branches.Add(left.Count);
            Actor actor = left[choice];
            if (!actor.Step()) continue;
            _ = left.Remove(actor);
            actor.Dispose();
        }
        return branches;
    }

    private sealed class Actor : IDisposable
    {
        private readonly SemaphoreSlim _go = new(0), _stopped = new(0);
        private readonly Thread _thread;
        private bool _isDone;
        private Exception? _fault;

        public Actor(Action<Action> act)
        {
            _thread = new(() =>
            {
                _go.Wait();
                try
                {
                    act(() =>
                    {
                        _ = _stopped.Release();
                        _go.Wait();
                    });
                }
                catch (Exception exception) { _fault = exception; }
                _isDone = true;
                _ = _stopped.Release();
            })
            { IsBackground = true };
            _thread.Start();
        }

        /// <summary>Lets it go on to its next step; true when it has ended.</summary>
        public bool Step()
        {
            _ = _go.Release();
            if (!_stopped.Wait(Watchdog.Limit)) throw new TimeoutException("An actor hangs in a step.");
            return _fault is null ? _isDone : throw new InvalidOperationException(_fault.Message, _fault);
        }

        public void Dispose()
        {
            _thread.Join();
            _go.Dispose();
            _stopped.Dispose();
        }
    }
}
