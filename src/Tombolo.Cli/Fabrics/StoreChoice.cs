// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Store;

namespace Tombolo.Cli.Fabrics;

/// <summary>A node in JSON.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Value">Its value; null where it was not asked for, is not there or may not be read.</param>
/// <param name="Permissions">Its permissions.</param>
/// <param name="Children">The names of its children.</param>
internal sealed record StoreEntry(string Path, string? Value, string? Permissions, string[]? Children);

/// <summary>The options that say which store is meant.</summary>
internal sealed class StoreChoice
{
    private readonly Option<string?> _socket = new("--socket") { Description = "The store's socket, or a device. By default what XENSTORED_PATH or XENSTORED_RUNDIR say, the store of the fabric, or in a Xen domain /dev/xen/xenbus.", HelpName = "path" };
    private readonly FabricChoice _fabric = new();

    /// <summary>One path, an argument.</summary>
    public static Argument<string> Path(string description, string? otherwise = null)
    {
        Argument<string> path = new("path") { Description = description };
        if (otherwise is not null) path.DefaultValueFactory = _ => otherwise;
        return path;
    }

    /// <summary>Several paths, an argument.</summary>
    public static Argument<string[]> Paths(string description) => new("path") { Description = description, Arity = ArgumentArity.OneOrMore };

    /// <summary>A path that is none is the user's mistake.</summary>
    public static string Checked(string path) => StorePath.IsValid(path) ? path
        : throw new CommandException($"'{Printable.Text(path)}' is no path: letters, digits and -_@ between slashes, no slash at the end", ExitCode.WrongUse);

    /// <summary>As above, of several.</summary>
    public static string[] Checked(string[] paths)
    {
        foreach (string path in paths) _ = Checked(path);
        return paths;
    }

    /// <summary>What is said of a node that is not there.</summary>
    public static CommandException Missing(string path) => new($"There is no node '{Printable.Text(path)}'");

    /// <summary>Adds the options to a command, and has it act on the chosen store.</summary>
    public ExampleCommand On(ExampleCommand command, CommandContext context, Func<ParseResult, StoreClient, CancellationToken, Task<int>> act)
    {
        command.Add(_socket);
        command.Add(_fabric.Option);
        command.SetAction(async (parsed, stop) =>
        {
            await using StoreClient client = await StoreClient.ConnectAsync(SocketOf(parsed.GetValue(_socket), parsed, _fabric, context.Environment), stop);
            await client.WantDetailsAsync();
            return await act(parsed, client, stop);
        });
        return command;
    }

    /// <summary>The store's socket: what was given, what the environment says, or the fabric's.</summary>
    public static string SocketOf(string? given, ParseResult parsed, FabricChoice fabric, Func<string, string?> environment)
    {
        if (given is { } socket) return socket;
        if (parsed.GetValue(fabric.Option) is null)
        {
            if (environment("XENSTORED_PATH") is { Length: > 0 } path) return path;
            if (environment("XENSTORED_RUNDIR") is { Length: > 0 } folder) return System.IO.Path.Combine(folder, "socket");
        }
        FabricPaths paths;
        try { paths = fabric.PathsOf(parsed); }
        catch (CommandException) when (parsed.GetValue(fabric.Option) is null && System.IO.Path.Exists(StoreClientOptions.DefaultSocketPath)) { return StoreClientOptions.DefaultSocketPath; }
        FabricDeclaration declaration = FabricState.RecordedDeclaration(paths) ?? throw new CommandException($"What fabric {paths.Name} declares cannot be read in {paths.Folder}");
        return declaration.Store is { } store ? paths.SocketOf(store) : throw new CommandException($"Fabric {paths.Name} declares no store; give --socket for another one");
    }
}
