// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Exercise;

/// <summary>A report as a person reads it.</summary>
internal static class ReportTable
{
    public static void Write(TextWriter to, ExerciseReport report)
    {
        if (report.Targets.Count > 0)
            Write(to, ["to", "sent", "taken", "timed out", "no peer", "echoed", "lost", "unexpected", "corrupt", "msg/s", "p50 us", "p90 us", "p99 us", "max us"], report.Targets.Select(Row));
        if (report.Streams.Count > 0)
            Write(to, ["from", "received", "bytes", "lost", "doubled", "reordered", "complete"], report.Streams.Select(static stream => (string[])
                [stream.From, Whole(stream.Received), Whole(stream.Bytes), Whole(stream.Lost), Whole(stream.Doubled), Whole(stream.Reordered), stream.HasEnded ? "yes" : "no"]));
        foreach ((string from, long count) in report.CorruptFrom) to.WriteLine($"{Whole(count)} damaged messages from {from}");
        to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(report.IsClean ? "clean" : "NOT CLEAN")} after {report.Seconds:0.000} s over {report.Link}"));
    }

    // Times are round trips where there were echoes, else how long until the message was taken.
    private static string[] Row(TargetReport target)
    {
        Percentiles? times = target.RoundTripMicroseconds ?? target.TakenMicroseconds;
        return [target.Name, Whole(target.Sent), Whole(target.Delivered), Whole(target.TimedOut), Whole(target.Unreachable), target.Echoed is { } echoed ? Whole(echoed) : "-", Whole(target.Lost),
            Whole(target.Unexpected), Whole(target.Corrupt), Whole((long)target.PerSecond), Time(times?.P50), Time(times?.P90), Time(times?.P99), Time(times?.Max)];
    }

    public static void Write(TextWriter to, string[] head, IEnumerable<string[]> rows)
    {
        string[][] all = [head, .. rows];
        int[] widths = [.. head.Select((_, column) => all.Max(row => row[column].Length))];
        foreach (string[] row in all)
            to.WriteLine(string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))).TrimEnd());
    }

    private static string Whole(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Time(double? value) => value is { } microseconds ? microseconds.ToString("0.0", CultureInfo.InvariantCulture) : "-";
}
