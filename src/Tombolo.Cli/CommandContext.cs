// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;

namespace Tombolo.Cli;

/// <summary>What every command is given.</summary>
/// <param name="Screen">Where it writes.</param>
/// <param name="Environment">Looks up an environment variable.</param>
internal sealed record CommandContext(Screen Screen, Func<string, string?> Environment)
{
    /// <summary>What time it is.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
