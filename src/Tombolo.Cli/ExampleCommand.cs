// SPDX-License-Identifier: MIT
using System.CommandLine;

namespace Tombolo.Cli;

/// <summary>A command that carries examples, which stand at the end of its help.</summary>
internal sealed class ExampleCommand(string name, string description, params string[] examples) : Command(name, description)
{
    /// <summary>Command lines that work as they stand.</summary>
    public IReadOnlyList<string> Examples { get; } = examples;
}
