// SPDX-License-Identifier: MIT
namespace Tombolo.Architecture.Tests;

/// <summary>This repository keeps its own rules.</summary>
public sealed class RepositoryTests
{
    private static readonly SourceTree _tree = SourceTree.OfThisRepository();

    [Fact]
    public void Tree_IsReallyThisOne()
    {
        _tree.Projects.ShouldContain(project => project.Name == "Tombolo.Memory" && project.References.Contains("Tombolo.Linux"));
        _tree.Sources.ShouldContain("src/Tombolo.Linux/SafeFd.cs");
    }

    [Fact]
    public void Arrows_PointDown() => Nothing(Layers.Complaints(_tree.Projects));

    [Fact]
    public void Projects_HaveAReadme() => Nothing(SourceRules.ProjectsWithoutReadme(_tree));

    [Fact]
    public void Projects_AreInTheSolution() => Nothing(SourceRules.ProjectsOutsideSolution(_tree));

    [Fact]
    public void Sources_BeginWithTheirLicense() => Nothing(SourceRules.FilesWithoutLicense(_tree));

    [Fact]
    public void Imports_LiveInLinux() => Nothing(SourceRules.ImportsOutsideLinux(_tree));

    [Fact]
    public void RawHandles_LiveInLinux() => Nothing(SourceRules.HandlesOpenedOutsideLinux(_tree));

    [Fact]
    public void Sources_NeitherSleepNorAskTheClock() => Nothing(SourceRules.SleepsAndClocks(_tree));

    [Fact]
    public void Unsafe_SaysWhyItIsSafe() => Nothing(SourceRules.UnsafeWithoutReason(_tree));

    [Fact]
    public void TestClasses_AreDisposed() => Nothing(SourceRules.TestClassesThatAreNeverDisposed(_tree));

    private static void Nothing(IEnumerable<string> complaints) => string.Join('\n', complaints).ShouldBeEmpty();
}
