// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise;

/// <summary>What shall pass through channels. Immutable; both sides have the same.</summary>
internal sealed record TrialPlan
{
    private const int HeaderBytes = 16;   // a frame's header, and a request's number

    /// <summary>Begins the channels' names.</summary>
    public required string Name { get; init; }
    /// <summary>How many messages.</summary>
    public required uint Count { get; init; }
    /// <summary>The longest message in bytes.</summary>
    public required int MostBytes { get; init; }
    /// <summary>Bytes of a channel's ring.</summary>
    public required int CapacityBytes { get; init; }
    /// <summary>How long the other side may take for anything.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>The length of a message; follows from its number, so that both sides know it.</summary>
    public int LengthOf(uint number) => Pattern.MinBytes + (int)(number * 2_654_435_761u % (uint)(MostBytes - Pattern.MinBytes + 1));

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (MostBytes < Pattern.MinBytes || MostBytes > CapacityBytes - HeaderBytes) yield return $"--size is {MostBytes}; it must be {Pattern.MinBytes} to {CapacityBytes - HeaderBytes} bytes in a ring of {CapacityBytes}.";
        if (Count is 0 or uint.MaxValue) yield return $"--count is {Count}; it must be 1 to {uint.MaxValue - 1}.";
    }
}
