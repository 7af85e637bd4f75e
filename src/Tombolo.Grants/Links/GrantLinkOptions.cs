// SPDX-License-Identifier: MIT
using System.Numerics;
using Tombolo.Channels;

namespace Tombolo.Grants;

/// <summary>What a link carries.</summary>
public enum GrantLinkKind
{
    /// <summary>Bytes without borders, both ways.</summary>
    Bytes,
    /// <summary>Messages with borders, both ways.</summary>
    Messages,
}

/// <summary>Settings of a <see cref="GrantLink"/>. Immutable; change with <c>with</c>.</summary>
public sealed record GrantLinkOptions
{
    /// <summary>What it carries; the side that offers decides. Default bytes.</summary>
    public GrantLinkKind Kind { get; init; }
    /// <summary>Bytes of each direction's ring: a power of two from 256 to 64 MiB; the side that offers decides. Default 256 KiB: 130 pages for both, so that 200 links fit into the default quota.</summary>
    public int CapacityBytes { get; init; } = 1 << 18;
    /// <summary>How its ends wait.</summary>
    public EndOptions Ends { get; init; } = EndOptions.Default;
    /// <summary>How a side's death is noticed.</summary>
    public FabricPartyOptions Party { get; init; } = new();

    /// <summary>What is wrong with these settings, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (CapacityBytes is < 256 or > 1 << 26 || !BitOperations.IsPow2(CapacityBytes)) yield return $"CapacityBytes is {CapacityBytes}; it must be a power of two from 256 to {1 << 26}.";
        foreach (string problem in Ends.Problems().Concat(Party.Problems())) yield return problem;
    }
}
