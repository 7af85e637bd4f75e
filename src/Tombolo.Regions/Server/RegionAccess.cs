// SPDX-License-Identifier: MIT
namespace Tombolo.Regions;

/// <summary>What a client may do with a region.</summary>
public enum RegionRights
{
    /// <summary>Look, and hear what the guest signals: the window comes read-only, and rings of the guest's doorbell go nowhere.</summary>
    Read,
    /// <summary>Everything.</summary>
    Write,
}

/// <summary>One rule of who may have which region.</summary>
/// <remarks>The window is one object: who may have one region can see all of the window, and who may write one can write all. A rule decides who gets it, and which doorbells.</remarks>
public sealed record RegionAccess
{
    /// <summary>The region; null for every region.</summary>
    public string? Region { get; init; }

    /// <summary>User ids that the rule is for.</summary>
    public IReadOnlyCollection<uint> Users { get; init; } = [];

    /// <summary>Group ids (a process's effective one) that the rule is for.</summary>
    public IReadOnlyCollection<uint> Groups { get; init; } = [];

    /// <summary>What they may do. Default read.</summary>
    public RegionRights Rights { get; init; }
}
