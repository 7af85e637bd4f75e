// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>How one end of a channel waits. Immutable; change with <c>with</c>.</summary>
public sealed record EndOptions
{
    /// <summary>The settings that are used where none are given.</summary>
    public static EndOptions Default { get; } = new();

    /// <summary>
    /// How long a wait polls at the most before it sleeps; 0 to 100 ms. It adapts: waits that polling never served poll for a sixteenth of it, and 0 means never. Default 50 µs: about what
    /// going to sleep and being woken costs. A core that polls does nothing else meanwhile.
    /// </summary>
    public TimeSpan Spin { get; init; } = TimeSpan.FromMicroseconds(50);

    /// <summary>How often a sleeper looks around although nobody woke it; 1 ms to 1 hour. Deaths are told at once where the ground can tell them; this is the net below. Default 1 s.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether a wait goes on when the other end was closed or its party died, until a successor comes, instead of saying so. Default false.</summary>
    public bool AwaitsSuccessor { get; init; }

    /// <summary>The clock of timeouts. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Spin < TimeSpan.Zero || Spin > TimeSpan.FromMilliseconds(100)) yield return $"Spin is {Spin}; it must be 0 to 100 ms.";
        if (CheckInterval < TimeSpan.FromMilliseconds(1) || CheckInterval > TimeSpan.FromHours(1)) yield return $"CheckInterval is {CheckInterval}; it must be 1 ms to 1 hour.";
    }
}

/// <summary>What a wait ended with.</summary>
public enum ChannelWait
{
    /// <summary>What was waited for is there.</summary>
    Ready,
    /// <summary>The time ran out.</summary>
    TimedOut,
    /// <summary>The other end was closed in order, and nothing of it is left to read.</summary>
    PeerClosed,
    /// <summary>The party at the other end died, and nothing of it is left to read.</summary>
    PeerDied,
}

/// <summary>How it stands with the other end of a channel.</summary>
public enum PeerState
{
    /// <summary>Nobody has taken it yet.</summary>
    Absent,
    /// <summary>A living party holds it.</summary>
    Open,
    /// <summary>It was closed in order.</summary>
    Closed,
    /// <summary>The party that holds it is dead; a successor may take it over.</summary>
    Dead,
}
