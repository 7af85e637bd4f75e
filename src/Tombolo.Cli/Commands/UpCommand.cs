// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Cli.Processes;
using Tombolo.Fabric;
using Tombolo.Linux;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo up</c>: makes a declared world so.</summary>
internal static class UpCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string> file = CommonOptions.File();
        Option<bool> foreground = new("--foreground") { Description = "Stay, show what happens, and take everything down on Ctrl-C." };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("up", "Brings a fabric up: mailboxes, then machines. Returns when everything is ready; Ctrl-C before that takes everything down again. A fabric whose daemon was killed is taken over as it runs.",
            "tombolo up", "tombolo up -f examples/three.yaml", "tombolo up --foreground") { file, foreground, json };
        command.SetAction(async (parsed, stop) =>
        {
            string path = parsed.GetRequiredValue(file);
            FabricDeclaration declaration = Declarations.Load(path, context.Screen, parsed.GetValue(json));
            FabricPaths paths = new(FabricPaths.DefaultRoot, declaration.Name);
            EventPrinter printer = new(context.Screen, parsed.GetValue(json));
            int owner = FabricState.OwnerOf(paths);
            if (owner != 0) throw new CommandException($"Fabric {declaration.Name} is running already (pid {owner}); 'tombolo ps' shows it, 'tombolo down' takes it down");
            SayWhatWasLeft(paths, printer);
            int daemon = await Detached.StartAsync([DaemonProgram.Find(context.Environment, AppContext.BaseDirectory), "--fabric-file", Path.GetFullPath(path), "--state", paths.Root], stop);
            return await FollowAsync(new(paths, printer), declaration, daemon, parsed.GetValue(foreground), stop);
        });
        return command;
    }

    private static async Task<int> FollowAsync(FabricWatch watch, FabricDeclaration declaration, int daemon, bool stays, CancellationToken stop)
    {
        using SafeFd? process = LinuxProcess.TryOpen(daemon);
        try
        {
            FabricWatch.Outcome outcome = await watch.UntilUpAsync(declaration.Machines.Count, stop);
            if (stays && outcome != FabricWatch.Outcome.Failed)
            {
                await watch.UntilGoneAsync(skipUntilUp: true, stop);
                return ExitCode.Done;   // somebody else took it down
            }
            if (outcome == FabricWatch.Outcome.Failed && process is not null) await FabricWatch.EndedAsync(process, stop);   // then it has tidied up
            return outcome == FabricWatch.Outcome.Up ? ExitCode.Done : ExitCode.Failed;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await watch.TakeDownAsync(daemon, CancellationToken.None);
            return stays ? ExitCode.Done : ExitCode.Failed;
        }
    }

    private static void SayWhatWasLeft(FabricPaths paths, EventPrinter printer)
    {
        if (!File.Exists(paths.Declaration)) return;
        int machines = FabricState.RunningMachines(paths).Count;
        printer.Say($"Fabric {paths.Name} was left by a daemon that was killed ({machines} of its machines run); it is taken over.");
    }
}
