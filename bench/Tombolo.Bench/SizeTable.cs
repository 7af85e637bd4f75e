// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>Subjects against sizes, all subjects in turns within each round; the first one is the limit that the others are put beside.</summary>
/// <param name="subjects">What is measured.</param>
/// <param name="name">A subject's name in the table.</param>
/// <param name="sizes">Bytes.</param>
/// <param name="rounds">How often.</param>
internal sealed class SizeTable<TSubject>(IReadOnlyList<TSubject> subjects, Func<TSubject, string> name, int[] sizes, int rounds) where TSubject : notnull
{
    /// <summary>For who looks on.</summary>
    public required string What { get; init; }

    /// <summary>Of a figure.</summary>
    public required string Format { get; init; }

    /// <summary>Whether more is better: then the ratio has three places.</summary>
    public bool IsRate { get; init; }

    /// <summary>Whether a subject is measured at a size.</summary>
    public Func<TSubject, int, bool> TakesPart { get; init; } = static (_, _) => true;

    /// <summary>Measures and gives back the table: the median of the rounds, the lowest and highest, the median of the ratios to the first subject.</summary>
    public IEnumerable<string> Measure(Func<TSubject, int, double> once)
    {
        var samples = new Dictionary<(TSubject, int), (Sample Figure, Sample Ratio)>();
        for (int round = 0; round < rounds; round++)
            foreach (int bytes in sizes)
            {
                double limit = 0;
                foreach (TSubject subject in subjects.Where(one => TakesPart(one, bytes)))
                {
                    double figure = once(subject, bytes);
                    if (limit == 0) limit = figure;
                    if (!samples.TryGetValue((subject, bytes), out (Sample Figure, Sample Ratio) sample)) samples[(subject, bytes)] = sample = (new(), new());
                    sample.Figure.Add(figure);
                    sample.Ratio.Add(figure / limit);
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{What} of {bytes} bytes, round {round + 1}: {name(subject)} {figure:0.000}"));
                }
            }
        yield return $"| bytes | {string.Join(" | ", sizes.Select(Size))} |";
        yield return $"| --- |{string.Concat(sizes.Select(_ => " --- |"))}";
        foreach (TSubject subject in subjects)
            yield return $"| {name(subject)} | {string.Join(" | ", sizes.Select(bytes => samples.TryGetValue((subject, bytes), out (Sample Figure, Sample Ratio) sample) ? Cell(sample) : ""))} |";
    }

    private string Cell((Sample Figure, Sample Ratio) sample) => string.Create(CultureInfo.InvariantCulture,
        $"{sample.Figure.Median.ToString(Format, CultureInfo.InvariantCulture)} ({sample.Figure.Min.ToString(Format, CultureInfo.InvariantCulture)}–{sample.Figure.Max.ToString(Format, CultureInfo.InvariantCulture)}) ×{sample.Ratio.Median.ToString(IsRate ? "0.000" : "0.00", CultureInfo.InvariantCulture)}");

    private static string Size(int bytes) => bytes >= 1 << 20 ? $"{bytes >> 20} MiB" : bytes >= 1024 ? $"{bytes >> 10} KiB" : bytes.ToString(CultureInfo.InvariantCulture);
}
