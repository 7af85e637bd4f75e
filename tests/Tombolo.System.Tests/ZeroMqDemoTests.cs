// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>All of <c>make demo-zeromq</c> but for building: the image, three machines, the three scenarios on one of them and across, the tables, the end.</summary>
[Trait("Speed", "slow")]
public sealed partial class ZeroMqDemoTests
{
    private static string Sample { get; } = RepositoryFile.PathOf("samples/zeromq");

    private static Dictionary<string, string> Environment { get; } = new() { ["TOMBOLO_PROGRAMS"] = AppContext.BaseDirectory, ["NO_COLOR"] = "1" };

    [Fact]
    public void Demo_RunsTheScenarios_OnOneMachineAndAcross_AndEndsWell()
    {
        (int made, string image, string complaint) = RealPrograms.Run(Path.Combine(Sample, "image"), [], Environment);
        made.ShouldBe(0, image + complaint);
        (int code, string output, string error) = RealPrograms.Run(Path.Combine(Sample, "demo"), [], Environment);
        code.ShouldBe(0, output + error);
        output.TrimEnd().ShouldEndWith("\nFinished running all scenarios");
        Latency().Match(output).Groups.Values.Skip(1).ShouldAllBe(figure => double.Parse(figure.Value, global::System.Globalization.CultureInfo.InvariantCulture) > 0);
        string words = Blanks().Replace(output, " ");
        for (int i = 0; i < 5; i++) Update(i).Match(words).Groups[1].Value.ShouldNotBeEmpty($"update {i} is the same on one machine and across:\n{output}");
        Average().IsMatch(words).ShouldBeTrue(output);
        Worker().Matches(words).Sum(match => int.Parse(match.Groups[1].Value, global::System.Globalization.CultureInfo.InvariantCulture)).ShouldBe(100, "both workers together, on one machine");
        Worker().Matches(words).Sum(match => int.Parse(match.Groups[2].Value, global::System.Globalization.CultureInfo.InvariantCulture)).ShouldBe(100, "and across");
        // The frames went through the switch, and none was lost.
        foreach (string vm in new[] { "vm0", "vm1", "vm2" }) words.ShouldContain($"{vm} ");
    }

    [Fact]
    public void Demo_MachinesThatCannotStart_ExitsWithError()
    {
        (int code, string output, _) = RealPrograms.Run(Path.Combine(Sample, "demo"), [], new(Environment) { ["TOMBOLO_QEMU"] = "/nowhere/qemu" });
        code.ShouldBe(1);
        output.TrimEnd().ShouldEndWith("\nExited with error");
    }

    private static Regex Update(int number) => new($@" update {number} (10001 (-?\d+ \d+) {number}) 10001 \2 {number} ", RegexOptions.CultureInvariant);

    [GeneratedRegex(@"average latency +([0-9.]+) us +([0-9.]+) us")] private static partial Regex Latency();

    [GeneratedRegex(@"Average temperature for zipcode (-?\d+F) \1")] private static partial Regex Average();

    [GeneratedRegex(@"worker [12] (\d+) tasks (\d+) tasks")] private static partial Regex Worker();

    [GeneratedRegex(@"\s+")] private static partial Regex Blanks();
}
