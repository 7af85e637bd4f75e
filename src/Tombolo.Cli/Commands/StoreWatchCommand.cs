// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Store;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo store watch</c>: prints what changes, as it changes.</summary>
internal static class StoreWatchCommand
{
    public static ExampleCommand Create(CommandContext context)
    {
        StoreChoice choice = new();
        Argument<string> path = StoreChoice.Path("What to watch, with all below it; also @introduceDomain and @releaseDomain.");
        Option<int> count = new("-n", "--count") { Description = "End after so many events; 0 means until Ctrl-C.", HelpName = "n" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("watch", "Prints what changes at a path and below it: the path, and its value now. The first line is the path itself.", "tombolo store watch /offer", "tombolo store watch @releaseDomain -n 2") { path, count, json };
        return choice.On(command, context, async (parsed, client, stop) =>
        {
            int left = parsed.GetValue(count);
            if (left < 0) throw new CommandException($"--count is {left}; it must be 0 or more", ExitCode.WrongUse);
            string at = parsed.GetRequiredValue(path);
            if (at is not (StorePath.IntroduceDomain or StorePath.ReleaseDomain)) _ = StoreChoice.Checked(at);
            try
            {
                await foreach (StoreEvent change in client.WatchAsync(at, stop))
                {
                    string? value = change.Path.StartsWith('@') ? null : await ValueOfAsync(client, change.Path);
                    if (parsed.GetValue(json)) context.Screen.Json(new StoreEntry(change.Path, value, null, null), CliJson.Default.StoreEntry);
                    else context.Screen.Line(value is null ? Printable.Text(change.Path) : $"{Printable.Text(change.Path)} = \"{Printable.Text(value)}\"");
                    if (--left == 0) return ExitCode.Done;
                }
                return stop.IsCancellationRequested ? ExitCode.Done : throw new CommandException("The store went away");
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { return ExitCode.Done; }
        });
    }

    private static async Task<string?> ValueOfAsync(StoreClient client, string path)
    {
        try { return await client.ReadAsync(path); }
        catch (StoreException exception) when (exception.Error == StoreError.EACCES) { return null; }
    }
}
