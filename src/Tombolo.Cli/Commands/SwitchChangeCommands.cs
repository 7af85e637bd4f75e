// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Cli.Switch;
using Tombolo.Fabric;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo switch add|remove|move|set</c>: a running switch changes, and nobody notices whom it does not concern.</summary>
internal static class SwitchChangeCommands
{
    public static ExampleCommand Add(CommandContext context)
    {
        PortChoice choice = new();
        SettingOptions settings = new();
        Option<string?> socket = new("--socket") { Description = "Its vhost-user socket: a file name in the state folder, or a path. By default SWITCH-PORT.sock.", HelpName = "path" };
        UplinkChoice uplink = new();
        Option<bool?> connect = new("--connect") { Description = "The other side listens, and the switch connects." };
        Option<int?> queues = new("--queues") { Description = "Queue pairs of its card, 1 to 127.", HelpName = "n" };
        Option<string[]> topologies = new("--topology") { Description = "A topology that it joins, TOPOLOGY or TOPOLOGY/PARTITION; may be given again. By default the only one.", HelpName = "name" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("add", "Adds a port to a running switch: for a machine of one's own, an uplink, or one that was removed.", "tombolo switch add lan/probe --mac 02:00:00:00:AA:09 && tombolo vm stanza --port lan/probe", "tombolo switch add lan/host --tap host0 --netns lab", "tombolo switch add lan/passt --stream /tmp/passt_1.socket --connect") { choice.Port, choice.Option, socket, connect, queues, topologies, json };
        foreach (Option option in uplink.All.Concat(settings.All)) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            if (parsed.GetValue(socket) is not null && uplink.IsGiven(parsed)) throw new CommandException("--socket is a network card's, and the port is to be an uplink; a stream's socket is said by --stream", ExitCode.WrongUse);
            SwitchPortAddition addition = new()
            {
                Name = "",
                Uplink = uplink.Of(parsed),
                Socket = (uplink.StreamOf(parsed) ?? parsed.GetValue(socket)) is { } path && path.Contains('/', StringComparison.Ordinal) ? Path.GetFullPath(path) : uplink.StreamOf(parsed) ?? parsed.GetValue(socket),
                Connects = parsed.GetValue(connect),
                Queues = parsed.GetValue(queues),
                Settings = settings.ChangeOf(parsed),
                Topologies = parsed.GetValue(topologies) is { Length: > 0 } names ? names : null,
            };
            (FabricPaths paths, SwitchStatus owner, string name) = await choice.NewAsync(parsed, stop);
            using (DaemonClient daemon = new(paths.AdminSocket))
                await daemon.PostAsync($"/switches/{owner.Name}/ports", addition with { Name = name }, FabricStatusJson.Default.SwitchPortAddition, stop);
            (_, SwitchPortStatus port) = PortChoice.Choose($"{owner.Name}/{name}", await PortChoice.SwitchesAsync(paths, stop), paths.Name);
            if (parsed.GetValue(json)) context.Screen.Json(port, CliJson.Default.SwitchPortStatus);
            else context.Screen.Line($"Port {owner.Name}/{name} {(port.Settings.Uplink is null ? $"serves at {port.Socket}" : $"leads to {UplinkChoice.Words(port)}")}.");
            return ExitCode.Done;
        });
        return command;
    }

    public static ExampleCommand Remove(CommandContext context)
    {
        PortChoice choice = new();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("remove", "Removes a port from a running switch; its guest sees the link go down.", "tombolo switch remove vm2") { choice.Port, choice.Option, json };
        command.SetAction(async (parsed, stop) =>
        {
            (FabricPaths paths, string owner, SwitchPortStatus port) = await choice.ExistingAsync(parsed, stop);
            using DaemonClient daemon = new(paths.AdminSocket);
            await daemon.PostAsync($"/switches/{owner}/ports/{port.Settings.Name}/remove", stop);
            if (parsed.GetValue(json)) context.Screen.Json(PortChoice.ChooseSwitch(owner, await PortChoice.SwitchesAsync(paths, stop), paths.Name), CliJson.Default.SwitchStatus);
            else context.Screen.Line($"Port {owner}/{port.Settings.Name} is removed.");
            return ExitCode.Done;
        });
        return command;
    }

    public static ExampleCommand Move(CommandContext context)
    {
        PortChoice choice = new();
        Argument<string[]> to = new("topology") { Description = "The topologies it is in from now on: TOPOLOGY, or TOPOLOGY/PARTITION with the partition's number.", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> nowhere = new("--nowhere") { Description = "Take it out of every topology: it reaches nobody." };
        Option<bool> isNew = new("--new") { Description = "Make topologies that do not exist." };
        Option<string[]> cut = new("--cut") { Description = "A port that it does not reach any more; may be given again.", HelpName = "port" };
        Option<string[]> uncut = new("--uncut") { Description = "A port that it reaches again; may be given again.", HelpName = "port" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("move", "Changes whom a port reaches.", "tombolo switch move vm2 back", "tombolo switch move vm2 --nowhere", "tombolo switch move vm0 --cut vm2") { choice.Port, to, choice.Option, nowhere, isNew, cut, uncut, json };
        command.SetAction(async (parsed, stop) =>
        {
            string[] targets = parsed.GetValue(to) ?? [], cuts = parsed.GetValue(cut) ?? [], uncuts = parsed.GetValue(uncut) ?? [];
            if (parsed.GetValue(nowhere) && targets.Length > 0) throw new CommandException("--nowhere and a topology contradict each other", ExitCode.WrongUse);
            if (!parsed.GetValue(nowhere) && targets.Length + cuts.Length + uncuts.Length == 0) throw new CommandException("Say where the port goes: topologies, --nowhere, --cut or --uncut", ExitCode.WrongUse);
            SwitchMove move = new() { To = parsed.GetValue(nowhere) ? [] : targets.Length > 0 ? targets : null, MayCreate = parsed.GetValue(isNew), Cut = cuts, Uncut = uncuts };
            (FabricPaths paths, string owner, SwitchPortStatus port) = await choice.ExistingAsync(parsed, stop);
            using DaemonClient daemon = new(paths.AdminSocket);
            await daemon.PostAsync($"/switches/{owner}/ports/{port.Settings.Name}/move", move, FabricStatusJson.Default.SwitchMove, stop);
            SwitchStatus now = PortChoice.ChooseSwitch(owner, await PortChoice.SwitchesAsync(paths, stop), paths.Name);
            if (parsed.GetValue(json)) context.Screen.Json(now, CliJson.Default.SwitchStatus);
            else foreach (SwitchTopologyDeclaration topology in now.Topologies) context.Screen.Line(SwitchCommand.InWords(topology));
            return ExitCode.Done;
        });
        return command;
    }

    public static ExampleCommand Set(CommandContext context)
    {
        PortChoice choice = new();
        SettingOptions settings = new();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("set", "Changes a port's addresses, checks, MTU or link.", "tombolo switch set vm0 --delay 5ms --loss 1% --seed 7", "tombolo switch set vm0 --perfect") { choice.Port, choice.Option, json };
        foreach (Option option in settings.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            SwitchPortChange change = settings.ChangeOf(parsed);
            if (change == new SwitchPortChange()) throw new CommandException("Say what changes, such as --delay 5ms", ExitCode.WrongUse);
            (FabricPaths paths, string owner, SwitchPortStatus port) = await choice.ExistingAsync(parsed, stop);
            using DaemonClient daemon = new(paths.AdminSocket);
            await daemon.PostAsync($"/switches/{owner}/ports/{port.Settings.Name}/set", change, FabricStatusJson.Default.SwitchPortChange, stop);
            (_, SwitchPortStatus now) = PortChoice.Choose($"{owner}/{port.Settings.Name}", await PortChoice.SwitchesAsync(paths, stop), paths.Name);
            if (parsed.GetValue(json)) context.Screen.Json(now, CliJson.Default.SwitchPortStatus);
            else context.Screen.Line($"Port {owner}/{port.Settings.Name}: {SwitchCommand.Addresses(now.Settings)}{(now.Settings.Mtu is { } mtu ? string.Create(CultureInfo.InvariantCulture, $", mtu {mtu}") : "")}; to guest {SettingOptions.Words(now.Settings.ToGuest)}; from guest {SettingOptions.Words(now.Settings.FromGuest)}");
            return ExitCode.Done;
        });
        return command;
    }
}
