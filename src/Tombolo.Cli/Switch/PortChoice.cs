// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Switch;

/// <summary>The argument and options that say which port of which switch is meant.</summary>
internal sealed class PortChoice
{
    private readonly FabricChoice _fabric = new();

    public PortChoice() => Port.CompletionSources.Add(_ => OfAll());

    /// <summary>The port, as SWITCH/PORT or PORT.</summary>
    public Argument<string> Port { get; } = new("port") { Description = "Which port: SWITCH/PORT, or PORT alone where one switch of the fabric has such a port." };

    /// <summary>The option that says which fabric.</summary>
    public Option Option => _fabric.Option;

    /// <summary>The fabric that is meant.</summary>
    public FabricPaths PathsOf(ParseResult parsed) => _fabric.PathsOf(parsed);

    /// <summary>An existing port, among those that the switches have now.</summary>
    /// <exception cref="CommandException">There is none to choose, or several.</exception>
    public async Task<(FabricPaths Paths, string Switch, SwitchPortStatus Port)> ExistingAsync(ParseResult parsed, CancellationToken stop)
    {
        FabricPaths paths = PathsOf(parsed);
        (SwitchStatus owner, SwitchPortStatus port) = Choose(parsed.GetRequiredValue(Port), await SwitchesAsync(paths, stop), paths.Name);
        return (paths, owner.Name, port);
    }

    /// <summary>A port that is to be made: the switch, and the name.</summary>
    /// <exception cref="CommandException">There is no such switch, or several to choose from.</exception>
    public async Task<(FabricPaths Paths, SwitchStatus Switch, string Port)> NewAsync(ParseResult parsed, CancellationToken stop)
    {
        FabricPaths paths = PathsOf(parsed);
        string[] words = parsed.GetRequiredValue(Port).Split('/', 2);
        return (paths, ChooseSwitch(words.Length == 2 ? words[0] : null, await SwitchesAsync(paths, stop), paths.Name), words[^1]);
    }

    /// <summary>The fabric's switches as they are now.</summary>
    public static async Task<IReadOnlyList<SwitchStatus>> SwitchesAsync(FabricPaths paths, CancellationToken stop) =>
        (await FabricView.SnapshotAsync(paths, stop) ?? throw new CommandException($"Fabric {paths.Name} has gone down")).Switches;

    /// <summary>The rule among switches.</summary>
    internal static SwitchStatus ChooseSwitch(string? name, IReadOnlyList<SwitchStatus> all, string fabric)
    {
        string names = string.Join(", ", all.Select(one => one.Name));
        if (all.Count == 0) throw new CommandException($"Fabric {fabric} has no switch");
        if (name is null) return all.Count == 1 ? all[0] : throw new CommandException($"Which switch? Say SWITCH/PORT with one of: {names}", ExitCode.WrongUse);
        return all.FirstOrDefault(one => one.Name == name) ?? throw new CommandException($"Fabric {fabric} has no switch '{Printable.Text(name)}'; it has {names}");
    }

    /// <summary>The rule among ports.</summary>
    internal static (SwitchStatus Switch, SwitchPortStatus Port) Choose(string text, IReadOnlyList<SwitchStatus> all, string fabric)
    {
        string[] words = text.Split('/', 2);
        IReadOnlyList<SwitchStatus> among = words.Length == 2 ? [ChooseSwitch(words[0], all, fabric)] : all;
        (SwitchStatus Switch, SwitchPortStatus Port)[] found = [.. among.SelectMany(one => one.Ports.Where(port => port.Settings.Name == words[^1]).Select(port => (one, port)))];
        if (found.Length == 1) return found[0];
        if (found.Length > 1) throw new CommandException($"Which switch's port {words[^1]}? Say {string.Join(" or ", found.Select(one => $"{one.Switch.Name}/{words[^1]}"))}", ExitCode.WrongUse);
        string known = string.Join(", ", among.SelectMany(one => one.Ports.Select(port => all.Count == 1 ? port.Settings.Name : $"{one.Name}/{port.Settings.Name}")).DefaultIfEmpty("none"));
        throw new CommandException(all.Count == 0 ? $"Fabric {fabric} has no switch" : $"There is no port '{Printable.Text(text)}' in fabric {fabric}; it has {known}");
    }

    private static IEnumerable<string> OfAll() =>
        FabricState.List(FabricPaths.DefaultRoot).SelectMany(one => FabricState.RecordedDeclaration(new(FabricPaths.DefaultRoot, one.Name))?.Switches.SelectMany(owner => owner.Ports.Select(port => $"{owner.Name}/{port.Name}")) ?? []).Distinct();
}
