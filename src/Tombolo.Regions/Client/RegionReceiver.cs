// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>Hears the guest's rings for one client: takes what was signalled, wakes whoever sleeps there on this host, and has its own process's sleepers look once more.</summary>
/// <remarks>
/// Theory of operation. All of the host's clients share one eventfd. Each watches it edge-triggered and takes nothing out of it, so each sees each ring, and none can take a ring away from another, nor into
/// its grave. The first one there takes the table's slots and wakes for all. That one may be killed between a slot and its wake; so everybody has its own sleepers look at their words after each ring:
/// then a signal reaches every process that lives. (The model tries this in every order.)
/// </remarks>
internal sealed class RegionReceiver : IDisposable
{
    private const ulong BellToken = 0, StopToken = 1;
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(5);

    private readonly Epoll _epoll = new();
    private readonly Doorbell _stop = Doorbell.Create();
    private readonly Thread _thread;
    private readonly Func<OwedSignals, bool> _take;
    private readonly Action _lookAgain;
    private readonly Func<uint, bool> _signalBack;
    private readonly OwedSignals _owed;
    private volatile bool _isStopping;

    /// <param name="fromGuest">The guest-to-host doorbell, borrowed.</param>
    /// <param name="owed">Where to put offsets that are to be signalled back; its own from now on.</param>
    /// <param name="take">Takes what was signalled; true where there may be more.</param>
    /// <param name="lookAgain">Has the process's own sleepers look at their words.</param>
    /// <param name="signalBack">Signals an offset to the guest; false where its table is full.</param>
    public RegionReceiver(SafeFd fromGuest, OwedSignals owed, Func<OwedSignals, bool> take, Action lookAgain, Func<uint, bool> signalBack)
    {
        (_owed, _take, _lookAgain, _signalBack) = (owed, take, lookAgain, signalBack);
        _epoll.Add(fromGuest, EpollEvents.Readable | EpollEvents.EdgeTriggered, BellToken);
        _epoll.Add(_stop.Descriptor, EpollEvents.Readable, StopToken);
        _thread = new(Run) { Name = "region-receiver", IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _isStopping = true;
        _ = _stop.Ring();
        _thread.Join();
        _stop.Dispose();
        _epoll.Dispose();
    }

    private void Run()
    {
        Span<EpollReport> reports = stackalloc EpollReport[2];
        bool again = true;   // a ring may have come before this thread watched
        while (!_isStopping)
        {
            if (again || _epoll.Wait(reports, _owed.IsEmpty ? Timeout.InfiniteTimeSpan : _retry) > 0)
            {
                again = _take(_owed);
                _lookAgain();
            }
            bool wasFull = _owed.IsFull;
            _owed.Pay(_signalBack);
            again |= wasFull && !_owed.IsFull;   // for what had to stay in its slot
        }
    }
}
