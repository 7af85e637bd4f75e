// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Pages of this Xen domain, granted to another.</summary>
internal sealed class XenGrant(XenDomain domain, DomainId to, bool isReadOnly, uint[] references, long index, Window window) : GrantedPages
{
    private int _isEnded;

    public long Index => index;

    public override IReadOnlyList<GrantRef> References { get; } = [.. references.Select(reference => new GrantRef(reference))];

    public override DomainId To => to;

    public override bool IsReadOnly => isReadOnly;

    public override Window Window => window;

    // The kernel tries at once, and again later for as long as the pages are mapped; it does not say which it was.
    public override EndOfAccess TryEnd()
    {
        Revoke();
        return EndOfAccess.PutOff;
    }

    public override void Revoke()
    {
        if (Interlocked.Exchange(ref _isEnded, 1) != 0) return;
        window.Dispose();   // the kernel keeps a page for as long as it is mapped here
        domain.Free(this);
    }
}

/// <summary>Pages of another Xen domain, mapped.</summary>
internal sealed class XenMapping(XenDomain domain, DomainId from, IReadOnlyList<GrantRef> references, long index, Window window) : MappedPages
{
    private int _isUnmapped;

    public long Index => index;

    public override DomainId From => from;

    public override IReadOnlyList<GrantRef> References => references;

    public override Window Window => window;

    protected override void Unmap()
    {
        if (Interlocked.Exchange(ref _isUnmapped, 1) != 0) return;
        window.Dispose();
        domain.Forget(this);
    }
}
