// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>Where channels live in a window, and how an area is made. Immutable; change with <c>with</c>.</summary>
public sealed record ChannelAreaOptions
{
    /// <summary>Where the area begins in the window: behind a mailbox's slots, for instance. A multiple of 4096. Default 0.</summary>
    public long OffsetBytes { get; init; }

    /// <summary>How long it is, directory included; a multiple of 4096, or null for the rest of the window. Default null.</summary>
    public long? LengthBytes { get; init; }

    /// <summary>How many channels the directory holds: 1 to 4096. Only for an area that is made. Default 64.</summary>
    public int Entries { get; init; } = 64;

    /// <summary>How many parties that are reached by doorbell can take part: 0 to 4096. Only for an area that is made. Default 64.</summary>
    public int Parties { get; init; } = 64;

    /// <summary>Whether to make the area where there is none. Default true.</summary>
    public bool Creates { get; init; } = true;

    /// <summary>How long to wait for the directory while another living party holds it. Default 5 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether to refuse memory that somebody could cut short (<see cref="Window.CanShrink"/>). Null: refuse it on a fabric, whose parties need not trust each other, where that would end this process by SIGBUS
    /// because there is no guard for its processor (<see cref="Window.TryGuard"/>); processes of one host meet in files, which cannot be sealed. Default null.
    /// </summary>
    public bool? NeedsSealed { get; init; }

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (OffsetBytes < 0 || OffsetBytes % AreaLayout.HeapGranule != 0) yield return $"OffsetBytes is {OffsetBytes}; it must be a multiple of {AreaLayout.HeapGranule}.";
        if (LengthBytes is { } length && (length <= 0 || length % AreaLayout.HeapGranule != 0)) yield return $"LengthBytes is {length}; it must be a multiple of {AreaLayout.HeapGranule}, more than 0.";
        if (Entries is < 1 or > 4096) yield return $"Entries is {Entries}; it must be 1 to 4096.";
        if (Parties is < 0 or > 4096) yield return $"Parties is {Parties}; it must be 0 to 4096.";
        if (Patience < TimeSpan.Zero) yield return $"Patience is {Patience}; it cannot be negative.";
    }
}
