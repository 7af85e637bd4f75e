// SPDX-License-Identifier: MIT
using System.Text.Json.Serialization;
using Tombolo.Channels;

namespace Tombolo.Exercise;

/// <summary>Times in microseconds.</summary>
internal sealed record Percentiles(double P50, double P90, double P99, double Max)
{
    public static Percentiles? Of(Histogram times) => times.Count == 0 ? null
        : new(times.Percentile(0.5).TotalMicroseconds, times.Percentile(0.9).TotalMicroseconds, times.Percentile(0.99).TotalMicroseconds, times.Max.TotalMicroseconds);
}

/// <summary>What went to one target. <c>Unexpected</c>: echoes that nobody waited for (doubled, or later than the timeout).</summary>
internal sealed record TargetReport(
    int Id, string Name, long Sent, long Delivered, long TimedOut, long Unreachable, long Bytes, long? Echoed, long Lost, long Unexpected, long Corrupt, double PerSecond,
    Percentiles? TakenMicroseconds, Percentiles? RoundTripMicroseconds)
{
    [JsonIgnore]
    public bool IsClean => Sent > 0 && TimedOut == 0 && Unreachable == 0 && Lost == 0 && Unexpected == 0 && Corrupt == 0;
}

/// <summary>One stream that arrived.</summary>
internal sealed record StreamReport(string From, uint Stream, long Received, long Bytes, long Lost, long Doubled, long Reordered, bool HasEnded)
{
    [JsonIgnore]
    public bool IsClean => Lost == 0 && Doubled == 0 && Reordered == 0;
}

/// <summary>A whole run.</summary>
internal sealed record ExerciseReport(
    string Link, double Seconds, IReadOnlyList<TargetReport> Targets, IReadOnlyList<StreamReport> Streams, IReadOnlyDictionary<string, long> CorruptFrom, long Echoed, long Others, bool IsClean)
{
    public static ExerciseReport Of(IExerciseLink link, TimeSpan elapsed, IReadOnlyList<TargetReport> targets, Serving serving)
    {
        IReadOnlyList<StreamReport> streams = serving.Report();
        (IReadOnlyDictionary<string, long> corrupt, long others, long echoed) = serving.Totals();
        bool isClean = targets.All(static target => target.IsClean) && streams.All(static stream => stream.IsClean) && corrupt.Count == 0;
        return new(link.Name, elapsed.TotalSeconds, targets, streams, corrupt, echoed, others, isClean);
    }
}

/// <summary>Rounds through a bare window, all of them right.</summary>
internal sealed record SwapReport(string Window, int Id, uint Rounds, int Bytes, Percentiles? RoundMicroseconds);

/// <summary>What passed through one channel, all of it right. <c>Rings</c> and <c>Sleeps</c> are this side's.</summary>
internal sealed record ChannelTrialReport(ChannelKind Kind, uint Messages, long Bytes, double Seconds, long Rings, long Sleeps, Percentiles? CallMicroseconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ExerciseReport))]
[JsonSerializable(typeof(IReadOnlyList<Neighbour>))]
[JsonSerializable(typeof(SwapReport))]
[JsonSerializable(typeof(IReadOnlyList<ChannelTrialReport>))]
[JsonSerializable(typeof(Tombolo.Ivshmem.WindowProbe))]
internal sealed partial class ExerciseJson : JsonSerializerContext;
