// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>One domain's standing among the others: what it grants, what it maps, and its event channels.</summary>
/// <remarks>
/// Dispose it, and everything made by it ends: mappings are unmapped, grants revoked, ports closed. The same happens when the process dies. The other side hears of it by the store alone
/// (<see cref="StorePath.ReleaseDomain"/>): no event comes, a notification is no error, and what it has mapped stays as it was. Thread-safe.
/// </remarks>
public interface IDomain : IDisposable
{
    /// <summary>The own number.</summary>
    DomainId Id { get; }

    /// <summary>Pages granted and mapped.</summary>
    IGrants Grants { get; }

    /// <summary>Event channels.</summary>
    IEventChannels Events { get; }
}
