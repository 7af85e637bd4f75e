// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>How <see cref="GrantedPages.TryEnd"/> ended.</summary>
public enum EndOfAccess
{
    /// <summary>Nobody has the pages any more: they are freed, and so are their references.</summary>
    Ended,
    /// <summary>Refused: the other domain has them mapped. Nothing has changed; the references are as good as before.</summary>
    StillMapped,
    /// <summary>Put off: nobody can tell here whether they are mapped (<see cref="IGrants.SeesMappings"/>). They end when they are not.</summary>
    PutOff,
}

/// <summary>Pages that this domain granted to another. Whoever holds this object may write them until it is ended or disposed.</summary>
/// <remarks>Thread-safe, but for <see cref="Window"/>'s views, which end with the object.</remarks>
public abstract class GrantedPages : IDisposable
{
    /// <summary>One number for each page, in the order of the pages.</summary>
    public abstract IReadOnlyList<GrantRef> References { get; }

    /// <summary>Who may use them.</summary>
    public abstract DomainId To { get; }

    /// <summary>Whether that domain may only read them.</summary>
    public abstract bool IsReadOnly { get; }

    /// <summary>The pages, writable; disposed with this object.</summary>
    public abstract Window Window { get; }

    /// <summary>Takes the pages back, unless they are mapped.</summary>
    /// <returns>After <see cref="EndOfAccess.StillMapped"/> everything is as before; otherwise this object is done for, and its window unmapped.</returns>
    public abstract EndOfAccess TryEnd();

    /// <summary>Revokes: from now on nobody can map the pages anew, and they end as soon as nobody has them mapped. Memory cannot be taken out of another's mapping. The own window is unmapped. Idempotent.</summary>
    public abstract void Revoke();

    /// <inheritdoc cref="Revoke"/>
    public void Dispose()
    {
        Revoke();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Pages that another domain granted to this one, mapped. Dispose it to unmap them.</summary>
public abstract class MappedPages : IDisposable
{
    /// <summary>The granter.</summary>
    public abstract DomainId From { get; }

    /// <summary>Which pages, in order.</summary>
    public abstract IReadOnlyList<GrantRef> References { get; }

    /// <summary>The pages; unmapped with this object.</summary>
    public abstract Window Window { get; }

    /// <summary>Unmaps them. Idempotent.</summary>
    public void Dispose()
    {
        Unmap();
        GC.SuppressFinalize(this);
    }

    /// <summary>Unmaps the pages and says so to whoever must know; may be called several times.</summary>
    protected abstract void Unmap();
}
