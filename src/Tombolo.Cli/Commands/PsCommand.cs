// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Machines;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo ps</c>: everything that every fabric runs, or one.</summary>
internal static class PsCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string?> fabric = CommonOptions.Fabric();
        fabric.Description = "Only this fabric; by default all of them.";
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("ps", "Shows what runs: the machines of fabrics, and what joins them.", "tombolo ps", "tombolo ps --json | jq '.[].machines[].machine.state'") { fabric, json };
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
            foreach (string[] service in Services(fabric)) _ = table.Row(service);
            foreach (MachineRow row in fabric.Machines) _ = table.Row(CellsOf(fabric, row, context.Time));
        }
        context.Screen.Table(table);
        foreach (FabricStatus fabric in all.Where(one => one.OwnerProcessId == 0))
            context.Screen.Line($"The daemon of fabric {fabric.Fabric} was killed; its machines go on. 'tombolo up' takes over, 'tombolo down' ends it all.");
    }

    /// <summary>What the daemon serves, a row each.</summary>
    private static IEnumerable<string[]> Services(FabricStatus fabric)
    {
        foreach (MailboxStatus mailbox in fabric.Mailboxes) yield return Service(mailbox.Name, "mailbox", mailbox.IsUp, $"{mailbox.Members.Count}/{mailbox.Clients}");
        foreach (RegionsStatus window in fabric.Regions) yield return Service(window.Name, "regions", window.IsUp, $"{window.Regions.Count} regions", window.WindowBytes);
        foreach (SwitchStatus lan in fabric.Switches) yield return Service(lan.Name, "switch", lan.IsUp, $"{lan.Ports.Count(static port => port.IsUp)}/{lan.Ports.Count} ports", restarts: lan.Restarts);
        if (fabric.Store is { } store) yield return Service("store", "store", store.IsUp, $"{store.Connections} clients");
        if (fabric.Grants is not { } grants) yield break;
        yield return Service("grants", "grants", grants.IsUp, $"{grants.Domains.Count} domains");
        foreach (GrantWindowStatus window in grants.Windows) yield return Service(window.Name, "window", window.IsUp, $"{window.Members.Count}/{window.Places}", window.WindowBytes);

        string[] Service(string name, string kind, bool isUp, string with, long bytes = 0, int? restarts = null) =>
            [fabric.Fabric, name, kind, isUp ? "ready" : "dead", isUp ? Number(fabric.OwnerProcessId) : "-", "-", restarts is { } times ? Number(times) : "-", with, isUp && bytes > 0 ? ByteSize.Format(bytes) : "-", "-"];
    }

    private static string[] CellsOf(FabricStatus fabric, MachineRow row, TimeProvider time)
    {
        MachineStatus machine = row.Machine;
        string joins = string.Join(',', Joins(fabric, row));
        return
        [
            fabric.Fabric, machine.Name, "machine", machine.State.ToString().ToLowerInvariant(), machine.ProcessId is { } pid ? Number(pid) : "-",
            machine.StartedAt is { } since ? Duration(time.GetUtcNow() - since) : "-", Number(machine.Restarts), machine.Acceleration.ToString().ToLowerInvariant(), ByteSize.Format(row.MemoryBytes),
            joins.Length == 0 ? "-" : joins,
        ];
    }

    /// <summary>What a machine joins, each with what it is there: its number in a mailbox, its domain in a window of grants, its card on a switch.</summary>
    private static IEnumerable<string> Joins(FabricStatus fabric, MachineRow row)
    {
        Dictionary<string, int> domains = (fabric.Grants?.Windows ?? []).SelectMany(static window => window.Members, static (window, member) => (window.Name, member))
            .Where(each => each.member.Machine == row.Machine.Name).ToDictionary(static each => each.Name, static each => each.member.Domain);
        return row.Slots.Select(slot => $"{slot.Key}:{Number(domains.GetValueOrDefault(slot.Key, slot.Value))}").Concat(row.Cards.Select(static (card, index) => $"{card.Switch}:eth{Number(index)}"));
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
