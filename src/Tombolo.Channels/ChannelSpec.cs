// SPDX-License-Identifier: MIT
using System.Numerics;
using System.Text;

namespace Tombolo.Channels;

/// <summary>How the ends of a channel stand to each other. Every channel has one hub and one or more spokes.</summary>
public enum ChannelKind
{
    /// <summary>One producer (the spoke), one consumer (the hub).</summary>
    Ring = 1,
    /// <summary>Many producers (the spokes), one consumer (the hub). Each producer has a ring of its own.</summary>
    FanIn = 2,
    /// <summary>One publisher (the hub), many subscribers (the spokes), one ring that all of them read.</summary>
    Broadcast = 3,
    /// <summary>One server (the hub), many clients (the spokes), two rings for each client.</summary>
    Request = 4,
    /// <summary>Bytes without borders, both ways, between a listener (the hub) and a caller (the spoke).</summary>
    Stream = 5,
}

/// <summary>Who may take the ends of a channel.</summary>
/// <param name="Hub">The user ID (on a host) or peer ID (on a fabric) that may be the hub, or <see cref="Anybody"/>.</param>
/// <param name="Spoke">The same for the spokes.</param>
/// <remarks>A rule among those who keep the protocol: whoever can write the memory can write past it. Rights that hold against anybody are those of the memory object itself.</remarks>
public readonly record struct ChannelRights(uint Hub, uint Spoke)
{
    /// <summary>No restriction.</summary>
    public const uint Anybody = uint.MaxValue;

    /// <summary>Both ends for anybody.</summary>
    public static ChannelRights Open { get; } = new(Anybody, Anybody);
}

/// <summary>The shape of a channel. Fixed when the channel is made. Immutable; change with <c>with</c>.</summary>
public sealed record ChannelSpec
{
    /// <summary>The kind. Default <see cref="ChannelKind.Ring"/>.</summary>
    public ChannelKind Kind { get; init; } = ChannelKind.Ring;

    /// <summary>Bytes of each ring: a power of two, 256 to 1 GiB. A message may be 8 bytes shorter (request: 16). Default 1 MiB.</summary>
    public int CapacityBytes { get; init; } = 1 << 20;

    /// <summary>How many spokes there can be at once: 1 to 256; rings and streams have exactly 1. Default 1.</summary>
    public int Spokes { get; init; } = 1;

    /// <summary>Who may take which end. Default anybody.</summary>
    public ChannelRights Rights { get; init; } = ChannelRights.Open;

    /// <summary>Rings that this shape has.</summary>
    public int Rings => RingsOf(Kind, Spokes);

    internal int EndsBehindHub => EndsOf(Kind, Spokes);

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (!IsKind(Kind)) yield return $"Kind is {(int)Kind}; it must be one of {string.Join(", ", Enum.GetValues<ChannelKind>())}.";
        if (CapacityBytes is < ChannelLayout.MinCapacity or > ChannelLayout.MaxCapacity || !BitOperations.IsPow2(CapacityBytes))
            yield return $"CapacityBytes is {CapacityBytes}; it must be a power of two from {ChannelLayout.MinCapacity} to {ChannelLayout.MaxCapacity}.";
        if (Spokes is < 1 or > ChannelLayout.MaxSpokes) yield return $"Spokes is {Spokes}; it must be 1 to {ChannelLayout.MaxSpokes}.";
        else if (Spokes != 1 && Kind is ChannelKind.Ring or ChannelKind.Stream) yield return $"Spokes is {Spokes}; a {Kind} has exactly 1.";
    }

    /// <summary>What is wrong with a channel's name.</summary>
    /// <param name="name">1 to 63 bytes of UTF-8 without control characters, slashes and spaces at the ends.</param>
    /// <returns>A sentence, or null where nothing is.</returns>
    public static string? NameProblem(string name)
    {
        int length = Encoding.UTF8.GetByteCount(name);
        if (length is 0 or > DirectoryEntry.MaxNameBytes) return $"The channel's name '{name}' is {length} bytes long; it has 1 to {DirectoryEntry.MaxNameBytes}.";
        return name.Any(char.IsControl) || name.Contains('/', StringComparison.Ordinal) || name.Contains('\uFFFD', StringComparison.Ordinal) || name.Trim().Length != name.Length
            ? $"The channel's name '{name}' has a control character, a slash, a character that is no text, or a space at an end."
            : null;
    }

    internal static bool IsKind(ChannelKind kind) => kind is >= ChannelKind.Ring and <= ChannelKind.Stream;

    /// <summary>Ends behind the hub's. A stream has three: its halves are taken apart, for one thread may read while another writes.</summary>
    internal static int EndsOf(ChannelKind kind, int spokes) => kind == ChannelKind.Stream ? StreamEnds : spokes;

    /// <summary>Of a stream: 0 the listener reads, 1 the caller writes (ring 0); 2 the caller reads, 3 the listener writes (ring 1).</summary>
    internal const int StreamEnds = 3;

    internal static int RingsOf(ChannelKind kind, int spokes) => kind switch
    {
        ChannelKind.FanIn => spokes,
        ChannelKind.Request => 2 * spokes,
        ChannelKind.Stream => 2,
        _ => 1,
    };
}
