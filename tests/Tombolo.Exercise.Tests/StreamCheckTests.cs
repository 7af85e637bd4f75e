// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Exercise.Tests;

public sealed class StreamCheckTests
{
    [Theory]
    [InlineData("0 1 2 3", 4, 4, 0, 0, 0)]
    [InlineData("0 1 3", 4, 3, 1, 0, 0)]
    [InlineData("0 1 2", 5, 3, 2, 0, 0)]
    [InlineData("2 3", 4, 2, 2, 0, 0)]
    [InlineData("0 1 1 2", 3, 3, 0, 1, 0)]
    [InlineData("0 2 1 3", 4, 4, 0, 0, 1)]
    [InlineData("0 2 1 1 3", 4, 4, 0, 1, 1)]
    [InlineData("", 3, 0, 3, 0, 0)]
    [InlineData("", 0, 0, 0, 0, 0)]
    public void Take_Sequence_IsJudged(string arrived, uint count, long received, long lost, long doubled, long reordered)
    {
        var check = new StreamCheck();
        foreach (string word in arrived.Split(' ', StringSplitOptions.RemoveEmptyEntries)) check.Take(uint.Parse(word, System.Globalization.CultureInfo.InvariantCulture), 10);
        check.End(count);
        (check.Received, check.Lost, check.Doubled, check.Reordered).ShouldBe((received, lost, doubled, reordered));
        check.IsClean.ShouldBe(lost == 0 && doubled == 0 && reordered == 0);
        check.HasEnded.ShouldBeTrue();
    }

    /// <summary>Whatever is dropped, repeated and swapped: the figures are those of the plain definition.</summary>
    [Fact]
    public void Take_AnyArrival_MatchesTheDefinition() => Prop.ForAll(Gen.ArrayOf(Gen.Choose(0, 40)).ToArbitrary(), arrived =>
    {
        var check = new StreamCheck();
        foreach (int sequence in arrived) check.Take((uint)sequence, 1);
        check.End(41);
        HashSet<int> seen = [];
        int highest = -1, doubled = 0, reordered = 0;
        foreach (int sequence in arrived)
        {
            if (!seen.Add(sequence)) doubled++;
            else if (sequence < highest) reordered++;
            highest = Math.Max(highest, sequence);
        }
        (check.Received, check.Lost, check.Doubled, check.Reordered, check.Bytes).ShouldBe((seen.Count, 41 - seen.Count, doubled, reordered, arrived.Length));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void TakeCorrupt_IsNotClean()
    {
        var check = new StreamCheck();
        check.TakeCorrupt(5);
        check.IsClean.ShouldBeFalse();
    }
}
