// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Grants;

/// <summary>A grant's number in its granter's table: one page of 4096 bytes. Source: Xen public/grant_table.h, grant_ref_t.</summary>
/// <param name="Value">Never 0 for a grant; 0 to 7 are reserved.</param>
public readonly record struct GrantRef(uint Value)
{
    /// <summary>The first number a grant has. Source: Xen public/grant_table.h, GNTTAB_NR_RESERVED_ENTRIES.</summary>
    public const uint First = 8;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>An event channel's number in its domain. Source: Xen public/event_channel.h, evtchn_port_t.</summary>
/// <param name="Value">Never 0 for a port.</param>
public readonly record struct EventPort(uint Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
