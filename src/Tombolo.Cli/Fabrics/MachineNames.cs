// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Machines;

namespace Tombolo.Cli.Fabrics;

/// <summary>The machines of fabrics, by name.</summary>
internal static class MachineNames
{
    /// <summary>A machine's files.</summary>
    /// <exception cref="CommandException">The fabric has no such machine; the message names those it has.</exception>
    public static MachineFolder FolderOf(FabricPaths paths, string name)
    {
        string[] names = [.. FabricState.RecordedDeclaration(paths)?.Machines.Select(machine => machine.Name) ?? []];
        return names.Contains(name) ? paths.Machine(name)
            : throw new CommandException($"Fabric {paths.Name} has no machine '{Printable.Text(name)}'; it has {(names.Length == 0 ? "none" : string.Join(", ", names))}");
    }

    /// <summary>Those of every fabric here, for completion.</summary>
    public static IEnumerable<string> OfAll() =>
        FabricState.List(FabricPaths.DefaultRoot).SelectMany(one => FabricState.RecordedDeclaration(new(FabricPaths.DefaultRoot, one.Name))?.Machines.Select(machine => machine.Name) ?? []).Distinct();
}
