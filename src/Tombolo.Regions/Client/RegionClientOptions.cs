// SPDX-License-Identifier: MIT
namespace Tombolo.Regions;

/// <summary>How a region is opened. Immutable; change with <c>with</c>.</summary>
public sealed record RegionClientOptions
{
    /// <summary>The server's socket for host clients. Default: where vSoC's clients look.</summary>
    public string Socket { get; init; } = RegionServerOptions.DefaultClientSocket;

    /// <summary>How long the server may take to answer. Default 5 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long <see cref="RegionClient.Signal"/> may wait for room in a full signal table before it gives up. Default 5 s.</summary>
    public TimeSpan RoomTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Look only: the window is mapped read-only even where the server would let this client write. Default false.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>See all of a region that another one manages, without a permission: for tools that show what is there. Default false.</summary>
    public bool Unscoped { get; init; }

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Timeout <= TimeSpan.Zero) yield return $"Timeout is {Timeout}; it must be more than 0.";
        if (RoomTimeout < TimeSpan.Zero) yield return $"RoomTimeout is {RoomTimeout}; it cannot be negative.";
    }
}
