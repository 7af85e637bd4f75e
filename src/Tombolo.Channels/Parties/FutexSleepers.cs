// SPDX-License-Identifier: MIT
using System.Threading.Tasks.Sources;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>Sleeps on shared words without a thread for each: one thread sleeps on up to 126 of them at once, and there are as many threads as that takes.</summary>
/// <param name="hasSets">Whether the kernel can do that; where it cannot, each sleep has a thread after all.</param>
internal sealed class FutexSleepers(bool hasSets)
{
    private readonly Lock _lock = new();           // guards the list
    private readonly List<FutexCrew> _crews = [];

    /// <summary>Those of this process.</summary>
    public static FutexSleepers Current { get; } = new(FutexSet.IsSupported);

    /// <summary>Sleeps while a word holds a value.</summary>
    public ValueTask SleepAsync(SharedWord32 word, uint value, TimeSpan timeout)
    {
        if (word.ReadAcquire() != value) return default;
        if (!hasSets) return new(Task.Factory.StartNew(() => HostParty.Current.Sleep(word, value, timeout), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        lock (_lock)
        {
            foreach (FutexCrew crew in _crews)
                if (crew.TryAdd(word, value, timeout, out ValueTask sleep)) return sleep;
            var added = new FutexCrew();
            _crews.Add(added);
            return added.TryAdd(word, value, timeout, out ValueTask first) ? first : throw new InvalidOperationException("A new crew has no room.");
        }
    }
}

/// <summary>One thread and the words that it sleeps on.</summary>
internal sealed class FutexCrew
{
    private const int MaxSleepers = FutexSet.MaxWords - 2;

    private readonly Lock _lock = new();             // guards the sleepers and the idle ones
    private readonly List<Sleeper> _sleepers = [];
    private readonly Stack<Sleeper> _idle = new();
    private readonly Window _own;                    // one page, of which a word tells the thread that the list has changed
    private readonly SharedWord32 _changed;

    public FutexCrew()
    {
        using (SafeFd fd = Memfd.Create("tombolo-sleepers", Environment.SystemPageSize)) _own = Window.Map(fd);
        _changed = _own.Word32(0);
        new Thread(Run) { Name = "channel sleepers", IsBackground = true }.Start();
    }

    /// <summary>Adds a sleeper where there is room for one more.</summary>
    public bool TryAdd(SharedWord32 word, uint value, TimeSpan timeout, out ValueTask sleep)
    {
        lock (_lock)
        {
            if (_sleepers.Count >= MaxSleepers)
            {
                sleep = default;
                return false;
            }
            if (!_idle.TryPop(out Sleeper? sleeper)) sleeper = new(this);
            sleep = sleeper.Begin(word, value, timeout);
            _sleepers.Add(sleeper);
            _changed.WriteRelease(_changed.ReadAcquire() + 1);
        }
        _ = Futex.Wake(ref _changed.Reference);
        return true;
    }

    private void Run()
    {
        using var set = new FutexSet();
        var awake = new List<Sleeper>();
        while (true)
        {
            int count = 1;
            TimeSpan timeout = Timeout.InfiniteTimeSpan;
            lock (_lock)
            {
                set.Set(0, ref _changed.Reference, _changed.ReadAcquire());
                foreach (Sleeper sleeper in _sleepers)
                {
                    sleeper.Enter(set, count++);
                    if (timeout == Timeout.InfiniteTimeSpan || sleeper.Left < timeout) timeout = sleeper.Left;
                }
            }
            try { _ = set.Wait(count, timeout); }
            catch (LinuxException exception) when (exception.Errno == Errno.BadAddress) { }   // some memory was cut short: its sleepers' words differ at the next look
            lock (_lock)
            {
                foreach (Sleeper sleeper in _sleepers)
                    if (sleeper.IsOver) awake.Add(sleeper);
                if (awake.Count > 0) _ = _sleepers.RemoveAll(static sleeper => sleeper.IsOver);
            }
            foreach (Sleeper sleeper in awake) sleeper.End();
            awake.Clear();
        }
    }

    // Comes back when its result was taken; so it is never used for two sleeps at once.
    private void Return(Sleeper sleeper)
    {
        lock (_lock) _idle.Push(sleeper);
    }

    private sealed class Sleeper(FutexCrew crew) : IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
        private SharedWord32 _word;
        private uint _value;
        private long _deadline;
        private bool _isOver;

        public TimeSpan Left => TimeSpan.FromMilliseconds(Math.Max(0, _deadline - Environment.TickCount64));

        // Once over, over: the list is walked twice.
        public bool IsOver => _isOver = _isOver || _word.ReadAcquire() != _value || Environment.TickCount64 >= _deadline;

        public ValueTask Begin(SharedWord32 word, uint value, TimeSpan timeout)
        {
            _core.Reset();
            (_word, _value, _isOver) = (word, value, false);
            _deadline = Environment.TickCount64 + (long)Math.Ceiling(Math.Min(timeout.TotalMilliseconds, int.MaxValue));
            return new(this, _core.Version);
        }

        public void Enter(FutexSet set, int index) => set.Set(index, ref _word.Reference, _value);

        public void End() => _core.SetResult(true);

        public void GetResult(short token)
        {
            _ = _core.GetResult(token);
            crew.Return(this);
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);
    }
}
