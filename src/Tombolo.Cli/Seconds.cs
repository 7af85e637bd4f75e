// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;

namespace Tombolo.Cli;

/// <summary>Times that a user gives in seconds.</summary>
internal static class Seconds
{
    private const double Most = 1_000_000;

    /// <summary>An option's value as a time.</summary>
    /// <returns>Null where it was not given.</returns>
    /// <exception cref="CommandException">It is negative, no number, or more than eleven days.</exception>
    public static TimeSpan? Of(Option<double?> option, ParseResult parsed) => parsed.GetValue(option) is { } value ? Checked(value, LongName(option)) : null;

    /// <summary>As above, for an option that always has a value.</summary>
    public static TimeSpan Of(Option<double> option, ParseResult parsed) => Checked(parsed.GetValue(option), LongName(option));

    private static string LongName(Option option) => option.Aliases.Append(option.Name).MaxBy(name => name.Length)!;

    private static TimeSpan Checked(double value, string name) =>
        value is >= 0 and <= Most ? TimeSpan.FromSeconds(value) : throw new CommandException($"{name} is {value}; it must be 0 to {Most} seconds", ExitCode.WrongUse);
}
