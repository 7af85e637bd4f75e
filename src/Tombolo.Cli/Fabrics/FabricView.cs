// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Fabrics;

/// <summary>How a fabric stands, told by its daemon, or by what it left where there is none.</summary>
internal static class FabricView
{
    /// <summary>Asks.</summary>
    /// <returns>Null where the fabric went in this moment.</returns>
    /// <exception cref="CommandException">A daemon runs and does not answer.</exception>
    public static async Task<FabricStatus?> SnapshotAsync(FabricPaths paths, CancellationToken stop)
    {
        if (FabricState.OwnerOf(paths) == 0) return FabricState.Leftover(paths);
        try
        {
            using DaemonClient daemon = new(paths.AdminSocket);
            return await daemon.GetAsync("/status", FabricStatusJson.Default.FabricStatus, stop);
        }
        catch (CommandException) when (FabricState.OwnerOf(paths) == 0) { return FabricState.Leftover(paths); }   // it ended while it was asked
    }
}
