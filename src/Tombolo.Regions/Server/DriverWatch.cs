// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>Waits for the first ring of a VM that has come: its driver is there.</summary>
/// <remarks>
/// Our driver rings once for each region when it is up; vSoC's is noticed when its user first signals. The doorbell is watched edge-triggered and nothing is read, so whoever reads it still finds the ring.
/// A thread of its own, and only until then: afterwards nobody is woken for nothing.
/// </remarks>
internal sealed class DriverWatch : IDisposable
{
    private const ulong BellToken = 0, StopToken = 1;

    private readonly Epoll _epoll = new();
    private readonly Doorbell _stop = Doorbell.Create();
    private readonly Thread _thread;
    private readonly Action _rang;

    /// <param name="fromGuest">The guest-to-host doorbells, borrowed.</param>
    /// <param name="rang">Called once, on a thread of the watch's own.</param>
    public DriverWatch(IReadOnlyList<SafeFd> fromGuest, Action rang)
    {
        _rang = rang;
        foreach (SafeFd bell in fromGuest) _epoll.Add(bell, EpollEvents.Readable | EpollEvents.EdgeTriggered, BellToken);
        var reports = new EpollReport[fromGuest.Count];
        while (_epoll.Wait(reports, TimeSpan.Zero) > 0) { }   // what rang before this VM came is no news
        _epoll.Add(_stop.Descriptor, EpollEvents.Readable, StopToken);
        _thread = new(Run) { Name = "region-driver", IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _ = _stop.Ring();
        _thread.Join();
        _stop.Dispose();
        _epoll.Dispose();
    }

    private void Run()
    {
        Span<EpollReport> report = stackalloc EpollReport[1];
        while (_epoll.Wait(report, Timeout.InfiniteTimeSpan) == 0) { }
        if (report[0].Token == BellToken) _rang();
    }
}
