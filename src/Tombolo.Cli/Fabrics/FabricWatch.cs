// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Linux;
using Tombolo.Machines;

namespace Tombolo.Cli.Fabrics;

/// <summary>Follows a fabric through its daemon: up, down, and what happens in between.</summary>
/// <param name="paths">The fabric's files.</param>
/// <param name="printer">Where it is shown.</param>
internal sealed class FabricWatch(FabricPaths paths, EventPrinter printer)
{
    /// <summary>What became of an attempt to bring a fabric up.</summary>
    public enum Outcome
    {
        /// <summary>Everything is as declared.</summary>
        Up,
        /// <summary>It is up, but for some machines.</summary>
        PartlyUp,
        /// <summary>It could not be brought up, and is down again.</summary>
        Failed,
    }

    /// <summary>Shows what happens until everything is up.</summary>
    /// <param name="machines">How many machines there will be.</param>
    /// <param name="stop">Gives up watching.</param>
    public Task<Outcome> UntilUpAsync(int machines, CancellationToken stop) => printer.WithProgressAsync($"{paths.Name}: starting", async progress =>
    {
        using DaemonClient daemon = new(paths.AdminSocket);
        HashSet<string> ready = [], trouble = [];
        await foreach (FabricEvent happened in daemon.FollowAsync("/events", FabricStatusJson.Default.FabricEvent, null, stop))
        {
            printer.Show(happened);
            switch (happened.Kind)
            {
                case FabricEventKind.MachineReady: _ = ready.Add(happened.Subject); break;
                case FabricEventKind.MachineLate or FabricEventKind.MachineFailed: _ = trouble.Add(happened.Subject); break;
                case FabricEventKind.FabricUp: return trouble.Count == 0 ? Outcome.Up : Outcome.PartlyUp;
            }
            progress($"{paths.Name}: {ready.Count} of {machines} machines ready");
        }
        return Outcome.Failed;   // the daemon took it down again and ended its stream
    });

    /// <summary>Shows what happens from now on, until the daemon is gone.</summary>
    /// <param name="skipUntilUp">What led to being up was shown already.</param>
    /// <param name="stop">Gives up watching.</param>
    public async Task UntilGoneAsync(bool skipUntilUp, CancellationToken stop)
    {
        using DaemonClient daemon = new(paths.AdminSocket);
        await foreach (FabricEvent happened in daemon.FollowAsync("/events", FabricStatusJson.Default.FabricEvent, null, stop))
        {
            if (!skipUntilUp) printer.Show(happened);
            skipUntilUp &= happened.Kind != FabricEventKind.FabricUp;
        }
    }

    /// <summary>Asks the daemon to take everything down, shows how it does, and returns when its process is gone.</summary>
    /// <param name="ownerProcessId">The daemon's process.</param>
    /// <param name="stop">Gives up waiting; the daemon goes on.</param>
    public async Task TakeDownAsync(int ownerProcessId, CancellationToken stop)
    {
        using SafeFd? process = LinuxProcess.TryOpen(ownerProcessId);
        try
        {
            using DaemonClient daemon = new(paths.AdminSocket);
            bool stopping = false;
            await foreach (FabricEvent happened in daemon.FollowAsync("/events", FabricStatusJson.Default.FabricEvent, () => daemon.PostAsync("/stop", stop), stop))
            {
                stopping |= happened.Kind == FabricEventKind.FabricStopping;   // what was before is history
                if (stopping) printer.Show(happened);
            }
        }
        catch (CommandException exception)
        {
            // It holds the lock but does not talk: too early in its life, too late, or ill.
            if (process is null || FabricState.OwnerOf(paths) != ownerProcessId) return;
            printer.Say($"{exception.Message.TrimEnd('.')}; it is told to stop by a signal.");
            _ = LinuxProcess.TrySignal(ownerProcessId, Signal.Terminate);
        }
        if (process is not null) await EndedAsync(process, stop);
    }

    /// <summary>Waits until a process is gone.</summary>
    /// <param name="process">Its descriptor, borrowed.</param>
    /// <param name="stop">Gives up waiting.</param>
    public static async Task EndedAsync(SafeFd process, CancellationToken stop)
    {
        using ProcessWatcher watcher = new();
        _ = await watcher.WatchAsync(process.Duplicate()).WaitAsync(stop);
    }
}
