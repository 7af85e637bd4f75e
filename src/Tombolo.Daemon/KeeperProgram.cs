// SPDX-License-Identifier: MIT
namespace Tombolo.Daemon;

/// <summary>Finds the program that keeps descriptors while no daemon runs.</summary>
internal static class KeeperProgram
{
    private const string Keeper = "tombolo-keeper", Tombolo = "tombolo";

    /// <summary>The command that starts a keeper; empty where there is none to be found, so that a killed daemon takes its mailboxes with it.</summary>
    /// <param name="folder">Where this program is.</param>
    public static IReadOnlyList<string> CommandFrom(string folder)
    {
        // Beside us when installed; in its own project's output in a source tree: src/Tombolo.Daemon/bin/Debug/net10.0.
        foreach (string place in new[] { folder, folder.Replace("Tombolo.Daemon", "Tombolo.Keeper", StringComparison.Ordinal) })
            if (File.Exists(Path.Combine(place, Keeper))) return [Path.Combine(place, Keeper)];
        foreach (string place in new[] { folder, folder.Replace("Tombolo.Daemon", "Tombolo.Cli", StringComparison.Ordinal) })
            if (File.Exists(Path.Combine(place, Tombolo))) return [Path.Combine(place, Tombolo), "keeper"];
        return [];
    }
}
