// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Settings of a <see cref="GrantClient"/>. Immutable.</summary>
public sealed record GrantClientOptions
{
    /// <summary>The server's socket.</summary>
    public required string SocketPath { get; init; }
    /// <summary>Which domain to be; null: the one that the server gives.</summary>
    public DomainId? Domain { get; init; }
    /// <summary>How long to wait for an answer, and for a server that is gone to come back. Default 10 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Between two tries to reach a server that is gone. Default 10 ms.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(10);
    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>What is wrong with these settings, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Patience <= TimeSpan.Zero) yield return $"Patience is {Patience}; it must be more than 0.";
        if (Pause <= TimeSpan.Zero) yield return $"Pause is {Pause}; it must be more than 0.";
    }
}
