// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A mapping whose grant has not been declared again yet.</summary>
internal sealed record BookClaim(uint Id, DomainId From, GrantRef First, int Pages, bool IsWritable);

// After a server's death: the processes know what stands, and say it to the next one, in any order.
internal sealed partial class GrantBook
{
    /// <summary>Takes in a grant that a book before this one had, as <see cref="Grant"/>; it keeps its references.</summary>
    public void DeclareGrant(BookMember member, DomainId to, int pages, bool readOnly, SafeFd memory, GrantRef first)
    {
        BookDomain domain = _domains[member.Domain];
        bool isFree = first.Value >= GrantRef.First && (uint)pages <= uint.MaxValue - first.Value;
        for (uint page = 0; isFree && page < pages && page < quotas.Pages; page++) isFree = !domain.Pages.ContainsKey(new(first.Value + page));
        if (!isFree)
        {
            memory.Dispose();
            throw new GrantException(GrantFault.BadReference, $"References {first} and following are another grant's of domain {member.Domain}.");
        }
        (uint next, domain.NextReference) = (domain.NextReference, first.Value);
        try { _ = Grant(member, to, pages, readOnly, memory); }
        finally { domain.NextReference = Math.Max(next, domain.NextReference); }
        if (!_domains.TryGetValue(to, out BookDomain? mapper)) return;
        foreach (BookMember other in mapper.Members)
            foreach (BookClaim claim in other.Claims.Values.ToArray())
                if (claim.From == member.Domain && claim.First.Value >= first.Value && claim.First.Value - first.Value + (uint)claim.Pages <= (uint)pages && !(claim.IsWritable && readOnly))
                {
                    _ = other.Claims.Remove(claim.Id);
                    Enter(other, new(claim.Id, member.Areas[first], (int)(claim.First.Value - first.Value), claim.Pages, claim.IsWritable));
                }
    }

    /// <summary>Takes in a mapping that a book before this one had. Where its grant is not there, it may still come; if not, the mapping is of one whose granter is gone.</summary>
    public void DeclareMapping(BookMember member, DomainId from, GrantRef first, int pages, bool writable, uint id)
    {
        BookDomain domain = _domains[member.Domain];
        if (id == 0 || member.Mappings.ContainsKey(id) || member.Claims.ContainsKey(id)) throw new GrantException(GrantFault.BadReference, $"Mapping {id} is declared already.");
        if (domain.Mappings >= quotas.Mappings) throw Quota(member, "mappings", quotas.Mappings);
        domain.Mappings++;
        if (FindArea(member, from, first, pages, writable) is { } area) Enter(member, new(id, area, (int)(first.Value - area.First.Value), pages, writable));
        else member.Claims.Add(id, new(id, from, first, pages, writable));
    }

    /// <summary>Takes in a port that a book before this one had, and joins it to the other end if that is there.</summary>
    /// <param name="member">Whose.</param>
    /// <param name="port">The port, which it keeps.</param>
    /// <param name="remote">The other domain.</param>
    /// <param name="remotePort">The port there; 0 where this end was made unbound.</param>
    /// <param name="own">The own eventfd, which the book owns from now on, also when this throws.</param>
    /// <param name="others">The other's eventfd, likewise.</param>
    public void DeclarePort(BookMember member, EventPort port, DomainId remote, EventPort remotePort, SafeFd own, SafeFd others)
    {
        try
        {
            BookDomain domain = _domains[member.Domain];
            if (domain.Ports.Count >= quotas.Ports) throw Quota(member, "ports", quotas.Ports);
            if (port.Value == 0 || domain.Ports.ContainsKey(port)) throw new GrantException(GrantFault.BadPort, $"Port {port} is another one of domain {member.Domain}.");
            if (remote.Value > DomainId.Highest || !EventFd.IsEventFd(own) || !EventFd.IsEventFd(others)) throw new GrantException(GrantFault.BadPort, $"Port {port} comes without two eventfds, or is for no domain.");
            BookPort declared = Add(member, new(member, port, remote, own, others) { WasBoundTo = remotePort });
            domain.NextPort = Math.Max(domain.NextPort, port.Value + 1);
            if (!_domains.TryGetValue(remote, out BookDomain? other)) return;
            BookPort? peer = remotePort.Value != 0 ? other.Ports.GetValueOrDefault(remotePort) : other.Ports.Values.FirstOrDefault(end => end.WasBoundTo == port && end.Remote == member.Domain && end.Peer is null);
            if (peer is null || peer == declared || peer.Peer is not null || peer.Remote != member.Domain) return;
            (declared.Peer, peer.Peer) = (peer, declared);
        }
        catch
        {
            own.Dispose();
            others.Dispose();
            throw;
        }
    }

    private static void Enter(BookMember member, BookMapping mapping)
    {
        member.Mappings.Add(mapping.Id, mapping);
        mapping.Area.Mappings++;
    }
}
