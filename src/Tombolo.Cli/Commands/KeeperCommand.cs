// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo keeper</c>: the process that holds a doorbell server's descriptors. Servers start it; nobody types it.</summary>
internal static class KeeperCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> socket = new("socket") { Description = "Where to listen." };
        ExampleCommand command = new("keeper", "Holds a doorbell server's sockets and descriptors; started by the server itself.", "tombolo keeper /run/bell.sock.keeper") { socket };
        command.Hidden = true;
        command.SetAction((parsed, stop) =>
        {
            string path = parsed.GetRequiredValue(socket);
            // It has no terminal and no state of its own: a signal is meant for it, and ends it at once.
            using CancellationTokenRegistration end = stop.Register(() =>
            {
                File.Delete(path);
                Environment.Exit(ExitCode.Done);
            });
            DescriptorKeeper.Run(path, () =>
            {
                context.Screen.Line("ready");   // the server waits for this line
                StandardStreams.Silence();
            });
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }
}
