// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Who granted what to whom, who has it mapped, and which ports are joined: what the hypervisor is on Xen. No I/O but descriptors.</summary>
/// <remarks>
/// Theory of operation. A grant is a memfd that its granter made, mapped and sealed; the book checks the seals, so that nobody can pull memory away under a mapping, and read-only means that no one can
/// map it for writing any more. Each mapping is counted; an end is refused while there is one. A grant whose granter is gone, or that was revoked, stays until its last mapping goes, but nobody can
/// map it anew. An event channel is two eventfds: each end hears on one and writes to the other, so the book is not in the way of events. An end that closes leaves the other one unbound, for the same
/// domain to bind to again. References and ports are not given out again before their numbers have gone round. Belongs to one loop, or one lock.
/// </remarks>
internal sealed partial class GrantBook(GrantQuotas quotas) : IDisposable
{
    private const Seals Needed = Seals.Shrink | Seals.Grow | Seals.Seal, All = Needed | Seals.Write | Seals.FutureWrite;
    private readonly Dictionary<DomainId, BookDomain> _domains = [];
    private uint _lastMapping;

    /// <summary>The seals that a grant's memory has to have, no more and no fewer.</summary>
    public static Seals SealsOf(bool readOnly) => readOnly ? Needed | Seals.FutureWrite : Needed;

    /// <summary>Lets a process in.</summary>
    /// <param name="id">As which domain.</param>
    /// <param name="who">What it is, for lists.</param>
    /// <param name="isFirst">Whether the domain was not there before.</param>
    public BookMember Join(DomainId id, string who, out bool isFirst)
    {
        if (id.Value > DomainId.Highest) throw new GrantException(GrantFault.BadDomain, $"There can be no domain {id}; the highest is {DomainId.Highest}.");
        BookDomain domain = Domain(id);
        isFirst = domain.Members.Count == 0;
        BookMember member = new(id, who);
        _ = domain.Members.Add(member);
        return member;
    }

    /// <summary>Ends everything of a process that is gone.</summary>
    /// <returns>Whether it was the last one of its domain.</returns>
    public bool Leave(BookMember member)
    {
        BookDomain domain = _domains[member.Domain];
        if (!domain.Members.Remove(member)) return false;
        foreach (BookPort port in member.Ports.Values.ToArray()) Close(member, port.Port);
        foreach (uint mapping in member.Mappings.Keys.Concat(member.Claims.Keys).ToArray()) Unmap(member, mapping);
        foreach (GrantedArea area in member.Areas.Values.ToArray()) _ = End(member, area.First, revoke: true);
        bool wasLast = domain.Members.Count == 0;
        Tidy(domain);
        return wasLast;
    }

