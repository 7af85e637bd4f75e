// SPDX-License-Identifier: MIT
using System.Text.Json;
using System.Text.Json.Serialization;
using Tombolo.Machines;

namespace Tombolo.Fabric;

/// <summary>One declared world, without faults. Immutable.</summary>
public sealed record FabricDeclaration
{
    /// <summary>Its name: a folder, and what its commands are told.</summary>
    public required string Name { get; init; }
    /// <summary>Its mailboxes, in the order of the file.</summary>
    public IReadOnlyList<MailboxDeclaration> Mailboxes { get; init; } = [];
    /// <summary>Its store of names; null where there is none.</summary>
    public StoreDeclaration? Store { get; init; }
    /// <summary>Its service for granted pages and event channels; null where there is none.</summary>
    public GrantsDeclaration? Grants { get; init; }
    /// <summary>Its windows of regions, in the order of the file.</summary>
    public IReadOnlyList<RegionsDeclaration> Regions { get; init; } = [];
    /// <summary>Its virtual switches, in the order of the file.</summary>
    public IReadOnlyList<SwitchDeclaration> Switches { get; init; } = [];
    /// <summary>Its machines, in the order of the file.</summary>
    public IReadOnlyList<MachineDeclaration> Machines { get; init; } = [];

    /// <summary>The domain that a machine is in a window of grants.</summary>
    /// <param name="machine">The machine's name.</param>
    /// <param name="window">The window.</param>
    /// <returns>Null where the machine does not attach to it.</returns>
    public int? DomainOf(string machine, GrantWindowDeclaration window) => SlotOf(machine, window.Name) is { } place ? window.First + place - 1 : null;

    /// <summary>The declaration with every default written out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, FabricJson.Default.FabricDeclaration);

    /// <summary>The number that a machine has among a mailbox's peers: 1 for the first machine of the file that joins it, and so on. The one machine of a window of regions has 1. In a window of grants it is the machine's place.</summary>
    /// <param name="machine">The machine's name.</param>
    /// <param name="mailbox">The mailbox's, the regions' or the window's name.</param>
    /// <returns>Null where the machine does not join the mailbox.</returns>
    public int? SlotOf(string machine, string mailbox)
    {
        int slot = 0;
        foreach (MachineDeclaration one in Machines.Where(one => one.Attach.Contains(mailbox)))
        {
            slot++;
            if (one.Name == machine) return slot;
        }
        return null;
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FabricDeclaration))]
[JsonSerializable(typeof(SwitchRecord))]
[JsonSerializable(typeof(Acceleration))]
internal sealed partial class FabricJson : JsonSerializerContext;
