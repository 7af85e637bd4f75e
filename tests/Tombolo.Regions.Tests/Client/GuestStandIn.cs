// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions.Tests.Client;

/// <summary>A guest with vSoC's library, written from its rules: QEMU's connection, a worker that takes signals, and the sender's rules as they stand (no ring where the word was set).</summary>
internal sealed class GuestStandIn : IDisposable
{
    private readonly ScriptedClient _qemu;
    private readonly ScriptedHandshake _told;
    private readonly Window _window;
    private readonly RegionDescriptor _region;
    private readonly int _index;
    private readonly Doorbell _stop = Doorbell.Create();
    private readonly Thread? _worker;
    private readonly Action<uint>? _woken;
    private volatile bool _isStopping;

    /// <param name="woken">Called on the worker's thread for each offset that is signalled; null: nobody takes signals.</param>
    public GuestStandIn(string socket, int index, Action<uint>? woken = null)
    {
        _qemu = ScriptedClient.Connect(socket);
        _told = _qemu.ReadHandshake(Place.Phone.Regions.Count);
        _window = Window.Map(_told.Memory);
        (_region, _index, _woken) = (Place.Phone.Regions[index], index, woken);
        if (woken is null) return;
        _worker = new(Work);
        _worker.Start();
    }

    public uint Rings;

    /// <summary>How many slots of the host-to-guest table are taken.</summary>
    public int Taken => Enumerable.Range(0, _region.HostToGuest.Slots).Count(slot => Slot(_region.HostToGuest, slot).ReadAcquire32(0) != 0);

    /// <summary>How many slots of the guest-to-host table the host has not taken yet.</summary>
    public int Waiting => Enumerable.Range(0, _region.GuestToHost.Slots).Count(slot => Slot(_region.GuestToHost, slot).ReadAcquire32(0) != 0);

    /// <summary>Takes what stands in the host-to-guest table, for a stand-in without a worker.</summary>
    public IReadOnlyList<uint> TakeAll()
    {
        _ = _window.View(_region.BeginOffset + _region.HostToGuest.SignalledOffset, 4).Exchange32(0, 0);
        return [.. Enumerable.Range(0, _region.HostToGuest.Slots).Select(slot => Slot(_region.HostToGuest, slot).Exchange32(0, 0) & ~3u).Where(static offset => offset != 0)];
    }

    public SafeFd OwnBell => _told.Own[_index];

    public SharedView Word(uint offset) => _window.View(_region.BeginOffset + offset, 4);

    public uint Signalled(bool toHost) => _window.View(_region.BeginOffset + (toHost ? _region.GuestToHost : _region.HostToGuest).SignalledOffset, 4).ReadAcquire32(0);

    /// <summary>Signals the host, as vSoC's SendSignalToPeer does.</summary>
    public void Signal(uint offset, bool roundTrip = false)
    {
        uint entry = offset | (roundTrip ? 1u : 0);
        for (int slot = (int)(offset >> 2) & (_region.GuestToHost.Slots - 1); ; slot = (slot + 1) & (_region.GuestToHost.Slots - 1))
        {
            uint held = Slot(_region.GuestToHost, slot).CompareExchange32(0, entry, 0);
            if (held == 0) break;
            if ((held & ~3u) == offset) return;
        }
        if (_window.View(_region.BeginOffset + _region.GuestToHost.SignalledOffset, 4).Exchange32(0, 1) == 0) RingHost();
    }

    public void RingHost()
    {
        _ = Interlocked.Increment(ref Rings);
        EventFd.Signal(_told.Peers[0][_index]);
    }

    /// <summary>Scribbles anywhere in the window, as a hostile guest can.</summary>
    public void Scribble(long offset, ReadOnlySpan<byte> bytes) => _window.View(offset, bytes.Length).CopyIn(0, bytes);

    public void Dispose()
    {
        if (_isStopping) return;
        _isStopping = true;
        _ = _stop.Ring();
        _worker?.Join();
        _stop.Dispose();
        _window.Dispose();
        _qemu.Dispose();
    }

    private void Work()
    {
        using var epoll = new Epoll();
        epoll.Add(OwnBell, EpollEvents.Readable, 0);
        epoll.Add(_stop.Descriptor, EpollEvents.Readable, 1);
        Span<EpollReport> reports = stackalloc EpollReport[2];
        while (!_isStopping)
        {
            _ = epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            _ = EventFd.TryRead(OwnBell, out _);   // QEMU takes the ring, and interrupts
            while (_window.View(_region.BeginOffset + _region.HostToGuest.SignalledOffset, 4).Exchange32(0, 0) != 0)
                for (int slot = 0; slot < _region.HostToGuest.Slots; slot++)
                    if (Slot(_region.HostToGuest, slot).Exchange32(0, 0) is var held and not 0) _woken!(held & ~3u);
        }
    }

    private SharedView Slot(SignalTable table, int slot) => _window.View(_region.BeginOffset + table.SlotsOffset + (4L * slot), 4);
}
