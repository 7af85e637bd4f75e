// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Ivshmem;

/// <summary>A participant's number on one doorbell fabric, 0..65535.</summary>
/// <param name="Value">The number. Source: QEMU ivshmem-spec, "the peer's ID", 16 bits.</param>
public readonly record struct PeerId(ushort Value) : IComparable<PeerId>
{
    /// <inheritdoc/>
    public int CompareTo(PeerId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Orders by number.</summary>
    public static bool operator <(PeerId left, PeerId right) => left.Value < right.Value;
    /// <summary>Orders by number.</summary>
    public static bool operator >(PeerId left, PeerId right) => left.Value > right.Value;
    /// <summary>Orders by number.</summary>
    public static bool operator <=(PeerId left, PeerId right) => left.Value <= right.Value;
    /// <summary>Orders by number.</summary>
    public static bool operator >=(PeerId left, PeerId right) => left.Value >= right.Value;
}
