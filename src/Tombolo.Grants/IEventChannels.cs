// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A domain's event channels: each joins two domains, and has a port in both.</summary>
/// <remarks>Thread-safe. Source: Xen public/event_channel.h.</remarks>
public interface IEventChannels
{
    /// <summary>Makes a port that a domain can bind to.</summary>
    /// <param name="remote">The domain; it need not be there yet, and may be the own one.</param>
    /// <returns>The port, which the caller owns. Nothing is pending on it. A notification before somebody has bound to it is lost, or found by who binds.</returns>
    /// <exception cref="GrantException"><see cref="GrantFault.Quota"/>, <see cref="GrantFault.BadDomain"/>, <see cref="GrantFault.Lost"/>.</exception>
    EventChannel AllocateUnbound(DomainId remote);

    /// <summary>Binds to a port that another domain made for this one.</summary>
    /// <param name="remote">The other domain.</param>
    /// <param name="remotePort">Its port.</param>
    /// <returns>The own port, which the caller owns. One event is pending on it at once, as on Xen: what happened before the binding could not be heard.</returns>
    /// <exception cref="GrantException"><see cref="GrantFault.BadPort"/>: not there, not for this domain, bound already; <see cref="GrantFault.Quota"/>, <see cref="GrantFault.Lost"/>.</exception>
    EventChannel BindInterdomain(DomainId remote, EventPort remotePort);
}
