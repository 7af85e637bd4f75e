// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Store;

/// <summary>A domain's number.</summary>
/// <param name="Value">0 is the privileged domain; the highest is <see cref="Highest"/>.</param>
public readonly record struct DomainId(ushort Value)
{
    /// <summary>The highest number. Source: Xen public/xen.h, DOMID_FIRST_RESERVED - 1.</summary>
    public const ushort Highest = 0x7FEF;

    /// <summary>The domain that may do everything.</summary>
    public static DomainId Privileged => default;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
