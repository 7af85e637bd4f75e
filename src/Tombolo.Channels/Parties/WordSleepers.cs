// SPDX-License-Identifier: MIT
using System.Threading.Tasks.Sources;
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>Those of one party that sleep on words which no futex can watch, because the other side is another kernel. A loop looks at the words whenever the doorbell rang.</summary>
/// <remarks>Thread-safe. A sleeper that comes after the loop's look sees for itself that its word has changed: it enters the list first, and looks then.</remarks>
internal sealed class WordSleepers(TimeProvider time)
{
    private readonly Lock _lock = new();   // guards the lists
    private readonly List<Sleeper> _sleepers = [];
    private readonly Stack<Sleeper> _idle = new();
    private bool _isClosed;

    /// <summary>Sleeps on this thread.</summary>
    public void Sleep(SharedWord32 word, uint value, TimeSpan timeout)
    {
        Sleeper sleeper = Enter(word, value, timeout);
        if (!sleeper.HasEnded && word.ReadAcquire() == value) _ = sleeper.Bell.Wait(timeout);
        lock (_lock)
        {
            _ = _sleepers.Remove(sleeper);
            _idle.Push(sleeper);
        }
    }

    /// <summary>Sleeps without a thread.</summary>
    /// <param name="word">As for <see cref="Sleep"/>.</param>
    /// <param name="value">As for <see cref="Sleep"/>.</param>
    /// <param name="timeout">As for <see cref="Sleep"/>.</param>
    /// <param name="added">Called once the sleeper is in the list, so that the loop takes its deadline into account.</param>
    public ValueTask SleepAsync(SharedWord32 word, uint value, TimeSpan timeout, Action added)
    {
        Sleeper sleeper = Enter(word, value, timeout, isAsync: true);
        ValueTask sleep = new(sleeper, sleeper.Token);
        if (sleeper.HasEnded) return sleep;
        if (word.ReadAcquire() != value) WakeThose();
        added();
        return sleep;
    }

    /// <summary>How long until the first of those without a thread runs out of time; null where there is none.</summary>
    public TimeSpan? NextDeadline()
    {
        lock (_lock)
        {
            TimeSpan? next = null;
            foreach (Sleeper sleeper in _sleepers)
                if (sleeper.IsAsync && (next is null || sleeper.Left < next)) next = sleeper.Left;
            return next;
        }
    }

    /// <summary>Wakes those whose words have changed, and those without a thread whose time has run out.</summary>
    public void WakeThose()
    {
        lock (_lock)
        {
            for (int at = _sleepers.Count - 1; at >= 0; at--)
            {
                Sleeper sleeper = _sleepers[at];
                if (!sleeper.IsOver) continue;
                if (sleeper.IsAsync) _sleepers.RemoveAt(at);
                sleeper.End();
            }
        }
    }

    /// <summary>Wakes everybody, now and whoever comes later: nothing rings any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            foreach (Sleeper sleeper in _sleepers) sleeper.End();
            _ = _sleepers.RemoveAll(static sleeper => sleeper.IsAsync);
        }
    }

    private Sleeper Enter(SharedWord32 word, uint value, TimeSpan timeout, bool isAsync = false)
    {
        lock (_lock)
        {
            if (!_idle.TryPop(out Sleeper? sleeper)) sleeper = new(this, time);
            sleeper.Begin(word, value, timeout, isAsync);
            if (_isClosed) sleeper.End();
            if (!_isClosed || !isAsync) _sleepers.Add(sleeper);   // a sleeper with a thread takes itself out
            return sleeper;
        }
    }

    private void Return(Sleeper sleeper)
    {
        lock (_lock) _idle.Push(sleeper);
    }

    private sealed class Sleeper(WordSleepers all, TimeProvider time) : IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
        private SharedWord32 _word;
        private uint _value;
        private long _start;
        private TimeSpan _timeout;

        public ManualResetEventSlim Bell { get; } = new(false, spinCount: 0);

        public bool IsAsync { get; private set; }

        public short Token => _core.Version;

        public bool HasEnded => IsAsync ? _core.GetStatus(_core.Version) != ValueTaskSourceStatus.Pending : Bell.IsSet;

        public TimeSpan Left => _timeout - time.GetElapsedTime(_start);

        public bool IsOver => _word.ReadAcquire() != _value || (IsAsync && Left <= TimeSpan.Zero);

        public void Begin(SharedWord32 word, uint value, TimeSpan timeout, bool isAsync)
        {
            (_word, _value, _timeout, _start, IsAsync) = (word, value, timeout, time.GetTimestamp(), isAsync);
            if (isAsync) _core.Reset();
            else Bell.Reset();
        }

        public void End()
        {
            if (IsAsync) _core.SetResult(true);
            else Bell.Set();
        }

        public void GetResult(short token)
        {
            _ = _core.GetResult(token);
            all.Return(this);
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);
    }
}
