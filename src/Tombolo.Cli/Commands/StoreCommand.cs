// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Store;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo store</c>: a store of names, ours or Xen's own.</summary>
internal static class StoreCommand
{
    public static Command Create(CommandContext context) =>
        new ExampleCommand("store", "Reads, changes, watches and serves a store of names that speaks XenStore's protocol.", "tombolo store ls /", "tombolo store write /offer/id 7", "tombolo store watch /offer")
        {
            Read(context),
            Write(context),
            List(context),
            StoreLsCommand.Create(context),
            Remove(context),
            Exists(context),
            Chmod(context),
            StoreWatchCommand.Create(context),
            StoreServeCommand.Create(context),
        };

    private static ExampleCommand Read(CommandContext context)
    {
        StoreChoice choice = new();
        Argument<string[]> paths = StoreChoice.Paths("What to read; a path without a slash at its start is below the caller's /local/domain/N.");
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("read", "Prints values.", "tombolo store read /offer/id", "tombolo store read /offer/id /offer/name --json") { paths, json };
        return choice.On(command, context, async (parsed, client, _) =>
        {
            foreach (string path in StoreChoice.Checked(parsed.GetRequiredValue(paths)))
            {
                string value = await client.ReadAsync(path) ?? throw StoreChoice.Missing(path);
                if (parsed.GetValue(json)) context.Screen.Json(new StoreEntry(path, value, null, null), CliJson.Default.StoreEntry);
                else context.Screen.Line(Printable.Text(value));
            }
            return ExitCode.Done;
        });
    }

    private static ExampleCommand Write(CommandContext context)
    {
        StoreChoice choice = new();
        Argument<string[]> pairs = new("path value") { Description = "Paths, each with its value.", Arity = ArgumentArity.OneOrMore };
        ExampleCommand command = new("write", "Sets values, all of them at once; makes nodes where they are missing.", "tombolo store write /offer/id 7", "tombolo store write /a 1 /b 2") { pairs };
        return choice.On(command, context, async (parsed, client, stop) =>
        {
            string[] words = parsed.GetRequiredValue(pairs);
            if (words.Length % 2 != 0) throw new CommandException($"'{Printable.Text(words[^1])}' has no value behind it; give each path its value", ExitCode.WrongUse);
            _ = StoreChoice.Checked([.. words.Where((_, i) => i % 2 == 0)]);
            if (words.Length == 2) await client.WriteAsync(words[0], words[1]);
            else await client.TransactAsync(async all =>
            {
                for (int i = 0; i < words.Length; i += 2) await all.WriteAsync(words[i], words[i + 1]);
            }, stop);
            return ExitCode.Done;
        });
    }

    private static ExampleCommand List(CommandContext context)
    {
        StoreChoice choice = new();
        Argument<string> path = StoreChoice.Path("Whose children to list.");
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("list", "Prints the names of a node's children, one a line.", "tombolo store list /local/domain") { path, json };
        return choice.On(command, context, async (parsed, client, _) =>
        {
            string at = StoreChoice.Checked(parsed.GetRequiredValue(path));
            IReadOnlyList<string> names = await client.ListAsync(at) ?? throw StoreChoice.Missing(at);
            if (parsed.GetValue(json)) context.Screen.Json(new StoreEntry(at, null, null, [.. names]), CliJson.Default.StoreEntry);
            else foreach (string name in names) context.Screen.Line(Printable.Text(name));
            return ExitCode.Done;
        });
    }

    private static ExampleCommand Remove(CommandContext context)
    {
        StoreChoice choice = new();
        Argument<string[]> paths = StoreChoice.Paths("What to remove, with all below it.");
        ExampleCommand command = new("rm", "Removes nodes with all below them, all at once. One that is not there is a failure, and then nothing is removed.", "tombolo store rm /offer") { paths };
        return choice.On(command, context, async (parsed, client, stop) =>
        {
            string[] gone = StoreChoice.Checked(parsed.GetRequiredValue(paths));
            await client.TransactAsync(async all =>
            {
                foreach (string path in gone)
                {
                    if (await all.GetPermissionsAsync(path) is null) throw StoreChoice.Missing(path);
                    _ = await all.RemoveAsync(path);
                }
            }, stop);
            return ExitCode.Done;
        });
    }

    private static ExampleCommand Exists(CommandContext context)
    {
        StoreChoice choice = new();
        Argument<string> path = StoreChoice.Path("The node.");
        ExampleCommand command = new("exists", "Ends with 0 where a node exists, and with 1 where it does not.", "tombolo store exists /offer && echo there") { path };
        return choice.On(command, context, async (parsed, client, _) => await client.ReadBytesAsync(StoreChoice.Checked(parsed.GetRequiredValue(path))) is null ? ExitCode.Failed : ExitCode.Done);
    }

    private static ExampleCommand Chmod(CommandContext context)
    {
        StoreChoice choice = new();
        Argument<string> path = StoreChoice.Path("The node.");
        Argument<string[]> words = new("permission") { Description = "A letter (r read, w write, b both, n none) and a domain; the first names the owner, and what everybody else may.", Arity = ArgumentArity.OneOrMore };
        Option<bool> recursive = new("-r", "--recursive") { Description = "All nodes below it too." };
        ExampleCommand command = new("chmod", "Sets permissions.", "tombolo store chmod /offer n0 r5 b6", "tombolo store chmod -r /shared b0") { path, words, recursive };
        return choice.On(command, context, async (parsed, client, stop) =>
        {
            StorePermissions permissions;
            try { permissions = StorePermissions.Parse(string.Join(' ', parsed.GetRequiredValue(words))); }
            catch (FormatException exception) { throw new CommandException(Printable.Text(exception.Message), ExitCode.WrongUse); }
            string at = StoreChoice.Checked(parsed.GetRequiredValue(path));
            await client.TransactAsync(async all =>
            {
                if (await all.GetPermissionsAsync(at) is null) throw StoreChoice.Missing(at);
                await ChangeAsync(all, at, permissions, parsed.GetValue(recursive));
            }, stop);
            return ExitCode.Done;
        });
    }

    private static async Task ChangeAsync(StoreReader all, string path, StorePermissions permissions, bool recursive)
    {
        await all.SetPermissionsAsync(path, permissions);
        if (!recursive) return;
        foreach (string name in await all.ListAsync(path) ?? []) await ChangeAsync(all, path == "/" ? $"/{name}" : $"{path}/{name}", permissions, recursive);
    }
}
