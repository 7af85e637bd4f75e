// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>Sleeps on many words for many tasks: one thread for up to 127 of them at once, more threads where there are more.</summary>
/// <remarks>
/// Each thread sleeps on its tasks' words and on a word of its own, which changes whenever its list does; the kernel compares all of them before it lets the thread sleep, so no change can slip through.
/// A thread without tasks ends.
/// </remarks>
internal sealed class AsyncSleepers(Window window) : IDisposable
{
    private readonly Lock _gate = new();   // guards _threads, and within each its list and its end
    private readonly List<Sleeper> _threads = [];
    private bool _isDisposed;

    /// <summary>Completes once the word differs.</summary>
    public Task WaitAsync(long windowOffset, uint expected, CancellationToken cancel)
    {
        var waiter = new Waiter(windowOffset, expected);
        Sleeper sleeper;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(RegionClient));
            sleeper = _threads.Find(one => one.Waiters.Count < FutexSet.MaxWords - 1) ?? Launch();
            sleeper.Waiters.Add(waiter);
        }
        sleeper.Nudge();
        if (!cancel.CanBeCanceled) return waiter.Done.Task;
        waiter.Cancellation = cancel.UnsafeRegister((_, token) =>
        {
            if (waiter.Done.TrySetCanceled(token)) sleeper.Nudge();   // so that it drops it from its list
        }, null);
        if (waiter.Done.Task.IsCompleted) waiter.Cancellation.Dispose();
        return waiter.Done.Task;
    }

    /// <summary>Has every thread look at its words again.</summary>
    public void LookAgain()
    {
        Sleeper[] threads;
        lock (_gate) threads = [.. _threads];
        foreach (Sleeper sleeper in threads) sleeper.Nudge();
    }

    /// <summary>Ends every wait, and every thread.</summary>
    public void Dispose()
    {
        Sleeper[] threads;
        lock (_gate)
        {
            _isDisposed = true;
            threads = [.. _threads];
            foreach (Sleeper sleeper in threads)
                foreach (Waiter waiter in sleeper.Waiters) _ = waiter.Done.TrySetException(new ObjectDisposedException(nameof(RegionClient), "The region was closed while somebody waited on it."));
        }
        foreach (Sleeper sleeper in threads)
        {
            sleeper.Nudge();
            sleeper.Thread.Join();
        }
    }

    private Sleeper Launch()
    {
        var sleeper = new Sleeper();
        _threads.Add(sleeper);
        sleeper.Thread = new(() => Run(sleeper)) { Name = "region-sleeper", IsBackground = true };
        sleeper.Thread.Start();
        return sleeper;
    }

    private void Run(Sleeper sleeper)
    {
        using var words = new FutexSet();
        while (true)
        {
            uint seen = sleeper.ReadControl();
            int count = 0;
            List<Waiter> done = [];
            lock (_gate)
            {
                _ = sleeper.Waiters.RemoveAll(waiter => waiter.Done.Task.IsCompleted);
                foreach (Waiter waiter in sleeper.Waiters)
                {
                    SharedView word = window.View(waiter.Offset, sizeof(uint));
                    if (word.ReadAcquire32(0) != waiter.Expected) done.Add(waiter);
                    else words.Set(count++, ref word.Word32(0), waiter.Expected);
                }
                _ = sleeper.Waiters.RemoveAll(done.Contains);
                if (sleeper.Waiters.Count == 0)
                {
                    _ = _threads.Remove(sleeper);
                    CompleteAll(done);
                    return;
                }
            }
            CompleteAll(done);
            sleeper.Watch(words, count++, seen);
            try { _ = words.Wait(count, Timeout.InfiniteTimeSpan); }
            catch (LinuxException exception) { Fail(sleeper, exception); }
        }
    }

    private void Fail(Sleeper sleeper, LinuxException exception)
    {
        var fault = new RegionException($"This kernel cannot sleep on several words at once, which WaitAsync needs (Linux 5.16); Wait works: {exception.Message}", exception);
        lock (_gate)
            foreach (Waiter waiter in sleeper.Waiters) _ = waiter.Done.TrySetException(fault);
    }

    private static void CompleteAll(List<Waiter> done)
    {
        foreach (Waiter waiter in done)
        {
            _ = waiter.Done.TrySetResult();
            waiter.Cancellation.Dispose();
        }
    }

    private sealed class Waiter(long offset, uint expected)
    {
        public long Offset => offset;
        public uint Expected => expected;
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public CancellationTokenRegistration Cancellation { get; set; }
    }

    private sealed class Sleeper
    {
        private readonly uint[] _control = GC.AllocateArray<uint>(1, pinned: true);   // the kernel sleeps on its address

        public Thread Thread { get; set; } = null!;
        public List<Waiter> Waiters { get; } = [];

        public uint ReadControl() => Volatile.Read(ref _control[0]);

        public void Watch(FutexSet words, int index, uint seen) => words.Set(index, ref _control[0], seen);

        public void Nudge()
        {
            _ = Interlocked.Increment(ref _control[0]);
            _ = Futex.Wake(ref _control[0]);
        }
    }
}
