// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Fabrics;

/// <summary>Reads declarations for commands.</summary>
internal static class Declarations
{
    /// <summary>Reads one; its faults are shown all at once, in the form that editors make links of.</summary>
    /// <exception cref="CommandException">It has faults.</exception>
    public static FabricDeclaration Load(string path, Screen screen, bool json)
    {
        FabricReading reading = FabricFile.Load(path);
        if (reading.Declaration is { } declaration) return declaration;
        if (json) screen.Json(reading.Faults, FabricStatusJson.Default.IReadOnlyListFault);
        else foreach (Fault fault in reading.Faults) screen.Complain(Printable.Text(fault.ToString()));
        throw new CommandException($"{path} has {reading.Faults.Count} {(reading.Faults.Count == 1 ? "fault" : "faults")}");
    }
}
