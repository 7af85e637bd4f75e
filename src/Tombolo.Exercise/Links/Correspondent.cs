// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Exercise;

/// <summary>Somebody on the fabric as the guest's device names it: CID and SID, or ID and 0 where no address was handed out.</summary>
/// <param name="Cid">Component ID, or the peer's ID.</param>
/// <param name="Sid">Subnet ID; 0: <paramref name="Cid"/> is an ID.</param>
internal readonly record struct Correspondent(ulong Cid, ulong Sid) : IComparable<Correspondent>
{
    public int CompareTo(Correspondent other) => Sid != other.Sid ? Sid.CompareTo(other.Sid) : Cid.CompareTo(other.Cid);

    public override string ToString() => Sid == 0 ? Cid.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{Cid},{Sid}");
}

/// <summary>A peer that can be a target.</summary>
/// <param name="Who">How to reach it.</param>
/// <param name="Id">Its peer ID.</param>
/// <param name="Name">Its node name; empty: none.</param>
/// <param name="IsServer">Whether it is the fabric's server.</param>
internal sealed record Neighbour(Correspondent Who, int Id, string Name, bool IsServer)
{
    public string Label => Name.Length > 0 ? Name : Id.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Takes a message on the link's own thread; the bytes are valid until the call returns.</summary>
internal delegate void MessageArrived(Correspondent from, ReadOnlySpan<byte> message);
