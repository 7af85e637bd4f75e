// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Machines;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo logs</c>: what a machine's console said, or the daemon.</summary>
internal static class LogsCommand
{
    public static Command Create(CommandContext context)
    {
        FabricChoice choice = new();
        Argument<string?> machine = new("machine") { Description = "Whose console; without it the daemon's log.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> follow = new("-f", "--follow") { Description = "Go on as more comes, until Ctrl-C." };
        Option<int?> last = new("-n", "--lines") { Description = "Only the last lines, this many.", HelpName = "n" };
        Option<bool> qemu = new("--qemu") { Description = "What the machine's QEMU said, instead of its console." };
        ExampleCommand command = new("logs", "Shows what a machine's console said, or the fabric's daemon.", "tombolo logs vm0", "tombolo logs -f", "tombolo logs vm0 --qemu") { machine, follow, last, qemu, choice.Option };
        machine.CompletionSources.Add(_ => MachineNames.OfAll());
        command.SetAction(async (parsed, stop) =>
        {
            FabricPaths paths = choice.PathsOf(parsed);
            if (parsed.GetValue(last) is < 0) throw new CommandException("--lines must be 0 or more", ExitCode.WrongUse);
            string? name = parsed.GetValue(machine);
            if (name is null && parsed.GetValue(qemu)) throw new CommandException("--qemu needs a machine", ExitCode.WrongUse);
            string path = name is null ? paths.DaemonLog : parsed.GetValue(qemu) ? MachineNames.FolderOf(paths, name).QemuLog : MachineNames.FolderOf(paths, name).ConsoleLog;
            await ShowAsync(context.Screen, path, parsed.GetValue(last), parsed.GetValue(follow), stop);
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task ShowAsync(Screen screen, string path, int? last, bool follow, CancellationToken stop)
    {
        long start = last is { } count ? LineTail.OffsetOf(path, count) : 0;
        if (follow)
        {
            try
            {
                await foreach (ConsoleLine line in ConsoleLog.FollowAsync(path, start, stop))
                    if (line.IsComplete) screen.Line(Printable.Text(line.Text));
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
        }
        else if (ConsoleLog.LengthOf(path) > 0)
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            file.Position = start;
            using StreamReader lines = new(file);
            while (lines.ReadLine() is { } line) screen.Line(Printable.Text(line.TrimEnd('\r')));
        }
    }
}
