// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Pages of a window that a host process granted.</summary>
internal sealed class WindowGrant(WindowDomain domain, DomainId to, IReadOnlyList<GrantRef> references, bool isReadOnly, int firstPage, Window window) : GrantedPages
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
            for (int at = 0; at < references.Count; at++)
            {
                if (domain.Shared.TryEnd(domain.Place, references[at])) continue;
                uint frame = domain.Shared.FirstFrame(domain.Place) + (uint)firstPage;
                for (int ended = 0; ended < at; ended++) domain.Shared.Offer(domain.Place, references[ended], to, frame + (uint)ended, isReadOnly);
                return EndOfAccess.StillMapped;
            }
            Finish();
            return EndOfAccess.Ended;
        }
    }

    public override void Revoke()
    {
        lock (_gate)
            if (!_isOver) Finish();
    }

    private void Finish()
    {
        _isOver = true;
        window.Dispose();
        domain.Give(firstPage, references);
        domain.Forget(this);
    }
}

/// <summary>Pages of a window that a host process has mapped.</summary>
internal sealed class WindowMapping(WindowDomain domain, DomainId from, int place, IReadOnlyList<GrantRef> references, bool writable, Window window) : MappedPages
{
    private int _isOver;

    public override DomainId From => from;

    public override IReadOnlyList<GrantRef> References => references;

    public override Window Window => window;

    protected override void Unmap()
    {
        if (Interlocked.Exchange(ref _isOver, 1) != 0) return;
        window.Dispose();   // first: the granter may use the page again at once
        domain.Unmap(place, references, writable);
        domain.Forget(this);
    }
}

/// <summary>A port of a host process in a window.</summary>
/// <remarks>
/// States: quiet (rings come), heard (the event waits in an eventfd, the mask in the window is on, so that nobody rings for nothing), masked by its user. Taking the event takes the mask off,
/// and then looks for what came meanwhile; who notifies sets the pending bit before he looks at the mask. So one of the two sees the other.
/// </remarks>
internal sealed class WindowEventChannel(WindowDomain domain, EventPort port, DomainId remote) : EventChannel
{
    private readonly Doorbell _heard = Doorbell.Create();
    private readonly Lock _gate = new();   // guards the rest; taken after the domain's
    private bool _isHeard, _isMasked, _isClosed;

    public override EventPort Port { get; } = port;

    public override DomainId Remote { get; } = remote;

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
        lock (_gate) ObjectDisposedException.ThrowIf(_isClosed, this);
        domain.Notify(Port);
    }

    public override void Mask()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _isMasked = true;
            domain.Shared.SetMask(domain.Place, Port, isMasked: true);
            _ = _heard.TryTake();   // what was heard and not taken stays heard: Unmask says it again
        }
    }

    public override void Unmask()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _isMasked = false;
            if (_isHeard) _ = _heard.Ring();
            else Listen();
        }
    }

    public override bool TryTake()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (_isMasked || !_isHeard) return false;
            _isHeard = false;
            _ = _heard.TryTake();
            _ = domain.Shared.TakePending(domain.Place, Port);   // whatever came until now is this event
            Listen();
            return true;
        }
    }

    /// <summary>Passes on what is pending in the window, if anything is.</summary>
    public void Heed()
    {
        lock (_gate)
            if (!_isClosed && !_isMasked && !_isHeard && domain.Shared.TakePending(domain.Place, Port)) Hear();
    }

    /// <summary>Makes an event of the own doing.</summary>
    public void Fire()
    {
        lock (_gate)
            if (!_isHeard) Hear();
    }

    protected override void Close()
    {
        domain.ClosePort(this);
        lock (_gate)
        {
            _isClosed = true;
            _heard.Dispose();
        }
    }

    private void Hear()
    {
        _isHeard = true;
        domain.Shared.SetMask(domain.Place, Port, isMasked: true);
        if (!_isMasked) _ = _heard.Ring();
    }

    private void Listen()
    {
        domain.Shared.SetMask(domain.Place, Port, isMasked: false);
        if (domain.Shared.TakePending(domain.Place, Port)) Hear();
    }
}
