// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Switching;

/// <summary>An address as a guest's driver writes it: physical, in the guest's own numbering. It means nothing here until <see cref="GuestMemory"/> has translated it.</summary>
/// <param name="Value">The number.</param>
public readonly record struct GuestAddress(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => "0x" + Value.ToString("x", CultureInfo.InvariantCulture);
}

/// <summary>An address in the front end's own address space (QEMU's, DPDK's), as vhost-user messages name the rings. It means nothing here until <see cref="GuestMemory"/> has translated it.</summary>
/// <param name="Value">The number.</param>
public readonly record struct UserAddress(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => "0x" + Value.ToString("x", CultureInfo.InvariantCulture);
}
