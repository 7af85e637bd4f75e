// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Fabrics;

/// <summary>The option that says which fabric is meant, among those that run or left something behind.</summary>
internal sealed class FabricChoice
{
    /// <summary>The option.</summary>
    public Option<string?> Option { get; } = CommonOptions.Fabric();

    /// <summary>The chosen fabric's files.</summary>
    /// <exception cref="CommandException">There is none, none of that name, or several to choose from.</exception>
    public FabricPaths PathsOf(ParseResult parsed) => Choose(parsed.GetValue(Option), FabricState.List(FabricPaths.DefaultRoot), FabricPaths.DefaultRoot);

    /// <summary>The rule.</summary>
    internal static FabricPaths Choose(string? name, IReadOnlyList<FabricPresence> there, string root)
    {
        string names = string.Join(", ", there.Select(one => one.Name));
        if (there.Count == 0) throw new CommandException($"No fabric runs here (looked in {root}); 'tombolo up' starts one");
        if (name is null) return there.Count == 1 ? new(root, there[0].Name) : throw new CommandException($"Which fabric? Give --fabric with one of: {names}", ExitCode.WrongUse);
        return there.Any(one => one.Name == name) ? new(root, name) : throw new CommandException($"No fabric '{Printable.Text(name)}' runs here; there is {names}");
    }
}
