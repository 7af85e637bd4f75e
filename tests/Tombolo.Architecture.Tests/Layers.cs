// SPDX-License-Identifier: MIT
namespace Tombolo.Architecture.Tests;

/// <summary>Which project stands on which layer. An arrow may only point down.</summary>
internal static class Layers
{
    /// <summary>The layers of docs/architecture.md; a new project is added here, and to that page.</summary>
    public static readonly IReadOnlyDictionary<string, int> OfProject = new Dictionary<string, int>
    {
        ["Tombolo.Linux"] = 0,
        ["Tombolo.Memory"] = 1,
        ["Tombolo.Wire"] = 1,
        ["Tombolo.Ivshmem"] = 2,
        ["Tombolo.Mailbox"] = 2,
        ["Tombolo.Channels"] = 2,
        ["Tombolo.Store"] = 2,
        ["Tombolo.GenZ"] = 3,
        ["Tombolo.Regions"] = 3,
        ["Tombolo.Switching"] = 3,
        ["Tombolo.Grants"] = 3,
        ["Tombolo.Fabric"] = 4,
        ["Tombolo.Machines"] = 4,
        ["Tombolo.Cli"] = 5,
        ["Tombolo.Daemon"] = 5,
        ["Tombolo.Exercise"] = 5,
        ["Tombolo.Keeper"] = 5,
    };

    /// <summary>Arrows within one layer, each with its reason. Capabilities (layer 3) have none: Fabric puts them together.</summary>
    public static readonly IReadOnlyDictionary<(string From, string To), string> Sideways = new Dictionary<(string, string), string>
    {
        [("Tombolo.Mailbox", "Tombolo.Ivshmem")] = "A mailbox lives on a doorbell fabric; its slots are numbered by that fabric's IDs.",
        [("Tombolo.Channels", "Tombolo.Ivshmem")] = "On a doorbell fabric, channels ring and hear through a participant of it.",
        [("Tombolo.Store", "Tombolo.Ivshmem")] = "A store that is started again takes its connections back from the keeper.",
        [("Tombolo.Fabric", "Tombolo.Machines")] = "The declared world contains machines.",
    };

    private const int Capabilities = 3;

    public static IEnumerable<string> Complaints(IEnumerable<Project> projects)
    {
        foreach (Project project in projects)
        {
            if (!OfProject.TryGetValue(project.Name, out int layer))
            {
                yield return $"{project.Name} stands on no layer; give it one in {nameof(Layers)} and in docs/architecture.md.";
                continue;
            }
            foreach (string reference in project.References)
                if (Complaint(project.Name, layer, reference) is { } complaint)
                    yield return complaint;
        }
    }

    private static string? Complaint(string name, int layer, string reference)
    {
        if (!OfProject.TryGetValue(reference, out int target)) return $"{name} -> {reference}: the target stands on no layer.";
        if (target > layer) return $"{name} -> {reference} points up, from layer {layer} to layer {target}.";
        if (target < layer) return null;
        if (layer == Capabilities) return $"{name} -> {reference}: capabilities do not know each other; Fabric puts them together.";
        return Sideways.ContainsKey((name, reference)) ? null : $"{name} -> {reference} points sideways, within layer {layer}.";
    }
}
