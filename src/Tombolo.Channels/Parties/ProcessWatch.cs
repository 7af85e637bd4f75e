// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Tombolo.Linux;

namespace Tombolo.Channels;

/// <summary>Tells when other processes end: one thread for this process, started at the first watch, that sleeps on their descriptors.</summary>
internal static class ProcessWatch
{
    private static readonly Epoll _epoll = new();
    private static readonly ConcurrentDictionary<ulong, Entry> _entries = new();
    private static readonly Lazy<Thread> _thread = new(StartThread);
    private static ulong _lastToken;

    /// <summary>A watch that never tells.</summary>
    public static IDisposable Nothing { get; } = new Silence();

    /// <summary>Watches a process.</summary>
    /// <param name="process">Its descriptor; owned here from now on.</param>
    /// <param name="died">Called once, on the thread; it must not block.</param>
    public static IDisposable Start(SafeFd process, Action died)
    {
        _ = _thread.Value;
        ulong token = Interlocked.Increment(ref _lastToken);
        var entry = new Entry(token, process, died);
        _entries[token] = entry;
        _epoll.Add(process, EpollEvents.Readable, token);
        return entry;
    }

    private static Thread StartThread()
    {
        var thread = new Thread(Run) { Name = "channel deaths", IsBackground = true };
        thread.Start();
        return thread;
    }

    private static void Run()
    {
        Span<EpollReport> reports = stackalloc EpollReport[16];
        while (true)
        {
            int count = _epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            foreach (EpollReport report in reports[..count])
                if (_entries.TryGetValue(report.Token, out Entry? entry)) entry.Tell();
        }
    }

    private sealed class Entry(ulong token, SafeFd process, Action died) : IDisposable
    {
        private readonly Lock _lock = new();   // guards the end; held while the news is told: whoever has disposed is told nothing any more, and may let go of the memory
        private bool _isOver;

        public void Tell()
        {
            lock (_lock)
                if (TryEnd()) died();
        }

        public void Dispose()
        {
            lock (_lock) _ = TryEnd();
        }

        private bool TryEnd()
        {
            if (_isOver) return false;
            _isOver = true;
            _ = _entries.TryRemove(token, out _);
            _epoll.Remove(process);
            process.Dispose();
            return true;
        }
    }

    private sealed class Silence : IDisposable
    {
        public void Dispose() { }
    }
}
