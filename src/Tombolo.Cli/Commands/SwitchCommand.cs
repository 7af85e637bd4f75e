// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Cli.Switch;
using Tombolo.Fabric;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo switch</c>: virtual Ethernet between machines, looked at and changed while it runs.</summary>
internal static class SwitchCommand
{
    public static Command Create(CommandContext context) => new ExampleCommand("switch", "Virtual switches: Ethernet between machines, changed while it runs.", "tombolo switch show", "tombolo switch move vm2 back", "tombolo switch set vm0 --delay 5ms --loss 1%")
    {
        Show(context),
        SwitchStatsCommand.Create(context),
        SwitchCaptureCommand.Create(context),
        SwitchChangeCommands.Add(context),
        SwitchChangeCommands.Remove(context),
        SwitchChangeCommands.Move(context),
        SwitchChangeCommands.Set(context),
    };

    /// <summary>The switch that is shown, an argument that may be left out.</summary>
    public static Argument<string?> Which() => new("switch") { Description = "Only this switch; by default all of the fabric.", Arity = ArgumentArity.ZeroOrOne };

    /// <summary>Those of the fabric, or the one that is asked for.</summary>
    public static IReadOnlyList<SwitchStatus> Chosen(string? name, IReadOnlyList<SwitchStatus> all, string fabric) => name is null ? all : [PortChoice.ChooseSwitch(name, all, fabric)];

    private static ExampleCommand Show(CommandContext context)
    {
        FabricChoice choice = new();
        Argument<string?> which = Which();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("show", "Shows switches: ports, who reaches whom, learned addresses.", "tombolo switch show", "tombolo switch show lan --json | jq '.[0].topologies'") { which, choice.Option, json };
        command.SetAction(async (parsed, stop) =>
        {
            FabricPaths paths = choice.PathsOf(parsed);
            IReadOnlyList<SwitchStatus> switches = Chosen(parsed.GetValue(which), await PortChoice.SwitchesAsync(paths, stop), paths.Name);
            if (parsed.GetValue(json)) context.Screen.Json([.. switches], CliJson.Default.SwitchStatuses);
            else
                for (int i = 0; i < switches.Count; i++)
                {
                    if (i > 0) context.Screen.Line();
                    Print(context.Screen, switches[i]);
                }
            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(Screen screen, SwitchStatus one)
    {
        screen.Line($"Switch {one.Name}: {(one.IsUp ? "ready" : "dead")}{(one.IsChanged ? ", changed since it came up" : "")}{(one.Restarts > 0 ? $", started again {Number(one.Restarts)} times" : "")}");
        TextTable ports = new("port", "state", "leads to", "pid", "address", "mtu", "to guest", "from guest", "rings", "lost");
        foreach (SwitchPortStatus port in one.Ports)
            _ = ports.Row(port.Settings.Name, StateOf(port), port.Settings.Uplink is null ? port.Settings.Machine ?? "-" : UplinkChoice.Words(port), port.ProcessId is { } process ? Number(process) : "-", Addresses(port.Settings), (port.Settings.Mtu ?? one.Mtu) is { } mtu ? Number(mtu) : "-",
                SettingOptions.Words(port.Settings.ToGuest), SettingOptions.Words(port.Settings.FromGuest), Number(port.Rings), Number(port.Lost));
        screen.Table(ports);
        foreach (SwitchTopologyDeclaration topology in one.Topologies) screen.Line(InWords(topology));
        foreach (SwitchPortStatus port in one.Ports.Where(port => port.Fault is not null)) screen.Line($"Port {port.Settings.Name} is stopped: {Printable.Text(port.Fault!)}");
        foreach (SwitchPortStatus port in one.Ports.Where(static port => port is { IsUp: false, Refusal: not null })) screen.Line($"Port {port.Settings.Name} does not work: {Printable.Text(port.Refusal!)}");
        foreach (SwitchPortStatus port in one.Ports.Where(static port => port is { Settings.Uplink: not null, IsUp: false, LastEnd: not null })) screen.Line($"Uplink {port.Settings.Name} is down: {Printable.Text(port.LastEnd!)}");
        foreach (LearnedAddress learned in one.Learned) screen.Line(string.Create(CultureInfo.InvariantCulture, $"Learned {learned.Mac} at {learned.Port}, {learned.AgeSeconds:0} s ago"));
    }

    /// <summary>Who reaches whom, in a line.</summary>
    internal static string InWords(SwitchTopologyDeclaration topology)
    {
        string[] rest = [.. topology.Members.Except(topology.Partitions.SelectMany(group => group))];
        IEnumerable<string> groups = topology.Partitions.Where(group => group.Count > 0).Select(group => string.Join(' ', group)).Concat(rest.Length > 0 ? [string.Join(' ', rest)] : []);
        string cut = string.Join(", ", topology.Cut.Where(pair => topology.Members.Contains(pair.One) && topology.Members.Contains(pair.Other)).Select(pair => $"{pair.One} from {pair.Other}"));
        return $"Topology {topology.Name}: {string.Join(" | ", groups.DefaultIfEmpty("nobody"))}{(cut.Length > 0 ? $"; cut: {cut}" : "")}";
    }

    private static string StateOf(SwitchPortStatus port) => port.Fault is not null ? "stopped" : port.IsUp ? "up" : port.ProcessId is not null ? "attached" : "down";

    /// <summary>The addresses that a port may send with, in words.</summary>
    internal static string Addresses(SwitchPortDeclaration port) => string.Join(' ', port.Macs.Concat(port.Learns ? ["learns"] : port.AnySource ? ["any"] : [])) is { Length: > 0 } text ? text : "-";

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
