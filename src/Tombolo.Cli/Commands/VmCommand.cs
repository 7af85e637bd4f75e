// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Machines;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo vm stanza|xml</c>: what one's own QEMU or libvirt needs to join.</summary>
internal static class VmCommand
{
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
        Option<string[]> sockets = new("--socket") { Description = "The socket of a doorbell or mailbox server; may be given again.", HelpName = "path", Required = true };
        Option<int> vectors = new("--vectors") { Description = "How many vectors the device has: at least as many as the server gives.", HelpName = "n", DefaultValueFactory = _ => 16 };
        ExampleCommand command = new(name, description, example) { sockets, vectors };
        command.SetAction(parsed =>
        {
            int count = parsed.GetValue(vectors);
            if (count is < 1 or > 2048) throw new CommandException($"--vectors is {count}; a device has 1 to 2048", ExitCode.WrongUse);
            string[] paths = parsed.GetRequiredValue(sockets);
            context.Screen.Write(write(paths.Select((path, index) => new MachineAttachment(paths.Length == 1 ? "tombolo" : $"tombolo{index}", Path.GetFullPath(path), count))));
            return ExitCode.Done;
        });
        return command;
    }
}
