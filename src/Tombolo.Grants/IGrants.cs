// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Pages that a domain lets another one use, and those that it was let use. One interface for host processes, QEMU guests and Xen.</summary>
/// <remarks>Thread-safe. A grant is for one domain alone, and may be to the own one. Pages keep their contents for as long as anybody has them mapped, also when the granter died.</remarks>
public interface IGrants
{
    /// <summary>A page's size in bytes. Source: Xen, XEN_PAGE_SHIFT.</summary>
    const int PageBytes = 4096;

    /// <summary>Whether <see cref="GrantedPages.TryEnd"/> can tell that pages are mapped. Not so on Xen from user space, where an end is put off instead.</summary>
    bool SeesMappings { get; }

    /// <summary>Makes pages, zero-filled, and grants them to a domain.</summary>
    /// <param name="to">The domain; it need not be there yet.</param>
    /// <param name="pages">How many, 1 or more.</param>
    /// <param name="readOnly">Whether the other domain may only read them.</param>
    /// <returns>The pages, which the caller owns.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one page.</exception>
    /// <exception cref="GrantException"><see cref="GrantFault.Quota"/>, <see cref="GrantFault.BadDomain"/>, <see cref="GrantFault.Lost"/>.</exception>
    GrantedPages Grant(DomainId to, int pages = 1, bool readOnly = false);

    /// <summary>Maps pages that another domain granted to this one. The same pages may be mapped several times.</summary>
    /// <param name="from">The granter.</param>
    /// <param name="references">References of one grant, in its order, without a gap; not necessarily all.</param>
    /// <param name="writable">Whether to map them for writing.</param>
    /// <returns>The pages, next to each other, which the caller owns.</returns>
    /// <exception cref="ArgumentException">No references.</exception>
    /// <exception cref="GrantException"><see cref="GrantFault.BadReference"/>, <see cref="GrantFault.Quota"/>, <see cref="GrantFault.Lost"/>.</exception>
    MappedPages Map(DomainId from, IReadOnlyList<GrantRef> references, bool writable = true);

    /// <summary>Copies out of one granted page without mapping it here. Source: GNTTABOP_copy.</summary>
    /// <param name="from">The granter.</param>
    /// <param name="reference">The page.</param>
    /// <param name="offsetBytes">Where in the page to start.</param>
    /// <param name="destination">Receives as many bytes as it is long; they must lie within the page.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not within a page.</exception>
    /// <exception cref="GrantException"><see cref="GrantFault.BadReference"/>, <see cref="GrantFault.Lost"/>.</exception>
    void CopyOut(DomainId from, GrantRef reference, int offsetBytes, Span<byte> destination);

    /// <summary>Copies into one granted page without mapping it here.</summary>
    /// <param name="to">The granter.</param>
    /// <param name="reference">The page; not read-only.</param>
    /// <param name="offsetBytes">Where in the page to start.</param>
    /// <param name="source">The bytes; they must lie within the page.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not within a page.</exception>
    /// <exception cref="GrantException"><see cref="GrantFault.BadReference"/>, <see cref="GrantFault.Lost"/>.</exception>
    void CopyIn(DomainId to, GrantRef reference, int offsetBytes, ReadOnlySpan<byte> source);
}
