// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Domains within one process, with real memfds and eventfds: for tests, and to try things out.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class LocalGround : IDisposable
{
    private readonly Lock _gate = new();   // guards the book
    private readonly GrantBook _book;

    /// <summary>Makes a ground without domains.</summary>
    /// <param name="quotas">What each domain may have; null for the defaults.</param>
    /// <exception cref="ArgumentException">The quotas have problems.</exception>
    public LocalGround(GrantQuotas? quotas = null)
    {
        quotas ??= new();
        string[] problems = [.. quotas.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(quotas));
        _book = new(quotas);
    }

    /// <summary>Adds a standing as a domain.</summary>
    /// <param name="id">Which domain; there may be several standings as one.</param>
    /// <returns>The standing, which the caller owns.</returns>
    /// <exception cref="GrantException">There can be no such domain.</exception>
    public IDomain Join(DomainId id)
    {
        lock (_gate) return new HostDomain(id, new Service(this, _book.Join(id, "here", out _)));
    }

    /// <summary>Ends everything.</summary>
    public void Dispose()
    {
        lock (_gate) _book.Dispose();
    }

    private sealed class Service(LocalGround ground, BookMember member) : IGrantService
    {
        public GrantRef Grant(DomainId to, int pages, bool readOnly, SafeFd memory)
        {
            lock (ground._gate) return ground._book.Grant(member, to, pages, readOnly, memory.Duplicate());
        }

        public EndOfAccess End(GrantRef first, bool revoke)
        {
            lock (ground._gate) return ground._book.End(member, first, revoke);
        }

        public MappingAnswer Map(DomainId from, GrantRef first, int pages, bool writable)
        {
            lock (ground._gate)
            {
                BookMapping mapping = ground._book.Map(member, from, first, pages, writable);
                return new(mapping.Id, mapping.FirstPage, mapping.Area.Memory.Duplicate());
            }
        }

        public void Unmap(uint mapping)
        {
            lock (ground._gate) ground._book.Unmap(member, mapping);
        }

        public PortAnswer AllocateUnbound(DomainId remote)
        {
            lock (ground._gate) return Answer(ground._book.AllocateUnbound(member, remote));
        }

        public PortAnswer BindInterdomain(DomainId remote, EventPort remotePort)
        {
            lock (ground._gate) return Answer(ground._book.BindInterdomain(member, remote, remotePort));
        }

        public void Close(EventPort port)
        {
            lock (ground._gate) ground._book.Close(member, port);
        }

        public void Dispose()
        {
            lock (ground._gate) _ = ground._book.Leave(member);
        }

        private static PortAnswer Answer(BookPort port) => new(port.Port, port.Own.Duplicate(), port.Others.Duplicate());
    }
}
