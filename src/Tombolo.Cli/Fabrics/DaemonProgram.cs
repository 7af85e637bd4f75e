// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Fabrics;

/// <summary>Finds the daemon's program.</summary>
internal static class DaemonProgram
{
    /// <summary>Names another program, for tests and for those who build their own.</summary>
    public const string Variable = "TOMBOLOD";

    private const string Name = "tombolod";

    /// <summary>Its path: as the environment says, beside this program, in the source tree's output, or in PATH.</summary>
    /// <param name="environment">Looks up an environment variable.</param>
    /// <param name="folder">Where this program is.</param>
    /// <exception cref="CommandException">It is nowhere; the message says where it was looked for.</exception>
    public static string Find(Func<string, string?> environment, string folder)
    {
        if (environment(Variable) is { Length: > 0 } named) return File.Exists(named) ? Path.GetFullPath(named) : throw new CommandException($"{Variable} names {named}, which does not exist");
        IEnumerable<string> places = (environment("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Prepend(folder.Replace("Tombolo.Cli", "Tombolo.Daemon", StringComparison.Ordinal))   // src/Tombolo.Cli/bin/Debug/net10.0
            .Prepend(folder);
        return places.Select(place => Path.Combine(place, Name)).FirstOrDefault(File.Exists)
            ?? throw new CommandException($"The program {Name} is neither in {folder} nor in PATH; install it beside tombolo, or name it in {Variable}");
    }
}
