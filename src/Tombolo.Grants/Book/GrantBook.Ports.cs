// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

internal sealed partial class GrantBook
{
    /// <summary>Makes a port that a domain can bind to.</summary>
    public BookPort AllocateUnbound(BookMember member, DomainId remote)
    {
        if (remote.Value > DomainId.Highest) throw new GrantException(GrantFault.BadDomain, $"There can be no domain {remote}; the highest is {DomainId.Highest}.");
        EventPort port = FreePort(member);
        SafeFd own = EventFd.Create();
        try { return Add(member, new(member, port, remote, own, EventFd.Create())); }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>Binds to a port of another domain. Source: Xen common/event_channel.c, evtchn_bind_interdomain(): the new port is pending at once.</summary>
    public BookPort BindInterdomain(BookMember member, DomainId remote, EventPort remotePort)
    {
        if (!_domains.TryGetValue(remote, out BookDomain? domain) || !domain.Ports.TryGetValue(remotePort, out BookPort? other) || other.Remote != member.Domain || other.Peer is not null)
            throw new GrantException(GrantFault.BadPort, $"Domain {remote} has no port {remotePort} that domain {member.Domain} can bind to.");
        BookPort bound = Add(member, new(member, FreePort(member), remote, other.Others, other.Own) { Peer = other });
        other.Peer = bound;
        _ = EventFd.Signal(bound.Own);
        return bound;
    }

    /// <summary>Closes a port. The other end becomes unbound. Source: as above, evtchn_close().</summary>
    public void Close(BookMember member, EventPort port)
    {
        if (!member.Ports.Remove(port, out BookPort? closed)) throw new GrantException(GrantFault.BadPort, $"This process has no port {port}.");
        _ = _domains[member.Domain].Ports.Remove(port);
        if (closed.Peer is { } peer)
        {
            peer.Peer = null;   // it keeps both eventfds, for the next one that binds
            if (ReferenceEquals(peer.Others, closed.Own)) return;   // not so where both were declared again
        }
        closed.Own.Dispose();
        closed.Others.Dispose();
    }

    private BookPort Add(BookMember member, BookPort port)
    {
        member.Ports.Add(port.Port, port);
        _domains[member.Domain].Ports.Add(port.Port, port);
        return port;
    }

    private EventPort FreePort(BookMember member)
    {
        BookDomain domain = _domains[member.Domain];
        if (domain.Ports.Count >= quotas.Ports) throw Quota(member, "ports", quotas.Ports);
        while (domain.NextPort == 0 || domain.Ports.ContainsKey(new(domain.NextPort))) domain.NextPort++;
        return new(domain.NextPort++);
    }
}
