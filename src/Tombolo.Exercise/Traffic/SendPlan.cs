// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise;

/// <summary>What to send. Immutable.</summary>
internal sealed record SendPlan
{
    /// <summary>Shortest message in bytes.</summary>
    public required int MinBytes { get; init; }
    /// <summary>Longest message in bytes; where it differs from the shortest, sizes are drawn evenly.</summary>
    public required int MaxBytes { get; init; }
    /// <summary>Messages a second over all targets together; 0: as fast as they are taken.</summary>
    public double Rate { get; init; }
    /// <summary>Messages to each target; 0: until the time is over.</summary>
    public long Count { get; init; }
    /// <summary>For how long; null: until the count is reached.</summary>
    public TimeSpan? Duration { get; init; }
    /// <summary>Whether every message is to come back.</summary>
    public bool WantsEchoes { get; init; }
    /// <summary>Questions to one target that may be on their way at once.</summary>
    public int Window { get; init; } = 1;
    /// <summary>How long an echo may take before it counts as lost.</summary>
    public TimeSpan EchoTimeout { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Seed of sizes and streams.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    /// <param name="maxMessage">The longest message the mailbox takes.</param>
    public IEnumerable<string> Problems(int maxMessage)
    {
        if (MinBytes < Pattern.MinBytes || MaxBytes < MinBytes || MaxBytes > maxMessage)
            yield return $"Sizes are {MinBytes} to {MaxBytes} bytes; this mailbox takes {Pattern.MinBytes} to {maxMessage}, the smaller one first.";
        if (Rate < 0 || !double.IsFinite(Rate)) yield return $"The rate is {Rate}; it must be 0 (as fast as possible) or more.";
        if (Count is < 0 or > uint.MaxValue - 1) yield return $"The count is {Count}; it must be 0 to {uint.MaxValue - 1}.";
        if (Count == 0 && Duration is null) yield return "Neither a count nor a duration is given; give one, or both.";
        if (Duration <= TimeSpan.Zero) yield return $"The duration is {Duration}; it must be more than 0.";
        if (Window is < 1 or > 4096) yield return $"The window is {Window}; it must be 1 to 4096.";
        if (EchoTimeout <= TimeSpan.Zero) yield return $"The echo's timeout is {EchoTimeout}; it must be more than 0.";
    }
}
