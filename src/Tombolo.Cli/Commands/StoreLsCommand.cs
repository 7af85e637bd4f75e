// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Text.Json;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Store;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo store ls</c>: the tree with values, and again whenever it changes.</summary>
internal static class StoreLsCommand
{
    private static readonly TimeSpan _calm = TimeSpan.FromMilliseconds(50);

    public static ExampleCommand Create(CommandContext context)
    {
        StoreChoice choice = new();
        Argument<string> path = StoreChoice.Path("Where to begin.", "/");
        Option<bool> permissions = new("-p", "--permissions") { Description = "Show permissions." };
        Option<bool> watch = new("-w", "--watch") { Description = "Show it again whenever something changes, until Ctrl-C." };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("ls", "Prints a node and all below it as a tree.", "tombolo store ls", "tombolo store ls /local/domain/1 -p", "tombolo store ls /offer --watch") { path, permissions, watch, json };
        return choice.On(command, context, async (parsed, client, stop) =>
        {
            string at = StoreChoice.Checked(parsed.GetRequiredValue(path));
            Plan plan = new(at, parsed.GetValue(permissions), parsed.GetValue(json));
            if (!parsed.GetValue(watch))
            {
                foreach (string line in await LookAsync(context.Screen, client, plan, stop) ?? throw StoreChoice.Missing(at)) context.Screen.Line(line);
                return ExitCode.Done;
            }
            string[]? shown = null;
            try
            {
                await foreach (StoreEvent _ in client.WatchAsync(at, stop))
                {
                    string[] now = await LookAsync(context.Screen, client, plan, stop) ?? (plan.Json ? [] : [$"{StoreChoice.Missing(at).Message}."]);   // it may come back
                    if (shown is null || !now.SequenceEqual(shown)) Show(context.Screen, now, isFirst: shown is null, plan.Json);
                    shown = now;
                    await Task.Delay(_calm, context.Time, stop);   // many changes are one picture
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            return ExitCode.Done;
        });
    }

    private sealed record Plan(string Path, bool Permissions, bool Json);

    // On a terminal each picture takes the place of the one before; elsewhere an empty line is between them.
    private static void Show(Screen screen, string[] picture, bool isFirst, bool json)
    {
        if (screen.Colour && !json) screen.Write("\x1b[H\x1b[2J");   // ECMA-48: home, erase everything
        else if (!isFirst) screen.Line();
        foreach (string line in picture) screen.Line(line);
    }

    // In a transaction: one moment's picture. Null: there is no such node.
    private static async Task<string[]?> LookAsync(Screen screen, StoreClient client, Plan plan, CancellationToken stop)
    {
        List<(int Depth, StoreEntry Entry, bool IsLast)> found = await client.TransactAsync(async all =>
        {
            List<(int, StoreEntry, bool)> nodes = [];
            await CollectAsync(all, plan.Path, 0, true, plan.Permissions, nodes);
            return nodes;
        }, stop);
        if (found.Count == 0) return null;
        return plan.Json ? [.. found.Select(one => JsonSerializer.Serialize(one.Entry, CliJson.Default.StoreEntry))] : [.. Draw(found, screen.Unicode)];
    }

    private static async Task CollectAsync(StoreReader all, string path, int depth, bool isLast, bool permissions, List<(int, StoreEntry, bool)> nodes)
    {
        string? value;
        IReadOnlyList<string>? names;
        try { (value, names) = (await all.ReadAsync(path), await all.ListAsync(path)); }
        catch (StoreException exception) when (exception.Error == StoreError.EACCES && depth > 0) { (value, names) = (null, []); }   // seen, but not ours to read
        if (names is null) return;
        nodes.Add((depth, new(path, value, permissions && value is not null ? (await all.GetPermissionsAsync(path))?.ToString() : null, [.. names]), isLast));
        for (int i = 0; i < names.Count; i++)
            await CollectAsync(all, path == "/" ? $"/{names[i]}" : $"{path}/{names[i]}", depth + 1, i == names.Count - 1, permissions, nodes);
    }

    internal static IEnumerable<string> Draw(IReadOnlyList<(int Depth, StoreEntry Entry, bool IsLast)> nodes, bool unicode)
    {
        (string branch, string end, string down) = unicode ? ("├─ ", "└─ ", "│  ") : ("|- ", "`- ", "|  ");
        List<bool> open = [];
        foreach ((int depth, StoreEntry entry, bool isLast) in nodes)
        {
            if (open.Count > depth) open.RemoveRange(depth, open.Count - depth);
            string lines = string.Concat(open.Skip(1).Select(one => one ? down : "   ")) + (depth == 0 ? "" : isLast ? end : branch);
            open.Add(!isLast);
            string name = depth == 0 ? entry.Path : entry.Path[(entry.Path.LastIndexOf('/') + 1)..];
            string value = entry.Value switch { null => " (may not be read)", "" => "", var text => $" = \"{Printable.Text(text)}\"" };
            yield return $"{lines}{Printable.Text(name)}{value}{(entry.Permissions is { } access ? $" ({access})" : "")}";
        }
    }
}
