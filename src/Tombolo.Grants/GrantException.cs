// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Grants;

/// <summary>Why something with a grant or an event channel could not be.</summary>
public enum GrantFault
{
    /// <summary>The reference is no grant to this domain, or has ended, or is read-only and writing was asked for. Xen tells these no more apart (EINVAL), so that nobody can probe another's table.</summary>
    BadReference,
    /// <summary>The port is not there, not meant for this domain, or bound already. Xen: EINVAL.</summary>
    BadPort,
    /// <summary>A quota is used up; the message says which.</summary>
    Quota,
    /// <summary>There can be no such domain, or this caller may not be it.</summary>
    BadDomain,
    /// <summary>What hands grants over (a daemon, a device) is gone, or does not keep to the protocol.</summary>
    Lost,
}

/// <summary>A grant or event channel operation that could not be; nothing has changed.</summary>
/// <param name="fault">Why.</param>
/// <param name="message">One sentence.</param>
/// <param name="inner">What caused it, or null.</param>
public sealed class GrantException(GrantFault fault, string message, Exception? inner = null) : TomboloException(message, inner)
{
    /// <summary>Why.</summary>
    public GrantFault Fault { get; } = fault;
}
