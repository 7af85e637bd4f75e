// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A port of this Xen domain, with a descriptor of /dev/xen/evtchn to itself.</summary>
/// <remarks>
/// The kernel masks a port when its event is read; it is unmasked at once, so that what comes from then on makes a new event. What was notified before the read is one event, although Linux
/// may deliver two: the second is taken together with the first. Masking is done here: a masked port's descriptor is not watched, and the event waits in the kernel.
/// </remarks>
internal sealed class XenEventChannel : EventChannel
{
    private const int MostTakenAtOnce = 4;   // a peer that notifies without end must not keep a reader here

    private readonly XenDomain _domain;
    private readonly SafeFd _device;
    private readonly Epoll _heard = new();   // looks at the device while the port is not masked
    private readonly Lock _gate = new();     // guards _isMasked, _isClosed, and reading
    private bool _isMasked, _isClosed;

    public XenEventChannel(XenDomain domain, DomainId remote, SafeFd device, EventPort port)
    {
        (_domain, Remote, _device, Port) = (domain, remote, device, port);
        _heard.Add(device, EpollEvents.Readable, 0);
    }

    public override EventPort Port { get; }

    public override DomainId Remote { get; }

    public override SafeFd Descriptor => _heard.Descriptor;

    public override bool IsMasked
    {
        get
        {
            lock (_gate) return _isMasked;
        }
    }

    public override void Notify()
    {
        ObjectDisposedException.ThrowIf(_device.IsClosed, this);
        XenEventDevice.Notify(_device, Port.Value);
    }

    public override void Mask()
    {
        lock (_gate)
        {
            if (_isMasked || _isClosed) return;
            _isMasked = true;
            _heard.Change(_device, EpollEvents.None, 0);
        }
    }

    public override void Unmask()
    {
        lock (_gate)
        {
            if (!_isMasked || _isClosed) return;
            _isMasked = false;
            _heard.Change(_device, EpollEvents.Readable, 0);
        }
    }

    public override bool TryTake()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (_isMasked) return false;
            int taken = 0;
            while (taken < MostTakenAtOnce && XenEventDevice.TryRead(_device, out uint port))
            {
                _ = XenEventDevice.Unmask(_device, port);
                taken++;
            }
            return taken > 0;
        }
    }

    protected override void Close()
    {
        _domain.Forget(this);
        lock (_gate)
        {
            _isClosed = true;
            _heard.Dispose();
            _device.Dispose();   // the kernel closes the port
        }
    }
}
