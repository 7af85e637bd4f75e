// SPDX-License-Identifier: MIT
namespace Tombolo.Architecture.Tests;

/// <summary>The C# on our pages compiles: each piece of it stands in <see cref="DocumentSamples"/>.</summary>
public sealed class DocumentSamplesTests
{
    private static readonly SourceTree _tree = SourceTree.OfThisRepository();

    [Fact]
    public void Pages_SayWhatCompiles()
    {
        string compiled = Lines(_tree.Lines("tests/Tombolo.Architecture.Tests/DocumentSamples.cs"));
        (string Page, string Piece)[] pieces = [.. _tree.Pages.SelectMany(page => Pieces(_tree.Lines(page)).Select(piece => (page, piece)))];
        pieces.Length.ShouldBeGreaterThan(5);
        pieces.Where(each => !compiled.Contains(each.Piece, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    /// <summary>What stands between the fences of each piece of C#; an empty line within divides it in two.</summary>
    private static IEnumerable<string> Pieces(string[] page)
    {
        for (int at = 0; at < page.Length; at++)
            if (page[at] == "```csharp")
                foreach (string piece in Lines(page[(at + 1)..Array.IndexOf(page, "```", at)]).Split("\n\n", StringSplitOptions.RemoveEmptyEntries)) yield return piece;
    }

    private static string Lines(string[] lines) => string.Join('\n', lines.Select(static line => line.Trim()));
}
