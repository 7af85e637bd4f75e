// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>The store of a fabric at one moment.</summary>
public sealed record StoreStatus
{
    /// <summary>Where clients connect.</summary>
    public required string Socket { get; init; }
    /// <summary>Whether it serves.</summary>
    public bool IsUp { get; init; }
    /// <summary>Whether this server took over from one that was killed.</summary>
    public bool TookOver { get; init; }
    /// <summary>How many nodes it holds.</summary>
    public int Nodes { get; init; }
    /// <summary>How many connections are open.</summary>
    public int Connections { get; init; }
    /// <summary>How many watches they have.</summary>
    public int Watches { get; init; }
    /// <summary>Domains that were introduced.</summary>
    public IReadOnlyList<int> Domains { get; init; } = [];
    /// <summary>Requests answered since the server started.</summary>
    public long Requests { get; init; }
    /// <summary>How often a quota stopped somebody.</summary>
    public long QuotaHits { get; init; }
}
