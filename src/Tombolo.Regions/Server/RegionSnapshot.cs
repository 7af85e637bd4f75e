// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;

namespace Tombolo.Regions;

/// <summary>A region server's state at one moment.</summary>
/// <param name="Layout">Which regions there are.</param>
/// <param name="Machine">The VM; null: none is connected.</param>
/// <param name="Counters">What happened with host clients since the server's process started.</param>
/// <param name="Doorbell">The doorbell server below.</param>
public sealed record RegionSnapshot(RegionLayout Layout, PeerSnapshot? Machine, RegionCounters Counters, DoorbellSnapshot Doorbell)
{
    /// <summary>Whether the VM's driver has shown itself.</summary>
    public bool HasDriver { get; init; }
}

/// <summary>Counts of host clients.</summary>
public sealed record RegionCounters
{
    /// <summary>Clients that got a region.</summary>
    public long Served { get; init; }
    /// <summary>Clients that asked for a region that there is not, or that they may not have.</summary>
    public long NotFound { get; init; }
    /// <summary>Clients that went, stalled or talked nonsense before they had asked.</summary>
    public long Dropped { get; init; }
    /// <summary>Owner words that are held for clients.</summary>
    public int Owners { get; init; }
    /// <summary>Clients that are being talked to.</summary>
    public int Talking { get; init; }
}
