// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Mailbox;

/// <summary>A peer's address as a fabric manager hands it out: subnet ID and component ID.</summary>
/// <param name="Sid">Subnet ID; 0: none was handed out.</param>
/// <param name="Cid">Component ID.</param>
public readonly record struct SidCid(ulong Sid, ulong Cid)
{
    /// <summary>Whether a manager handed it out.</summary>
    public bool IsAssigned => Sid != 0;

    /// <summary>"SID:CID", as tables show it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Sid}:{Cid}");
}
