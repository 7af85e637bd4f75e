// SPDX-License-Identifier: MIT
using Shouldly;
using Xunit;

namespace Tombolo.Fuzz.Tests;

/// <summary>Every known input, and a short run with a fixed seed, on every target.</summary>
public sealed class CorpusTests
{
    private static readonly string _corpus = Path.Combine(AppContext.BaseDirectory, "corpus");

    public static TheoryData<string> Targets => [.. FuzzTargets.Names];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Corpus_EveryInput_BreaksNothing(string name)
    {
        using IFuzzTarget target = FuzzTargets.Create(name);
        target.Name.ShouldBe(name);
        byte[][] inputs = [.. target.Seeds(), .. Directory.GetFiles(Path.Combine(_corpus, name)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        foreach (byte[] input in inputs)
        {
            Exception? exception = Record.Exception(() => { _ = target.Run(input); });
            exception.ShouldBeNull($"Input {Convert.ToHexString(input)}: {exception}");
        }
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Run_FixedSeed_BreaksNothing(string name)
    {
        string findings = Directory.CreateTempSubdirectory("tombolo-findings-").FullName;
        using IFuzzTarget target = FuzzTargets.Create(name);
        new FuzzLoop(target, seed: 42, findings).Run([], TimeSpan.FromSeconds(1), static _ => { }).ShouldBeTrue();
        Directory.Delete(findings, recursive: true);
    }

    [Fact]
    public void Run_TargetThatBreaks_SavesTheInputAndSaysSo()
    {
        string findings = Directory.CreateTempSubdirectory("tombolo-findings-").FullName;
        using var target = new Fragile();
        new FuzzLoop(target, seed: 1, findings).Run([], TimeSpan.FromSeconds(60), static _ => { }).ShouldBeFalse();
        byte[] saved = File.ReadAllBytes(Directory.GetFiles(Path.Combine(findings, target.Name)).ShouldHaveSingleItem());
        _ = Should.Throw<FuzzFinding>(() => target.Run(saved));
        Directory.Delete(findings, recursive: true);
    }

    [Fact]
    public void Mutator_SameSeed_MakesTheSameInputs()
    {
        byte[][] corpus = [[1, 2, 3], []];
        Mutator one = new(7, [[9, 9]]), two = new(7, [[9, 9]]), other = new(8, [[9, 9]]);
        byte[][] first = [.. Enumerable.Range(0, 200).Select(_ => one.Next(corpus))];
        first.SelectMany(bytes => bytes).ShouldBe(Enumerable.Range(0, 200).SelectMany(_ => two.Next(corpus)));
        first.SelectMany(bytes => bytes).ShouldNotBe(Enumerable.Range(0, 200).SelectMany(_ => other.Next(corpus)));
        first.ShouldAllBe(bytes => bytes.Length <= Mutator.MaxBytes);
    }

    // Breaks on three bytes in a row; each one right leads to another outcome, which is how the loop gets there.
    private sealed class Fragile : IFuzzTarget
    {
        public string Name => "fragile";

        public IReadOnlyList<byte[]> Words => [];

        public IEnumerable<byte[]> Seeds() => [[]];

        public string Run(ReadOnlySpan<byte> input)
        {
            ReadOnlySpan<byte> secret = [0xCA, 0xFE, 0x42];
            int right = input.CommonPrefixLength(secret);
            FuzzFinding.Require(right < secret.Length, "The secret was found.");
            return $"{right} right";
        }

        public void Dispose() { }
    }
}
