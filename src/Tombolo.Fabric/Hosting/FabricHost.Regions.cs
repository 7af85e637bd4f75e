// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Machines;
using Tombolo.Regions;

namespace Tombolo.Fabric;

public sealed partial class FabricHost
{
    private async Task StartRegionsAsync(RegionsDeclaration window)
    {
        string socket = Paths.ClientSocketOf(window);
        try
        {
            RegionServer server = await RegionServer.StartAsync(Translation.ToRegions(Declaration, window, Paths, _options), _options.Log);
            bool isTooLate;
            lock (_gate) if (!(isTooLate = _isStopped)) _regions[window.Name] = server;
            if (isTooLate)
            {
                await server.DisposeAsync();
                throw new FabricException($"Fabric {Declaration.Name} was taken down while it came up.");
            }
            Say(FabricEventKind.RegionsUp, window.Name, server.TookOver
                ? $"Regions {window.Name} are served again at {socket}; machine and clients noticed nothing."
                : $"Regions {window.Name} are served at {socket} ({server.Layout.Regions.Count} regions in {server.Layout.WindowBytes} bytes).");
            _watches.Add(WatchRegionsAsync(window.Name, server));
        }
        catch (Exception exception) when (exception is TomboloException and not FabricException or ArgumentException)
        {
            throw new FabricException($"Regions {window.Name} cannot be served: {exception.Message}", exception);
        }
    }

    // Ready is more than the machine's own word: its driver must have taken up the regions.
    private async Task<string?> WaitForDriversAsync(Machine machine, long since, CancellationToken cancel)
    {
        MachineOptions options = machine.Options;
        if (options.Modules is { } modules && !modules.Contains("tombolo_region")) return null;   // another driver, or none, is what the declaration asks for
        foreach (MachineAttachment attachment in options.Attachments)
        {
            if (!_regions.TryGetValue(attachment.Name, out RegionServer? server)) continue;
            TimeSpan left = options.ReadyTimeout - _options.Time.GetElapsedTime(since);
            try { await server.DriverIsThere.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _options.Time, cancel); }
            catch (TimeoutException)
            {
                string sentence = $"Machine {options.Name} runs, but its driver has not taken up regions {attachment.Name} within {options.ReadyTimeout.TotalSeconds:0.#} s; tombolo_region must be loaded in it (its console is in {machine.Folder.ConsoleLog}).";
                Say(FabricEventKind.MachineLate, options.Name, sentence);
                return sentence;
            }
            Say(FabricEventKind.RegionsReady, attachment.Name, $"Regions {attachment.Name} are shared: the server is there, and the driver of machine {options.Name}.");
        }
        return null;
    }

    private async Task WatchRegionsAsync(string name, RegionServer server)
    {
        await server.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ = _regions.TryRemove(name, out _);
        if (server.Completion.Exception is { } fault) Say(FabricEventKind.RegionsFailed, name, $"Regions {name} are no longer served. They broke: {fault.InnerException?.Message}");
        else Say(FabricEventKind.RegionsDown, name, $"Regions {name} are no longer served.");
    }

    private async Task<RegionsStatus> DescribeAsync(RegionsDeclaration window)
    {
        RegionsStatus status = FabricState.Describe(window, Paths);
        if (!_regions.TryGetValue(window.Name, out RegionServer? server)) return status;
        RegionSnapshot snapshot;
        try { snapshot = await server.SnapshotAsync(); }
        catch (ObjectDisposedException) { return status; }   // it ended in this moment
        return status with
        {
            IsUp = true,
            TookOver = server.TookOver,
            WindowBytes = snapshot.Layout.WindowBytes,
            Machine = snapshot.Machine is { } peer ? MachineOf(peer.Who.ProcessId) ?? "" : null,
            MachineProcessId = snapshot.Machine?.Who.ProcessId,
            HasDriver = snapshot.HasDriver,
            Served = snapshot.Counters.Served,
            Refused = snapshot.Counters.NotFound,
            Dropped = snapshot.Counters.Dropped,
            RefusedMachines = snapshot.Doorbell.Counters.RefusedFull + snapshot.Doorbell.Counters.RefusedUser,
            Regions = [.. snapshot.Layout.Regions.Select(region => new RegionStatus(region.Name, region.BeginOffset, region.EndOffset, region.DataOffset, region.ManagedBy == 0 ? null : snapshot.Layout.Regions[(int)region.ManagedBy].Name))],
        };
    }
}
