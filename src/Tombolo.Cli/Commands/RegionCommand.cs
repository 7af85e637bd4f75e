// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Cli.Region;
using Tombolo.Fabric;
using Tombolo.Regions;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo region</c>: named areas that one machine shares with its host.</summary>
internal static class RegionCommand
{
    public static Command Create(CommandContext context) => new ExampleCommand("region", "Regions: named areas of memory that one machine shares with its host, with signals.", "tombolo region layout phone-layout.json", "tombolo region ls")
    {
        RegionLayoutCommand.Create(context),
        List(context),
        Show(context),
        RegionBytesCommands.Read(context),
        RegionBytesCommands.Write(context),
        RegionBytesCommands.Dump(context),
        RegionSignalCommands.Wait(context),
        RegionSignalCommands.Signal(context),
        RegionSignalCommands.Watch(context),
    };

    private static ExampleCommand List(CommandContext context)
    {
        FabricChoice choice = new();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("ls", "Lists a fabric's regions.", "tombolo region ls", "tombolo region ls --json | jq -r '.[].region'") { choice.Option, json };
        command.SetAction(async (parsed, stop) =>
        {
            FabricPaths paths = choice.PathsOf(parsed);
            FabricStatus status = await FabricView.SnapshotAsync(paths, stop) ?? throw new CommandException($"Fabric {paths.Name} has gone down");
            List<RegionRow> rows = [.. status.Regions.SelectMany(window => window.Regions.Select(region => new RegionRow(window.Name, region.Name, region.Begin, region.End, region.End - region.Begin, region.Data, region.ManagedBy, window.ClientSocket)))];
            if (parsed.GetValue(json))
            {
                context.Screen.Json(rows, CliJson.Default.RegionRows);
                return ExitCode.Done;
            }
            TextTable table = new("window", "region", "begin", "bytes", "data at", "managed by", "machine");
            foreach (RegionRow row in rows)
                _ = table.Row(row.Window, row.Region, Hex(row.Begin), Number(row.Bytes), Hex(row.Data), row.ManagedBy ?? "-", MachineOf(status.Regions.First(window => window.Name == row.Window)));
            context.Screen.Table(table);
            foreach (RegionsStatus window in status.Regions.Where(window => !window.IsUp)) context.Screen.Line($"Regions {window.Name} are not served now.");
            return ExitCode.Done;
        });
        return command;
    }

    private static ExampleCommand Show(CommandContext context)
    {
        RegionChoice choice = new();
        ExampleCommand command = new("show", "Shows a region: where it lies, and which signals wait in its tables.", "tombolo region show phone/hwcomposer") { choice.Region };
        return choice.Looking(command, (_, client, json, _) =>
        {
            RegionDescriptor region = client.Descriptor;
            RegionView view = new(client.Name, region.BeginOffset, region.EndOffset, region.DataOffset, region.ManagedBy == 0 ? null : client.Layout.Regions[(int)region.ManagedBy].Name,
                region.CurrentVersion, region.OldestVersion, ViewOf(client.SignalsFromGuest()), ViewOf(client.SignalsToGuest()));
            if (json) context.Screen.Json(view, CliJson.Default.RegionView);
            else Print(context.Screen, client, view);
            return Task.CompletedTask;
        });
    }

    private static void Print(Screen screen, RegionClient client, RegionView view)
    {
        screen.Line($"Region {view.Region}: vector {Number(client.Index)}, {Hex(view.Begin)} to {Hex(view.End)} in the window ({Number(client.LengthBytes)} bytes), data from {Hex(view.Data)} on");
        screen.Line($"Version {Number(view.Version)}, compatible from {Number(view.OldestVersion)}; {(view.ManagedBy is null ? "not managed" : $"managed by {view.ManagedBy}")}");
        foreach ((string way, SignalView table) in new[] { ("guest to host", view.GuestToHost), ("host to guest", view.HostToGuest) })
            screen.Line($"Signals {way}: {Number(table.Waiting.Count)} of {Number(table.Slots)} slots taken{(table.Waiting.Count == 0 ? "" : $" ({string.Join(", ", table.Waiting.Select(Hex))})")}, signalled word {(table.IsSignalled ? "set" : "not set")}");
    }

    private static SignalView ViewOf(SignalState state) => new(state.Slots, state.IsSignalled, state.Waiting);

    private static string MachineOf(RegionsStatus window) => window.MachineProcessId is not { } process ? "-" : string.IsNullOrEmpty(window.Machine) ? $"pid {Number(process)}" : window.Machine;

    internal static string Hex(uint value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    internal static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
