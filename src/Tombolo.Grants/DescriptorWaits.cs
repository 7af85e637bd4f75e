// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Grants;

/// <summary>One thread on which every asynchronous wait for a descriptor of this process stands.</summary>
internal static class DescriptorWaits
{
    private static readonly Lock _gate = new();   // guards the rest
    private static readonly Dictionary<ulong, Watching> _watches = [];
    private static Epoll? _epoll;
    private static ulong _lastToken;

    /// <summary>Has something called once the descriptor is readable, on the thread of all waits: it must not block.</summary>
    /// <param name="fd">Borrowed until the result is disposed.</param>
    /// <param name="readable">What to call.</param>
    /// <returns>Dispose it to watch no longer.</returns>
    public static IDisposable Watch(SafeFd fd, Action readable) => Watch(fd, EpollEvents.Readable, readable);

    /// <summary>As above, for the end of a socket's other side.</summary>
    /// <param name="fd">Borrowed until the result is disposed.</param>
    /// <param name="over">What to call.</param>
    public static IDisposable WatchEnd(SafeFd fd, Action over) => Watch(fd, EpollEvents.ReadHangUp, over);

    private static Watching Watch(SafeFd fd, EpollEvents events, Action happened)
    {
        lock (_gate)
        {
            if (_epoll is null)
            {
                _epoll = new();
                new Thread(() => Run(_epoll)) { Name = "event-channels", IsBackground = true }.Start();
            }
            var watching = new Watching(fd.Duplicate(), happened, ++_lastToken);   // an own duplicate: the same descriptor may be watched twice, and closed meanwhile
            _watches.Add(watching.Token, watching);
            _epoll.Add(watching.Descriptor, events, watching.Token);
            return watching;
        }
    }

    private static void Run(Epoll epoll)
    {
        var reports = new EpollReport[64];
        while (true)
        {
            int count = epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            foreach (EpollReport report in reports.AsSpan(0, count))
            {
                Watching? watching;
                lock (_gate) _ = _watches.TryGetValue(report.Token, out watching);
                watching?.Dispose();
                watching?.Happened();
            }
        }
    }

    private sealed class Watching(SafeFd descriptor, Action happened, ulong token) : IDisposable
    {
        public SafeFd Descriptor { get; } = descriptor;
        public Action Happened { get; } = happened;
        public ulong Token { get; } = token;

        public void Dispose()
        {
            lock (_gate)
            {
                if (!_watches.Remove(Token)) return;
                _epoll!.Remove(Descriptor);
                Descriptor.Dispose();
            }
        }
    }
}
