// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>How bad one direction of a port's link is, for experiments. Immutable. The same seed and the same frames give the same losses.</summary>
public sealed record LinkConditions
{
    /// <summary>Bits per second; 0 for no limit.</summary>
    public long BitsPerSecond { get; init; }

    /// <summary>How long each frame is under way.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Up to how much more, chosen evenly; frames may overtake each other when it is more than their distance.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Which share of the frames is lost, 0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>Which share comes twice, 0 to 1.</summary>
    public double Duplicate { get; init; }

    /// <summary>Which share is not delayed, and so overtakes others, 0 to 1. Needs a <see cref="Delay"/>.</summary>
    public double Reorder { get; init; }

    /// <summary>What the choices follow from.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The most frames under way; more are lost. 1..65536, default 1000.</summary>
    public int QueueFrames { get; init; } = 1000;

    /// <summary>What is wrong with these settings; nothing where they are good.</summary>
    public IEnumerable<string> Problems()
    {
        if (BitsPerSecond < 0) yield return $"BitsPerSecond is {BitsPerSecond}; it must be 0 (no limit) or more.";
        if (Delay < TimeSpan.Zero || Delay > TimeSpan.FromMinutes(1)) yield return $"Delay is {Delay}; it must be 0 to 1 minute.";
        if (Jitter < TimeSpan.Zero || Jitter > TimeSpan.FromMinutes(1)) yield return $"Jitter is {Jitter}; it must be 0 to 1 minute.";
        if (Loss is not (>= 0 and <= 1)) yield return $"Loss is {Loss}; it must be 0 to 1.";
        if (Duplicate is not (>= 0 and <= 1)) yield return $"Duplicate is {Duplicate}; it must be 0 to 1.";
        if (Reorder is not (>= 0 and <= 1)) yield return $"Reorder is {Reorder}; it must be 0 to 1.";
        if (Reorder > 0 && Delay == TimeSpan.Zero) yield return "Reorder needs a Delay: a frame overtakes others by not being delayed.";
        if (QueueFrames is < 1 or > 65536) yield return $"QueueFrames is {QueueFrames}; it must be 1 to 65536.";
    }
}
