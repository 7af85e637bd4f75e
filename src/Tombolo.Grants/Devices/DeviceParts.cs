// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Pages that the driver granted for this process.</summary>
internal sealed class DeviceGrant(DeviceDomain domain, DomainId to, IReadOnlyList<GrantRef> references, bool isReadOnly, ulong index, Window window) : GrantedPages
{
    private readonly Lock _gate = new();   // guards _isOver
    private bool _isOver;

    public override IReadOnlyList<GrantRef> References => references;

    public override DomainId To => to;

    public override bool IsReadOnly => isReadOnly;

    public override Window Window => window;

    public override EndOfAccess TryEnd()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            int errno = GrantCalls.Range(domain.Alloc, GrantCalls.EndAccess, index, references.Count);
            if (errno == Errno.Busy) return EndOfAccess.StillMapped;
            DeviceDomain.Check(errno, GrantFault.BadReference, $"Ending access to reference {references[0]}");
            Forget();
            return EndOfAccess.Ended;
        }
    }

    public override void Revoke()
    {
        lock (_gate)
            if (!_isOver) Finish();
    }

    // A driver that is gone has ended everything.
    private void Finish()
    {
        window.Dispose();   // first: the driver keeps the page for as long as it is mapped here
        _ = GrantCalls.Range(domain.Alloc, GrantCalls.DeallocGref, index, references.Count);
        Forget();
    }

    private void Forget()
    {
        _isOver = true;
        window.Dispose();
        domain.Forget(this);
    }
}

/// <summary>Pages that the driver mapped for this process.</summary>
internal sealed class DeviceMapping(DeviceDomain domain, DomainId from, IReadOnlyList<GrantRef> references, ulong index, Window window) : MappedPages
{
    private int _isOver;

    public override DomainId From => from;

    public override IReadOnlyList<GrantRef> References => references;

    public override Window Window => window;

    protected override void Unmap()
    {
        if (Interlocked.Exchange(ref _isOver, 1) != 0) return;
        window.Dispose();
        _ = GrantCalls.Range(domain.Mapper, GrantCalls.UnmapGrantRef, index, references.Count);
        domain.Forget(this);
    }
}

/// <summary>A port of this system: a file of the driver, readable when the port fired. It stands in an epoll instance, which does not look while the port is masked.</summary>
/// <remarks>The driver masks a port that it told; writing the port's number unmasks it, and what came meanwhile is told at once.</remarks>
internal sealed class DeviceEventChannel : EventChannel
{
    private readonly DeviceDomain _domain;
    private readonly SafeFd _device;
    private readonly Epoll _heard = new();
    private readonly Lock _gate = new();   // guards _isMasked, _isClosed, and that a port told is unmasked
    private bool _isMasked, _isClosed;

    public DeviceEventChannel(DeviceDomain domain, DomainId remote, EventPort port, SafeFd device)
    {
        (_domain, Remote, Port, _device) = (domain, remote, port, device);
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

    // A device that is gone, or a domain that died, hears nothing: no error.
    public override void Notify()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _ = GrantCalls.Numbers(_device, GrantCalls.Notify, [Port.Value], out _);
        }
    }

    public override void Mask() => Hear(false);

    public override void Unmask() => Hear(true);

    public override bool TryTake()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (_isMasked) return false;
            Span<byte> port = stackalloc byte[4];
            SocketResult read = CharacterDevice.Read(_device, port);
            if (read.Errno == Errno.NoDevice) throw new GrantException(GrantFault.Lost, "The device is gone, and all event channels with it.");
            if (read.Bytes != port.Length || BinaryPrimitives.ReadUInt32LittleEndian(port) != Port.Value) return false;
            _ = CharacterDevice.Write(_device, port);
            return true;
        }
    }

    // Closing the file closes its port.
    protected override void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _heard.Dispose();
            _device.Dispose();
        }
        _domain.Forget(this);
    }

    private void Hear(bool hears)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _isMasked = !hears;
            _heard.Change(_device, hears ? EpollEvents.Readable : EpollEvents.None, 0);
        }
    }
}
