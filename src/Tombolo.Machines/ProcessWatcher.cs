// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Tombolo.Linux;

namespace Tombolo.Machines;

/// <summary>Tells when processes end, children or not: one thread that sleeps on their descriptors.</summary>
/// <remarks>Thread-safe. Disposal ends the watching, not the processes; tasks handed out then never complete.</remarks>
public sealed class ProcessWatcher : IDisposable
{
    private const ulong WakeToken = 0;

    private readonly Epoll _epoll = new();
    private readonly SafeFd _wake = EventFd.Create();
    private readonly ConcurrentDictionary<ulong, (SafeFd Process, TaskCompletionSource<ProcessExit?> Ended)> _watched = new();
    private readonly Thread _thread;
    private ulong _lastToken;
    private volatile bool _disposed;

    /// <summary>Starts the thread.</summary>
    public ProcessWatcher()
    {
        _epoll.Add(_wake, EpollEvents.Readable, WakeToken);
        _thread = new(Loop) { IsBackground = true, Name = "process watcher" };
        _thread.Start();
    }

    /// <summary>Waits for the end of a process.</summary>
    /// <param name="process">Its descriptor; the watcher takes ownership of it.</param>
    /// <returns>Completes when the process has ended, with its exit if it was our child, which is reaped by that, otherwise with null.</returns>
    public Task<ProcessExit?> WatchAsync(SafeFd process)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var ended = new TaskCompletionSource<ProcessExit?>(TaskCreationOptions.RunContinuationsAsynchronously);
        ulong token = Interlocked.Increment(ref _lastToken);
        _watched[token] = (process, ended);
        _epoll.Add(process, EpollEvents.Readable, token);
        return ended.Task;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _ = EventFd.Signal(_wake);
        _thread.Join();
        foreach ((SafeFd process, _) in _watched.Values) process.Dispose();
        _epoll.Dispose();
        _wake.Dispose();
    }

    private void Loop()
    {
        Span<EpollReport> reports = stackalloc EpollReport[16];
        while (!_disposed)
        {
            int count = _epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            foreach (EpollReport report in reports[..count])
            {
                if (report.Token == WakeToken || !_watched.TryRemove(report.Token, out var watched)) continue;
                _epoll.Remove(watched.Process);
                ProcessExit? exit = LinuxProcess.TryReap(watched.Process);
                watched.Process.Dispose();
                watched.Ended.SetResult(exit);
            }
        }
    }
}
