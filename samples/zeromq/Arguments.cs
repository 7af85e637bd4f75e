// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Samples.ZeroMq;

/// <summary>A program was called wrongly; the message says how it is called.</summary>
public sealed class UsageException(string message) : Exception(message);

/// <summary>What a program was given.</summary>
/// <param name="program">Its name.</param>
/// <param name="usage">What it wants, a word each.</param>
/// <param name="given">What it got.</param>
internal sealed class Arguments(string program, string[] usage, string[] given)
{
    private readonly string[] _given = given.Length == usage.Length ? given : throw new UsageException($"usage: {program} {string.Join(' ', usage.Select(word => $"<{word}>"))}");

    public string Text(int at) => _given[at];

    public int Number(int at, int least) => int.TryParse(_given[at], NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least ? value
        : throw new UsageException($"{program}: <{usage[at]}> is '{_given[at]}'; it must be a number from {least} to {int.MaxValue}");
}
