// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Tombolo.Fabric.Yaml;

namespace Tombolo.Fabric.Reading;

/// <summary>Reads values of one key. Each method returns null after adding a fault that names the key, its owner, the value and the limit.</summary>
internal sealed partial class ValueReader(string key, string subject, ReadingContext context)
{
    public string? Text(YamlNode node) => Text(node, "a word or a text");

    public bool? Flag(YamlNode node) => Plain(node) switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => Wrong<bool>(node, "true or false"),
    };

    public int? Number(YamlNode node, int least, int most) =>
        int.TryParse(Plain(node), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
            ? value : Wrong<int>(node, $"a number from {least} to {most}");

    /// <summary>A size in bytes: 512, 4K, 256M, 1G; a suffix counts in powers of 1024.</summary>
    public long? Size(YamlNode node, long least, long most, long multiple)
    {
        string limits = $"a size from {Shown(least)} to {Shown(most)}, a multiple of {Shown(multiple)}";
        Match match = SizePattern().Match(Plain(node) ?? "");
        if (!match.Success) return Wrong<long>(node, $"{limits} (such as {Shown(Math.Max(least, multiple))})");
        int shift = match.Groups[2].Value switch { "K" => 10, "M" => 20, "G" => 30, _ => 0 };
        decimal bytes = decimal.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * (1L << shift);
        if (bytes >= least && bytes <= most && bytes % multiple == 0) return (long)bytes;
        return Wrong<long>(node, shift == 0 && bytes < least && least >= 1 << 20 ? $"{limits}; {match.Groups[1].Value} alone is bytes, {match.Groups[1].Value}M is megabytes" : limits);
    }

    /// <summary>Bits per second: 500kbit, 10Mbit, 1Gbit; a suffix counts in powers of 1000.</summary>
    public long? Rate(YamlNode node) => Quantities.TryRate(Plain(node) ?? "", out long bits) ? bits : Wrong<long>(node, Quantities.RateRule);

    /// <summary>A share, written in percent: 0.5%.</summary>
    public double? Share(YamlNode node) => Quantities.TryShare(Plain(node) ?? "", out double share) ? share : Wrong<double>(node, Quantities.ShareRule);

    /// <summary>How many times as fast: 0, 0.5, 10.</summary>
    public double? Factor(YamlNode node) => Quantities.TryFactor(Plain(node) ?? "", out double factor) ? factor : Wrong<double>(node, Quantities.FactorRule);

    /// <summary>A duration: 50us, 500ms, 5s, 2m, 1h.</summary>
    public TimeSpan? Duration(YamlNode node, TimeSpan most, TimeSpan least = default)
    {
        TimeSpan? value = Quantities.TryTime(Plain(node) ?? "", out TimeSpan time) ? time : null;
        return value is { } good && good <= most && good >= least ? good
            : Wrong<TimeSpan>(node, $"a duration such as 500ms, 5s or 2m, {(least > TimeSpan.Zero ? $"from {Shown(least)} to" : "at most")} {Shown(most)}");
    }

    public T? Choice<T>(YamlNode node, IReadOnlyDictionary<string, T> words) where T : struct
    {
        if (node is YamlScalar { IsNull: false } scalar)
        {
            if (words.TryGetValue(scalar.Text, out T value)) return value;
            context.Faults.Add(node.Place, $"'{key}' of {subject} is {node.Kind}; {(Nearest.To(scalar.Text, words.Keys) is { } near ? $"did you mean '{near}'?" : $"it must be {Or(words.Keys)}.")}");
            return null;
        }
        return Wrong<T>(node, Or(words.Keys));
    }

    /// <summary>A single text or a list of them.</summary>
    public IReadOnlyList<string>? Texts(YamlNode node)
    {
        if (node is YamlScalar) return Text(node, "a text or a list of texts") is { } one ? [one] : null;
        return TextList(node, "a text or a list of texts");
    }

    /// <summary>A list of texts; a single one is not taken for a list.</summary>
    public IReadOnlyList<string>? TextList(YamlNode node, string expected)
    {
        if (node is not YamlList list) return WrongObject<IReadOnlyList<string>>(node, expected);
        List<string> texts = [];
        foreach (YamlNode item in list.Items)
        {
            if (Text(item, "a text") is not { } text) return null;
            texts.Add(text);
        }
        return texts;
    }

    /// <summary>A script: a block of text, or a list of lines.</summary>
    public IReadOnlyList<string>? Lines(YamlNode node)
    {
        if (node is YamlScalar { IsNull: false } scalar && !HasControl(scalar.Text, allowLines: true)) return scalar.Text.TrimEnd('\n').Split('\n');
        return node is YamlScalar ? WrongObject<IReadOnlyList<string>>(node, "the lines of a script, without control characters") : TextList(node, "the lines of a script, as one text or a list");
    }

    /// <summary>A path; a relative one begins in the folder of the file.</summary>
    public string? FilePath(YamlNode node)
    {
        if (Text(node, "a path") is not { Length: > 0 } text) return node is YamlScalar { IsNull: false, Text: "" } ? WrongObject<string>(node, "a path") : null;
        if (text.StartsWith("~/", StringComparison.Ordinal)) text = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), text[2..]);
        return Path.GetFullPath(text, context.Folder);
    }

    /// <summary>Permission bits in octal: 0660.</summary>
    public UnixFileMode? Mode(YamlNode node) =>
        Plain(node) is { } text && ModePattern().IsMatch(text) ? (UnixFileMode)Convert.ToInt32(text, 8) : Wrong<UnixFileMode>(node, "permission bits in octal, 0600 to 0777");

    public T? Wrong<T>(YamlNode node, string expected) where T : struct
    {
        context.Faults.Add(node.Place, $"'{key}' of {subject} is {node.Kind}; it must be {expected}.");
        return null;
    }

    public T? WrongObject<T>(YamlNode node, string expected) where T : class
    {
        context.Faults.Add(node.Place, $"'{key}' of {subject} is {node.Kind}; it must be {expected}.");
        return null;
    }

    public void Say(Place place, string sentence) => context.Faults.Add(place, sentence);

    public ReadingContext Context => context;

    public string Subject => subject;

    /// <summary>Writes a size with the largest suffix that leaves a whole number.</summary>
    public static string Shown(long bytes) =>
        bytes >= 1 << 30 && bytes % (1 << 30) == 0 ? $"{bytes >> 30}G" : bytes >= 1 << 20 && bytes % (1 << 20) == 0 ? $"{bytes >> 20}M" : bytes >= 1 << 10 && bytes % (1 << 10) == 0 ? $"{bytes >> 10}K" : $"{bytes}";

    private static string Shown(TimeSpan duration) =>
        duration >= TimeSpan.FromHours(1) ? $"{duration.TotalHours:0}h" : duration >= TimeSpan.FromMinutes(1) ? $"{duration.TotalMinutes:0}m" : duration >= TimeSpan.FromSeconds(1) ? $"{duration.TotalSeconds:0}s" : $"{duration.TotalMilliseconds:0}ms";

    private string? Text(YamlNode node, string expected) =>
        node is YamlScalar { IsNull: false } scalar && !HasControl(scalar.Text, allowLines: false) ? scalar.Text
            : WrongObject<string>(node, node is YamlScalar { IsNull: false } ? $"{expected} without control characters" : expected);

    private static string? Plain(YamlNode node) => node is YamlScalar { IsPlain: true } scalar ? scalar.Text : null;

    private static bool HasControl(string text, bool allowLines) => text.Any(c => char.IsControl(c) && !(allowLines && c is '\n' or '\t'));

    private static string Or(IEnumerable<string> words)
    {
        string[] all = [.. words];
        return all.Length == 1 ? all[0] : $"{string.Join(", ", all[..^1])} or {all[^1]}";
    }

    [GeneratedRegex("^([0-9]{1,15})(?:([KMG])(?:iB)?)?$")] private static partial Regex SizePattern();
    [GeneratedRegex("^0?[0-7]{3}$")] private static partial Regex ModePattern();
}
