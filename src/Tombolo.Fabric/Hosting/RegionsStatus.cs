// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>A window of regions at one moment.</summary>
public sealed record RegionsStatus
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>Where the machine connects.</summary>
    public required string QemuSocket { get; init; }
    /// <summary>Where host clients connect.</summary>
    public required string ClientSocket { get; init; }
    /// <summary>Whether it is served.</summary>
    public bool IsUp { get; init; }
    /// <summary>Whether this server took over from one that was killed.</summary>
    public bool TookOver { get; init; }
    /// <summary>Size of the window; 0 where it is not served.</summary>
    public long WindowBytes { get; init; }
    /// <summary>The declared machine that is connected; empty for another QEMU; null: none is.</summary>
    public string? Machine { get; init; }
    /// <summary>The process of the machine that is connected.</summary>
    public int? MachineProcessId { get; init; }
    /// <summary>Whether the machine's driver has shown itself.</summary>
    public bool HasDriver { get; init; }
    /// <summary>Host clients that got a region since the server started.</summary>
    public long Served { get; init; }
    /// <summary>Host clients that were told that there is no such region for them.</summary>
    public long Refused { get; init; }
    /// <summary>Host clients that went, stalled or talked nonsense.</summary>
    public long Dropped { get; init; }
    /// <summary>Machines that were refused, because there was one.</summary>
    public long RefusedMachines { get; init; }
    /// <summary>The regions, in order; empty where it is not served.</summary>
    public IReadOnlyList<RegionStatus> Regions { get; init; } = [];
}

/// <summary>A region.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Begin">Where it begins in the window.</param>
/// <param name="End">One past its last byte in the window.</param>
/// <param name="Data">Where its data begins, from its begin.</param>
/// <param name="ManagedBy">The region that manages it; null: none.</param>
public sealed record RegionStatus(string Name, uint Begin, uint End, uint Data, string? ManagedBy);
