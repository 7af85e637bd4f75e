// SPDX-License-Identifier: MIT
namespace Tombolo.Architecture.Tests;

/// <summary>The layer check itself, against made-up projects.</summary>
public sealed class LayersTests
{
    [Theory]
    [InlineData("Tombolo.Memory", "Tombolo.Linux")]
    [InlineData("Tombolo.Grants", "Tombolo.Store")]
    [InlineData("Tombolo.Cli", "Tombolo.Linux")]
    [InlineData("Tombolo.Mailbox", "Tombolo.Ivshmem")]
    [InlineData("Tombolo.Fabric", "Tombolo.Machines")]
    public void Arrow_DownOrInTheTable_IsFine(string from, string to) => ComplaintsOf(from, to).ShouldBeEmpty();

    [Theory]
    [InlineData("Tombolo.Linux", "Tombolo.Memory", "points up")]
    [InlineData("Tombolo.Switching", "Tombolo.Fabric", "points up")]
    [InlineData("Tombolo.Ivshmem", "Tombolo.Cli", "points up")]
    [InlineData("Tombolo.Ivshmem", "Tombolo.Mailbox", "points sideways")]
    [InlineData("Tombolo.Wire", "Tombolo.Memory", "points sideways")]
    [InlineData("Tombolo.Machines", "Tombolo.Fabric", "points sideways")]
    [InlineData("Tombolo.Cli", "Tombolo.Daemon", "points sideways")]
    [InlineData("Tombolo.Regions", "Tombolo.Grants", "capabilities do not know each other")]
    [InlineData("Tombolo.Cli", "Tombolo.Unheard", "stands on no layer")]
    public void Arrow_UpOrSideways_IsReported(string from, string to, string complaint) =>
        ComplaintsOf(from, to).ShouldHaveSingleItem().ShouldContain(complaint);

    [Fact]
    public void Project_NotInTheTable_IsReported()
    {
        using FakeTree fake = new FakeTree().Project("Tombolo.Unheard");
        Layers.Complaints(fake.Tree.Projects).ShouldHaveSingleItem().ShouldContain("Tombolo.Unheard stands on no layer");
    }

    [Fact]
    public void Sideways_EveryException_StaysWithinOneLayerAndHasAReason()
    {
        foreach (((string from, string to), string reason) in Layers.Sideways)
        {
            Layers.OfProject[from].ShouldBe(Layers.OfProject[to], $"{from} -> {to} needs no exception.");
            reason.ShouldEndWith(".");
        }
    }

    private static IReadOnlyList<string> ComplaintsOf(string from, string to)
    {
        using FakeTree fake = new FakeTree().Project(from, to);
        return [.. Layers.Complaints(fake.Tree.Projects)];
    }
}
