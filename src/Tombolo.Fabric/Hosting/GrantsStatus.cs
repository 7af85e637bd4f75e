// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>The grants of a fabric at one moment.</summary>
public sealed record GrantsStatus
{
    /// <summary>The socket that processes connect to.</summary>
    public required string Socket { get; init; }
    /// <summary>Whether it is served.</summary>
    public bool IsUp { get; init; }
    /// <summary>The domains that have processes there.</summary>
    public IReadOnlyList<int> Domains { get; init; } = [];
    /// <summary>How many grants there are.</summary>
    public int Grants { get; init; }
    /// <summary>How many pages they have in all.</summary>
    public int Pages { get; init; }
    /// <summary>How many ports there are.</summary>
    public int Ports { get; init; }
}
