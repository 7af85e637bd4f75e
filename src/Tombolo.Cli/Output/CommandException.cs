// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Cli.Output;

/// <summary>A command cannot do what it was asked for; the message is the one sentence that the user reads.</summary>
internal sealed class CommandException(string message, int exitCode = ExitCode.Failed) : TomboloException(message)
{
    /// <summary>What the program ends with.</summary>
    public int ExitCode { get; } = exitCode;
}

/// <summary>What the program ends with.</summary>
internal static class ExitCode
{
    public const int Done = 0, Failed = 1, WrongUse = 2;
}
