// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Client;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
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
            Print(context, "stanza", "Prints QEMU arguments.", "qemu-system-x86_64 -m 256M $(tombolo vm stanza --socket /tmp/bell | tr -d '\\\\')", QemuStanza.ForShell),
            Print(context, "xml", "Prints elements for the <devices> of a libvirt domain.", "tombolo vm xml --socket /tmp/bell --vectors 16", LibvirtXml.ForDevices),
        };
        return command;
    }

    private static ExampleCommand Print(CommandContext context, string name, string description, string example, Func<IEnumerable<MachineAttachment>, string> write)
    {
        Option<string[]> sockets = new("--socket") { Description = "The socket of a doorbell or mailbox server, instead of --fabric and --mailbox; may be given again.", HelpName = "path" };
        Option<int?> vectors = new("--vectors") { Description = "How many vectors the device has: at least as many as the server gives. By default what the fabric declares, 16 with --socket.", HelpName = "n" };
        FabricChoice choice = new();
        Option<string[]> mailboxes = new("--mailbox") { Description = "Which mailbox of the fabric; may be given again. By default its only one.", HelpName = "name" };
        ExampleCommand command = new(name, description, example, $"tombolo vm {name} --mailbox genz") { sockets, vectors, choice.Option, mailboxes };
        command.SetAction(parsed =>
        {
            int? count = parsed.GetValue(vectors);
            if (count is < 1 or > 2048) throw new CommandException($"--vectors is {count}; a device has 1 to 2048", ExitCode.WrongUse);
            string[] paths = parsed.GetValue(sockets) ?? [];
            IEnumerable<MachineAttachment> attachments = paths.Length > 0
                ? paths.Select((path, index) => new MachineAttachment(paths.Length == 1 ? "tombolo" : $"tombolo{index}", Path.GetFullPath(path), count ?? UsualVectors))
                : Declared(choice.PathsOf(parsed), parsed.GetValue(mailboxes) ?? []).Select(one => count is { } given ? one with { Vectors = given } : one);
            context.Screen.Write(write(attachments));
            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<MachineAttachment> Declared(FabricPaths paths, string[] names)
    {
        FabricDeclaration declaration = FabricState.RecordedDeclaration(paths) ?? throw new CommandException($"What fabric {paths.Name} declares cannot be read in {paths.Folder}");
        string[] chosen = names.Length == 0 ? [MailboxChoice.Choose(null, declaration).Name] : [.. names.Select(name => MailboxChoice.Choose(name, declaration).Name)];
        return Translation.Attachments(declaration, chosen, paths);
    }
}
