// SPDX-License-Identifier: MIT
using System.Reflection;

namespace Tombolo.Architecture.Tests;

/// <summary>What the libraries offer changes only when somebody wants it to.</summary>
/// <remarks>A wanted change: <c>TOMBOLO_ACCEPT=1 dotnet test tests/Tombolo.Architecture.Tests</c> writes the files of <c>PublicApi</c> anew; look at what git says of them.</remarks>
public sealed class PublicApiTests
{
    private const string Folder = "tests/Tombolo.Architecture.Tests/PublicApi";
    private static readonly SourceTree _tree = SourceTree.OfThisRepository();

    /// <summary>Every project of <c>src</c> that another program can be built on.</summary>
    public static TheoryData<string> Libraries => [.. _tree.Projects.Select(static project => project.Name).Except(["Tombolo.Cli", "Tombolo.Daemon", "Tombolo.Exercise", "Tombolo.Keeper"])];

    [Theory, MemberData(nameof(Libraries))]
    public void Library_OffersWhatItsFileSays(string library)
    {
        string file = $"{Folder}/{library}.txt";
        string[] offered = [.. PublicApi.Of(Assembly.Load(library))];
        if (Environment.GetEnvironmentVariable("TOMBOLO_ACCEPT") == "1") _tree.Write(file, offered);
        string[] known = _tree.Has(file) ? _tree.Lines(file) : [];
        string.Join('\n', known.Except(offered).Select(static line => "gone: " + line).Concat(offered.Except(known).Select(static line => "new:  " + line)))
            .ShouldBeEmpty($"{file} says otherwise. Where the change is meant: TOMBOLO_ACCEPT=1 dotnet test tests/Tombolo.Architecture.Tests");
    }

    [Fact]
    public void Lines_SayWhatTheyMean()
    {
        string[] lines = [.. PublicApi.Of(typeof(PublicApiTests).Assembly).Where(static line => line.StartsWith("PublicApiTests.Shape", StringComparison.Ordinal))];
        lines.ShouldBe([
            "PublicApiTests.Shape.const int Most = 7",
            "PublicApiTests.Shape.new()",
            "PublicApiTests.Shape.required string Name { get; init; }",
            "PublicApiTests.Shape.static bool TryFind<T>(string name, out T[] found, int? most = default, long least = 3)",
            "PublicApiTests.Shape: sealed class",
        ]);
    }

    /// <summary>What <see cref="Lines_SayWhatTheyMean"/> looks at.</summary>
    public sealed class Shape
    {
        /// <summary>A constant.</summary>
        public const int Most = 7;

        /// <summary>A property.</summary>
        public required string Name { get; init; }

        /// <summary>A method.</summary>
        public static bool TryFind<T>(string name, out T[] found, int? most = null, long least = 3)
        {
            found = [];
            return Hidden(name, most, least);
        }

        private static bool Hidden(string name, int? most, long least) => name.Length > (most ?? least);
    }
}
