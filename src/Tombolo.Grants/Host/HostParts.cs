// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Pages that a host process granted.</summary>
internal sealed class HostGrant(HostDomain domain, DomainId to, GrantRef first, int pages, bool isReadOnly, Window window) : GrantedPages
{
    private readonly Lock _gate = new();   // guards _isOver
    private bool _isOver;

    public override IReadOnlyList<GrantRef> References { get; } = [.. Enumerable.Range(0, pages).Select(page => new GrantRef(first.Value + (uint)page))];

    public override DomainId To => to;

    public override bool IsReadOnly => isReadOnly;

    public override Window Window => window;

    public override EndOfAccess TryEnd()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            EndOfAccess end = domain.Service.End(first, revoke: false);
            if (end != EndOfAccess.StillMapped) Finish();
            return end;
        }
    }

    public override void Revoke()
    {
        lock (_gate)
        {
            if (_isOver) return;
            try { _ = domain.Service.End(first, revoke: true); }
            catch (GrantException) { }   // the server is gone, or does not know it: so it has ended
            Finish();
        }
    }

    private void Finish()
    {
        _isOver = true;
        window.Dispose();
        domain.Forget(this);
    }
}

/// <summary>Pages that a host process has mapped.</summary>
internal sealed class HostMapping(HostDomain domain, DomainId from, IReadOnlyList<GrantRef> references, uint id, Window window) : MappedPages
{
    private int _isOver;

    public override DomainId From => from;

    public override IReadOnlyList<GrantRef> References => references;

    public override Window Window => window;

    protected override void Unmap()
    {
        if (Interlocked.Exchange(ref _isOver, 1) != 0) return;
        window.Dispose();   // first: the service believes what it is told
        domain.Forget(this);
        try { domain.Service.Unmap(id); }
        catch (GrantException) { }   // the server is gone, or does not know it
    }
}

/// <summary>A port of a host process: two eventfds. The own one stands in an epoll instance, which does not look while the port is masked.</summary>
internal sealed class HostEventChannel : EventChannel
{
    private readonly HostDomain _domain;
    private readonly Doorbell _own, _others;
    private readonly Epoll _heard = new();
    private volatile bool _isMasked, _isClosed;

    public HostEventChannel(HostDomain domain, DomainId remote, PortAnswer answer)
    {
        (_domain, Remote, Port, _own, _others) = (domain, remote, answer.Port, new(answer.Own), new(answer.Others));
        _heard.Add(_own.Descriptor, EpollEvents.Readable, 0);
    }

    public override EventPort Port { get; }

    public override DomainId Remote { get; }

    public override SafeFd Descriptor => _heard.Descriptor;

    public override bool IsMasked => _isMasked;

    public override void Notify()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        _ = _others.Ring();
    }

    public override void Mask()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        _isMasked = true;
        _heard.Change(_own.Descriptor, EpollEvents.None, 0);
    }

    public override void Unmask()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        _isMasked = false;
        _heard.Change(_own.Descriptor, EpollEvents.Readable, 0);
    }

    public override bool TryTake()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        return !_isMasked && _own.TryTake();
    }

    protected override void Close()
    {
        _isClosed = true;
        _domain.Forget(this);
        try { _domain.Service.Close(Port); }
        catch (GrantException) { }   // the server is gone, or does not know it
        _heard.Dispose();
        _own.Dispose();
        _others.Dispose();
    }
}
