// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>Settings of a <see cref="FabricParty"/>. Immutable; change with <c>with</c>.</summary>
public sealed record FabricPartyOptions
{
    /// <summary>How often the own heartbeat is counted up, others' are looked at, and sleepers look for what a lost ring should have told them (a guest's ring is lost while its QEMU has not
    /// heard of the receiver); 1 ms to 1 minute. Default 500 ms.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// After how long without a heartbeat a party counts as dead, where the fabric did not say that it left; at least four beats. Default 4 s. A party that is held up for longer than
    /// this (a paused machine) finds its ends taken over when it goes on, and is told so.
    /// </summary>
    public TimeSpan DeathAfter { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>What tells this party from an earlier one with the same number; null for a random one. Default null.</summary>
    public long? Birth { get; init; }

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Beat < TimeSpan.FromMilliseconds(1) || Beat > TimeSpan.FromMinutes(1)) yield return $"Beat is {Beat}; it must be 1 ms to 1 minute.";
        if (DeathAfter < Beat * 4) yield return $"DeathAfter is {DeathAfter}; it must be at least four times Beat, which is {Beat}.";
    }
}
