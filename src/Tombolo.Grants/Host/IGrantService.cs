// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A mapping that was allowed. The descriptor belongs to whoever gets this.</summary>
internal readonly record struct MappingAnswer(uint Id, int FirstPage, SafeFd Memory);

/// <summary>A port that was made. The descriptors belong to whoever gets this.</summary>
internal readonly record struct PortAnswer(EventPort Port, SafeFd Own, SafeFd Others);

/// <summary>What keeps the book for a domain of host processes: in this process, or a daemon at the end of a socket. Thread-safe.</summary>
internal interface IGrantService : IDisposable
{
    /// <summary>Takes a grant in. The memory is borrowed.</summary>
    GrantRef Grant(DomainId to, int pages, bool readOnly, SafeFd memory);

    EndOfAccess End(GrantRef first, bool revoke);

    MappingAnswer Map(DomainId from, GrantRef first, int pages, bool writable);

    void Unmap(uint mapping);

    PortAnswer AllocateUnbound(DomainId remote);

    PortAnswer BindInterdomain(DomainId remote, EventPort remotePort);

    void Close(EventPort port);
}
