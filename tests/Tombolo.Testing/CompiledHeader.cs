// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace Tombolo.Testing;

/// <summary>What a C compiler makes of a header that is an ABI.</summary>
public static class CompiledHeader
{
    /// <summary>Compiles a program of this repository that prints a name and numbers a line, runs it, and reads the first number of each.</summary>
    /// <param name="relative">The program's source.</param>
    public static IReadOnlyDictionary<string, long> Read(string relative)
    {
        using var folder = new TemporaryFolder();
        _ = Run("gcc", "-o", folder["probe"], RepositoryFile.PathOf(relative));
        return Run(folder["probe"]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split(' ')).ToDictionary(static words => words[0], static words => long.Parse(words[1], CultureInfo.InvariantCulture));
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(Watchdog.Limit) || process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed; its words are above.");
        return output;
    }
}
