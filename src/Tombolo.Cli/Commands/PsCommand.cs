// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Machines;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo ps</c>: machines, mailboxes and regions of every fabric, or of one.</summary>
internal static class PsCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string?> fabric = CommonOptions.Fabric();
        fabric.Description = "Only this fabric; by default all of them.";
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("ps", "Shows what runs: the machines, mailboxes and regions of fabrics.", "tombolo ps", "tombolo ps --json | jq '.[].machines[].machine.state'") { fabric, json };
        command.SetAction(async (parsed, stop) =>
        {
            string? only = parsed.GetValue(fabric);
            if (only is not null) _ = FabricChoice.Choose(only, FabricState.List(FabricPaths.DefaultRoot), FabricPaths.DefaultRoot);
            List<FabricStatus> all = [];
            foreach (FabricPresence there in FabricState.List(FabricPaths.DefaultRoot).Where(one => only is null || one.Name == only))
                if (await FabricView.SnapshotAsync(new(FabricPaths.DefaultRoot, there.Name), stop) is { } status) all.Add(status);
            if (parsed.GetValue(json)) context.Screen.Json(all, CliJson.Default.FabricStatuses);
            else Show(context, all);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Show(CommandContext context, List<FabricStatus> all)
    {
        if (all.Count == 0)
        {
            context.Screen.Line($"No fabric runs here (looked in {FabricPaths.DefaultRoot}).");
            return;
        }
        TextTable table = new("fabric", "name", "kind", "state", "pid", "for", "restarts", "with", "memory", "joins");
        foreach (FabricStatus fabric in all)
        {
            foreach (MailboxStatus mailbox in fabric.Mailboxes)
                _ = table.Row(fabric.Fabric, mailbox.Name, "mailbox", mailbox.IsUp ? "ready" : "dead", mailbox.IsUp ? Number(fabric.OwnerProcessId) : "-", "-", "-", $"{mailbox.Members.Count}/{mailbox.Clients}", "-", "-");
            foreach (RegionsStatus window in fabric.Regions)
                _ = table.Row(fabric.Fabric, window.Name, "regions", window.IsUp ? "ready" : "dead", window.IsUp ? Number(fabric.OwnerProcessId) : "-", "-", "-", $"{window.Regions.Count} regions", window.IsUp ? ByteSize.Format(window.WindowBytes) : "-", "-");
            foreach (MachineRow row in fabric.Machines) _ = table.Row(CellsOf(fabric.Fabric, row, context.Time));
        }
        context.Screen.Table(table);
        foreach (FabricStatus fabric in all.Where(one => one.OwnerProcessId == 0))
            context.Screen.Line($"The daemon of fabric {fabric.Fabric} was killed; its machines go on. 'tombolo up' takes over, 'tombolo down' ends it all.");
    }

    private static string[] CellsOf(string fabric, MachineRow row, TimeProvider time)
    {
        MachineStatus machine = row.Machine;
        return
        [
            fabric, machine.Name, "machine", machine.State.ToString().ToLowerInvariant(), machine.ProcessId is { } pid ? Number(pid) : "-",
            machine.StartedAt is { } since ? Duration(time.GetUtcNow() - since) : "-", Number(machine.Restarts), machine.Acceleration.ToString().ToLowerInvariant(), ByteSize.Format(row.MemoryBytes),
            row.Slots.Count == 0 ? "-" : string.Join(',', row.Slots.Select(slot => $"{slot.Key}:{Number(slot.Value)}")),
        ];
    }

    /// <summary>A time in its two largest units.</summary>
    internal static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 1 } => "0s",
        { TotalMinutes: < 1 } => $"{time.Seconds}s",
        { TotalHours: < 1 } => $"{time.Minutes}m{time.Seconds}s",
        { TotalDays: < 1 } => $"{time.Hours}h{time.Minutes}m",
        _ => $"{time.Days}d{time.Hours}h",
    };

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
