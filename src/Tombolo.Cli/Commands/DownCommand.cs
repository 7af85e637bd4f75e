// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Cli.Processes;
using Tombolo.Fabric;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo down</c>: ends a fabric, whether its daemon lives, was killed, or half of it is gone.</summary>
internal static class DownCommand
{
    public static Command Create(CommandContext context)
    {
        FabricChoice choice = new();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("down", "Takes a fabric down: machines in order, then mailboxes, then every file. Works also when its daemon was killed. Ends exactly the processes that the fabric recorded.", "tombolo down", "tombolo down --fabric demo") { choice.Option, json };
        command.SetAction(async (parsed, stop) =>
        {
            FabricPaths paths = choice.PathsOf(parsed);
            EventPrinter printer = new(context.Screen, parsed.GetValue(json));
            int owner = FabricState.OwnerOf(paths);
            if (owner != 0) await new FabricWatch(paths, printer).TakeDownAsync(owner, stop);
            // Whatever a daemon left that was killed, now or earlier.
            IReadOnlyList<string> ended = await FabricHost.EndLeftoversAsync(paths.Name, new() { Root = paths.Root, KeeperCommand = Detached.Self("keeper"), Time = context.Time });
            foreach (string sentence in ended) printer.Say(sentence);
            RemoveRest(paths);
            if (owner == 0) printer.Say($"Fabric {paths.Name} is down; its daemon was gone already.");
            return ExitCode.Done;
        });
        return command;
    }

    // What a killed daemon could not remove itself.
    private static void RemoveRest(FabricPaths paths)
    {
        if (!Directory.Exists(paths.Folder)) return;
        File.Delete(paths.AdminSocket);
        File.Delete(paths.DaemonLog);
        try { Directory.Delete(paths.Folder); }
        catch (IOException) { }   // somebody else's file is in it
    }
}
