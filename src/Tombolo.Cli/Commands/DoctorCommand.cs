// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Machines;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo doctor</c>: what this host lacks, and the fix.</summary>
internal static class DoctorCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string?> file = new("-f", "--file") { Description = "Judge this declaration too: its files, accounts, memory and descriptors.", HelpName = "file" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("doctor", "Looks for what this host lacks to run fabrics, and says how to fix it. The first time it tries KVM by a boot, which takes some seconds.", "tombolo doctor", "tombolo doctor -f fabric.yaml", "tombolo doctor --json") { file, json };
        command.SetAction(async (parsed, stop) =>
        {
            FabricDeclaration? declaration = parsed.GetValue(file) is { } path ? Declarations.Load(path, context.Screen, parsed.GetValue(json)) : null;
            using ProcessWatcher watcher = new();
            List<CheckResult> rows = [];
            void Take(CheckResult row)
            {
                rows.Add(row);
                if (!parsed.GetValue(json)) Show(context.Screen, row);
            }
            await foreach (CheckResult row in Doctor.ExamineAsync(ProbeFolder(context), watcher, context.Time, stop)) Take(row);
            foreach (CheckResult row in FabricDoctor.Examine(FabricPaths.DefaultRoot, declaration)) Take(row);
            if (parsed.GetValue(json)) context.Screen.Json(rows, CliJson.Default.CheckResults);
            int failed = rows.Count(row => row.Verdict == CheckVerdict.Fail), warned = rows.Count(row => row.Verdict == CheckVerdict.Warn);
            if (!parsed.GetValue(json)) context.Screen.Line($"{rows.Count - failed - warned} in order, {warned} to think about, {failed} to fix.");
            return failed > 0 ? ExitCode.Failed : ExitCode.Done;
        });
        return command;
    }

    /// <summary>Where the result of the KVM probe is kept.</summary>
    internal static string ProbeFolder(CommandContext context)
    {
        string? cache = context.Environment("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache) || !Path.IsPathRooted(cache)) cache = Path.Combine(context.Environment("HOME") ?? "/", ".cache");
        return Directory.CreateDirectory(Path.Combine(cache, "tombolo")).FullName;
    }

    private static void Show(Screen screen, CheckResult row)
    {
        string word = row.Verdict switch { CheckVerdict.Ok => "ok", CheckVerdict.Warn => "warning", _ => "missing" };
        screen.Line($"{screen.Paint(word.PadRight(8))} {row.Name.PadRight(14)} {row.Finding}");
        if (row.Fix is not null) screen.Line($"{new string(' ', 24)}{row.Fix}");
    }
}
