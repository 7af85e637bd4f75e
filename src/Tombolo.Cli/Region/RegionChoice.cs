// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Regions;

namespace Tombolo.Cli.Region;

/// <summary>The argument and options that say which region is meant.</summary>
internal sealed class RegionChoice
{
    private readonly FabricChoice _fabric = new();
    private readonly Option<string?> _socket = new("--socket") { Description = "The clients' socket of a region server, instead of --fabric.", HelpName = "path" };

    /// <summary>The region, as WINDOW/REGION or REGION.</summary>
    public Argument<string> Region { get; } = new("region") { Description = "Which region: WINDOW/REGION, or REGION alone where the fabric has one window (or with --socket)." };

    /// <summary>All options.</summary>
    public IEnumerable<Option> All => [_socket, _fabric.Option];

    /// <summary>Opens the chosen region.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="readOnly">Look only.</param>
    /// <exception cref="CommandException">There is none to choose, or several.</exception>
    public RegionClient Open(ParseResult parsed, bool readOnly)
    {
        string[] words = parsed.GetRequiredValue(Region).Split('/', 2);
        string socket = parsed.GetValue(_socket) is { } path ? Path.GetFullPath(path) : SocketOf(_fabric.PathsOf(parsed), words.Length == 2 ? words[0] : null);
        return RegionClient.Open(words[^1], new() { Socket = socket, ReadOnly = readOnly, Unscoped = true });
    }

    /// <summary>Completes a command that looks at the chosen region, as text or as JSON.</summary>
    /// <param name="command">The command, with the region among its arguments.</param>
    /// <param name="look">What it does: the command line, the open region, whether JSON is wanted, and when to stop.</param>
    public ExampleCommand Looking(ExampleCommand command, Func<ParseResult, RegionClient, bool, CancellationToken, Task> look)
    {
        Option<bool> json = CommonOptions.Json();
        foreach (Option option in (Option[])[json, .. All]) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            using RegionClient client = Open(parsed, readOnly: true);
            await look(parsed, client, parsed.GetValue(json), stop);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>A number as people write offsets: decimal, or 0x and hexadecimal.</summary>
    public static uint Number(string text, string what)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return uint.TryParse(isHex ? text.AsSpan(2) : text, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out uint value) ? value
            : throw new CommandException($"{what} is '{Printable.Text(text)}'; it must be a number from 0 to {uint.MaxValue}, decimal or 0x and hexadecimal", ExitCode.WrongUse);
    }

    private static string SocketOf(FabricPaths paths, string? window)
    {
        FabricDeclaration declaration = FabricState.RecordedDeclaration(paths) ?? throw new CommandException($"What fabric {paths.Name} declares cannot be read in {paths.Folder}");
        string names = string.Join(", ", declaration.Regions.Select(one => one.Name));
        if (declaration.Regions.Count == 0) throw new CommandException($"Fabric {declaration.Name} has no regions");
        if (window is null) return declaration.Regions.Count == 1 ? paths.ClientSocketOf(declaration.Regions[0]) : throw new CommandException($"Which window of regions? Say WINDOW/REGION with one of: {names}", ExitCode.WrongUse);
        return declaration.Regions.FirstOrDefault(one => one.Name == window) is { } found ? paths.ClientSocketOf(found) : throw new CommandException($"Fabric {declaration.Name} has no regions '{Printable.Text(window)}'; it has {names}");
    }
}
