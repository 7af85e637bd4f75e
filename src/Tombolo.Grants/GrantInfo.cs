// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A grant as a list shows it.</summary>
/// <param name="From">The granter.</param>
/// <param name="First">The first page's reference; the others follow it.</param>
/// <param name="Pages">How many pages.</param>
/// <param name="To">The domain that may use them.</param>
/// <param name="IsReadOnly">Whether it may only read.</param>
/// <param name="Mappings">How many mappings there are.</param>
/// <param name="IsRevoked">Whether nobody may map it any more: it ends with its last mapping.</param>
/// <param name="Who">The process that granted it.</param>
public sealed record GrantInfo(DomainId From, GrantRef First, int Pages, DomainId To, bool IsReadOnly, int Mappings, bool IsRevoked, string Who);

/// <summary>A port as a list shows it.</summary>
/// <param name="Domain">Whose port.</param>
/// <param name="Port">Its number.</param>
/// <param name="Remote">The other domain.</param>
/// <param name="RemotePort">The port there; null while nobody is bound.</param>
/// <param name="Who">The process that has it.</param>
public sealed record PortInfo(DomainId Domain, EventPort Port, DomainId Remote, EventPort? RemotePort, string Who);

/// <summary>What a grants' server has, in one moment.</summary>
/// <param name="Domains">The domains that have processes here.</param>
/// <param name="Grants">Every grant.</param>
/// <param name="Ports">Every port.</param>
public sealed record GrantSnapshot(IReadOnlyList<DomainId> Domains, IReadOnlyList<GrantInfo> Grants, IReadOnlyList<PortInfo> Ports);