    /// <summary>Takes a grant in.</summary>
    /// <param name="member">The granter.</param>
    /// <param name="to">For whom.</param>
    /// <param name="pages">How many pages.</param>
    /// <param name="readOnly">Whether that domain may only read.</param>
    /// <param name="memory">The memory, which the book owns from now on, also when this throws.</param>
    /// <returns>The first page's reference; the others follow it.</returns>
    public GrantRef Grant(BookMember member, DomainId to, int pages, bool readOnly, SafeFd memory)
    {
        try
        {
            BookDomain domain = _domains[member.Domain];
            if (to.Value > DomainId.Highest) throw new GrantException(GrantFault.BadDomain, $"There can be no domain {to}; the highest is {DomainId.Highest}.");
            if (domain.Areas >= quotas.Grants) throw Quota(member, "grants", quotas.Grants);
            if (pages < 1 || pages > quotas.Pages - domain.Pages.Count) throw Quota(member, "granted pages", quotas.Pages);
            CheckMemory(memory, pages, readOnly);
            GrantRef first = FreeReferences(domain, pages);
            GrantedArea area = new(member, to, first, pages, readOnly, memory);
            for (uint page = 0; page < pages; page++) domain.Pages.Add(new(first.Value + page), area);
            domain.Areas++;
            member.Areas.Add(first, area);
            return first;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Ends a grant.</summary>
    /// <param name="member">The granter.</param>
    /// <param name="first">Its first page's reference.</param>
    /// <param name="revoke">Where it is mapped: let nobody map it any more, and end it with its last mapping.</param>
    public EndOfAccess End(BookMember member, GrantRef first, bool revoke)
    {
        if (!member.Areas.TryGetValue(first, out GrantedArea? area)) throw new GrantException(GrantFault.BadReference, $"This process has no grant that begins with reference {first}.");
        if (area.Mappings > 0)
        {
            if (!revoke) return EndOfAccess.StillMapped;
            area.IsRevoked = true;
            _ = member.Areas.Remove(first);
            return EndOfAccess.PutOff;
        }
        _ = member.Areas.Remove(first);
        Remove(area);
        return EndOfAccess.Ended;
    }

    /// <summary>Lets a domain map what it was granted.</summary>
    /// <param name="member">Who maps.</param>
    /// <param name="from">The granter.</param>
    /// <param name="first">The first page.</param>
    /// <param name="pages">How many.</param>
    /// <param name="writable">Whether for writing.</param>
    public BookMapping Map(BookMember member, DomainId from, GrantRef first, int pages, bool writable)
    {
        BookDomain domain = _domains[member.Domain];
        GrantedArea area = FindArea(member, from, first, pages, writable)
            ?? throw new GrantException(GrantFault.BadReference, $"Domain {from} grants no {pages} pages from reference {first} to domain {member.Domain}{(writable ? " for writing" : "")}.");
        if (domain.Mappings >= quotas.Mappings) throw Quota(member, "mappings", quotas.Mappings);
        do _lastMapping++;
        while (_lastMapping == 0 || member.Mappings.ContainsKey(_lastMapping) || member.Claims.ContainsKey(_lastMapping));
        BookMapping mapping = new(_lastMapping, area, (int)(first.Value - area.First.Value), pages, writable);
        domain.Mappings++;
        Enter(member, mapping);
        return mapping;
    }

    /// <summary>Takes a mapping out that is gone.</summary>
    public void Unmap(BookMember member, uint id)
    {
        bool isClaim = member.Claims.Remove(id);
        if (!member.Mappings.Remove(id, out BookMapping? mapping) && !isClaim) throw new GrantException(GrantFault.BadReference, $"This process has no mapping {id}.");
        _domains[member.Domain].Mappings--;
        if (mapping is null) return;
        GrantedArea area = mapping.Area;
        if (--area.Mappings == 0 && area.IsRevoked) Remove(area);
    }

    /// <summary>The domains that have processes here.</summary>
    public IEnumerable<DomainId> Present => _domains.Values.Where(domain => domain.Members.Count > 0).Select(domain => domain.Id);

    /// <summary>Everything in the book, for lists, in a fixed order.</summary>
    public IEnumerable<GrantInfo> Grants() => _domains.Values.OrderBy(domain => domain.Id.Value)
        .SelectMany(domain => domain.Pages.Values.Distinct().OrderBy(area => area.First.Value))
        .Select(area => new GrantInfo(area.Granter.Domain, area.First, area.Pages, area.To, area.IsReadOnly, area.Mappings, area.IsRevoked, area.Granter.Who));

    /// <summary>Every port, likewise.</summary>
    public IEnumerable<PortInfo> Ports() => _domains.Values.OrderBy(domain => domain.Id.Value)
        .SelectMany(domain => domain.Ports.Values.OrderBy(port => port.Port.Value))
        .Select(port => new PortInfo(port.Holder.Domain, port.Port, port.Remote, port.Peer?.Port, port.Holder.Who));

    /// <summary>Closes every descriptor.</summary>
    public void Dispose()
    {
        foreach (BookMember member in _domains.Values.SelectMany(domain => domain.Members).ToArray()) _ = Leave(member);
    }

    private GrantedArea? FindArea(BookMember member, DomainId from, GrantRef first, int pages, bool writable) =>
        _domains.TryGetValue(from, out BookDomain? granter) && granter.Pages.TryGetValue(first, out GrantedArea? area) && area.To == member.Domain && !area.IsRevoked
        && pages >= 1 && pages <= area.Pages - (int)(first.Value - area.First.Value) && !(writable && area.IsReadOnly) ? area : null;

    private void Remove(GrantedArea area)
    {
        BookDomain domain = _domains[area.Granter.Domain];
        for (uint page = 0; page < area.Pages; page++) _ = domain.Pages.Remove(new(area.First.Value + page));
        domain.Areas--;
        area.Memory.Dispose();
        Tidy(domain);
    }

    private static void CheckMemory(SafeFd memory, int pages, bool readOnly)
    {
        Seals seals;
        try { seals = Memfd.SealsOf(memory); }
        catch (LinuxException exception) { throw new GrantException(GrantFault.BadReference, $"What is to be granted is no memfd: {exception.Message}", exception); }
        if ((seals & All) != SealsOf(readOnly)) throw new GrantException(GrantFault.BadReference, $"The memory's seals are {seals}; a grant's are {SealsOf(readOnly)}.");
        if (SharedFile.SizeOf(memory) is var size && size != (long)pages * IGrants.PageBytes)
            throw new GrantException(GrantFault.BadReference, $"The memory has {size} bytes; {pages} pages are {(long)pages * IGrants.PageBytes}.");
    }

    // A run of free numbers, after the last one given out: what was just freed is not found again by whoever still has its number.
    private static GrantRef FreeReferences(BookDomain domain, int pages)
    {
        uint start = domain.NextReference;
        for (uint found = 0, at = start; ; at++)
        {
            if (at < GrantRef.First) (at, found, start) = (GrantRef.First, 0, GrantRef.First);   // gone round
            found = domain.Pages.ContainsKey(new(at)) ? 0 : found + 1;
            if (found == 0) start = at + 1;
            if (found < pages) continue;
            domain.NextReference = at + 1;
            return new(start);
        }
    }

    private BookDomain Domain(DomainId id)
    {
        if (!_domains.TryGetValue(id, out BookDomain? domain)) _domains.Add(id, domain = new(id));
        return domain;
    }

    private void Tidy(BookDomain domain)
    {
        if (domain.IsEmpty) _ = _domains.Remove(domain.Id);
    }

    private static GrantException Quota(BookMember member, string what, int limit) => new(GrantFault.Quota, $"Domain {member.Domain} has as many {what} as it may: the quota is {limit}.");
}
