// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>Who may talk to whom. Ports that share a topology, a partition of it, and are not cut from each other reach each other. Immutable.</summary>
public sealed record TopologyOptions
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The ports in it. A port may be in several topologies.</summary>
    public IReadOnlyList<string> Members { get; init; } = [];

    /// <summary>Groups of members that reach only their own; members in none form one more. Empty: all reach all.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Partitions { get; init; } = [];

    /// <summary>Pairs of members that do not reach each other, whichever comes first.</summary>
    public IReadOnlyList<(string One, string Other)> Cut { get; init; } = [];

    /// <summary>What is wrong with it; nothing where it is good.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "A topology has no name.";
        foreach (IGrouping<string, string> twice in Members.GroupBy(static name => name).Where(static group => group.Count() > 1)) yield return $"Topology '{Name}' has the member '{twice.Key}' twice.";
        foreach (IGrouping<string, string> twice in Partitions.SelectMany(static part => part.Distinct()).GroupBy(static name => name).Where(static group => group.Count() > 1))
            yield return $"Topology '{Name}' has '{twice.Key}' in two partitions.";
        foreach (string name in Partitions.SelectMany(static part => part).Concat(Cut.SelectMany(static pair => new[] { pair.One, pair.Other })).Distinct().Except(Members))
            yield return $"Topology '{Name}' names '{name}', which is not among its members.";
    }
}
