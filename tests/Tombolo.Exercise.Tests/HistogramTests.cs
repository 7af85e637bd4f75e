// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Exercise.Tests;

public sealed class HistogramTests
{
    [Fact]
    public void Percentile_AnyTimes_IsWithinFourPercentOfTheSortedOne() => Prop.ForAll(Gen.NonEmptyListOf(Gen.Choose(0, int.MaxValue).Select(static n => (long)n * (n % 7 + 1))).ToArbitrary(), ticks =>
    {
        var histogram = new Histogram();
        foreach (long tick in ticks) histogram.Note(TimeSpan.FromTicks(tick));
        long[] sorted = [.. ticks.Order()];
        foreach (double part in (double[])[0.5, 0.9, 0.99, 1])
        {
            long exact = sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * part) - 1)];
            long told = histogram.Percentile(part).Ticks;
            told.ShouldBeInRange((long)(exact * 0.999) - 1, (long)(exact * 1.04) + 1);
        }
        histogram.Max.Ticks.ShouldBe(sorted[^1]);
        histogram.Count.ShouldBe(ticks.Count);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Percentile_Nothing_IsZero() => new Histogram().Percentile(0.5).ShouldBe(TimeSpan.Zero);

    [Fact]
    public void Note_LongestTime_HasABucket()
    {
        var histogram = new Histogram();
        histogram.Note(TimeSpan.MaxValue);
        histogram.Note(TimeSpan.FromTicks(-1));
        histogram.Percentile(1).ShouldBe(TimeSpan.MaxValue);
        histogram.Percentile(0.1).ShouldBe(TimeSpan.Zero);
    }
}
