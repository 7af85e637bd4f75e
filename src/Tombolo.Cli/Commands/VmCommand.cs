// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Client;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Cli.Switch;
using Tombolo.Fabric;
using Tombolo.Machines;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo vm stanza|xml</c>: what one's own QEMU or libvirt needs to join.</summary>
internal static class VmCommand
{
    private const int UsualVectors = 16;   // of the classic mailbox: 14 clients

    public static Command Create(CommandContext context)
    {
        ExampleCommand command = new("vm", "Prints what a virtual machine of one's own needs to join.", "tombolo vm stanza --socket /tmp/bell --vectors 16", "tombolo vm xml --socket /tmp/bell")
        {
            Print(context, "stanza", "Prints QEMU arguments.", "qemu-system-x86_64 -m 256M $(tombolo vm stanza --socket /tmp/bell | tr -d '\\\\')", (joined, memory, tcg) => QemuStanza.ForShell(joined.Attachments, joined.Nics, memory, tcg)),
            Print(context, "xml", "Prints elements for the <devices> of a libvirt domain.", "tombolo vm xml --socket /tmp/bell --vectors 16", (joined, _, _) => LibvirtXml.ForDevices(joined.Attachments, joined.Nics)),
        };
        return command;
    }

    private sealed record Joined(IReadOnlyList<MachineAttachment> Attachments, IReadOnlyList<MachineNic> Nics);

    private static ExampleCommand Print(CommandContext context, string name, string description, string example, Func<Joined, long, Acceleration, string> write)
    {
        Option<string[]> sockets = new("--socket") { Description = "The socket of a doorbell or mailbox server, instead of --fabric and --mailbox; may be given again.", HelpName = "path" };
        Option<int?> vectors = new("--vectors") { Description = "How many vectors the device has: at least as many as the server gives. By default what the fabric declares, 16 with --socket.", HelpName = "n" };
        FabricChoice choice = new();
        Option<string[]> mailboxes = new("--mailbox") { Description = "Which mailbox of the fabric; may be given again. By default its only one, or none with --port.", HelpName = "name" };
        Option<string[]> ports = new("--port") { Description = "Which port of a switch, as SWITCH/PORT or PORT: a network card; may be given again.", HelpName = "port" };
        Option<int> memory = new("--memory") { Description = "The guest's memory, as its -m says; a network card needs it shared.", HelpName = "MiB", DefaultValueFactory = static _ => 256 };
        Option<bool> tcg = new("--tcg") { Description = "The guest is emulated: QEMU 7.2 needs network cards without vectors then." };
        ExampleCommand command = new(name, description, example, $"tombolo vm {name} --mailbox genz", $"tombolo vm {name} --port lan/probe") { sockets, vectors, choice.Option, mailboxes, ports, memory, tcg };
        command.SetAction(async (parsed, stop) =>
        {
            int? count = parsed.GetValue(vectors);
            if (count is < 1 or > 2048) throw new CommandException($"--vectors is {count}; a device has 1 to 2048", ExitCode.WrongUse);
            int size = parsed.GetValue(memory);
            if (size is < 16 or > 1 << 20) throw new CommandException($"--memory is {size}; a guest has 16 to {1 << 20} MiB", ExitCode.WrongUse);
            string[] paths = parsed.GetValue(sockets) ?? [], names = parsed.GetValue(ports) ?? [], boxes = parsed.GetValue(mailboxes) ?? [];
            IReadOnlyList<MachineNic> nics = names.Length == 0 ? [] : await NicsAsync(choice.PathsOf(parsed), names, stop);
            IEnumerable<MachineAttachment> attachments = paths.Length > 0 ? paths.Select((path, index) => new MachineAttachment(paths.Length == 1 ? "tombolo" : $"tombolo{index}", Path.GetFullPath(path), count ?? UsualVectors))
                : nics.Count > 0 && boxes.Length == 0 ? [] : Declared(choice.PathsOf(parsed), boxes).Select(one => count is { } given ? one with { Vectors = given } : one);
            context.Screen.Write(write(new([.. attachments], nics), (long)size << 20, parsed.GetValue(tcg) ? Acceleration.Tcg : Acceleration.Kvm));
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<IReadOnlyList<MachineNic>> NicsAsync(FabricPaths paths, string[] names, CancellationToken stop)
    {
        IReadOnlyList<SwitchStatus> switches = await PortChoice.SwitchesAsync(paths, stop);
        return [.. names.Select(name =>
        {
            (SwitchStatus owner, SwitchPortStatus port) = PortChoice.Choose(name, switches, paths.Name);
            if (port.Settings.Uplink is not null) throw new CommandException($"Port {owner.Name}/{port.Settings.Name} is an uplink to {UplinkChoice.Words(port)}, so it is no network card");
            return port.Settings.Macs.Count > 0 ? Translation.ToNic(new() { Name = owner.Name, Mtu = owner.Mtu }, port.Settings, paths)
                : throw new CommandException($"Port {owner.Name}/{port.Settings.Name} has no address of its own, so it is no network card");
        })];
    }

    private static IEnumerable<MachineAttachment> Declared(FabricPaths paths, string[] names)
    {
        FabricDeclaration declaration = FabricState.RecordedDeclaration(paths) ?? throw new CommandException($"What fabric {paths.Name} declares cannot be read in {paths.Folder}");
        string[] chosen = names.Length == 0 ? [MailboxChoice.Choose(null, declaration).Name] : [.. names.Select(name => MailboxChoice.Choose(name, declaration).Name)];
        return Translation.Attachments(declaration, chosen, paths);
    }
}
