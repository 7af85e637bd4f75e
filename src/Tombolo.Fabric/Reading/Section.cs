// SPDX-License-Identifier: MIT
using Tombolo.Fabric.Yaml;

namespace Tombolo.Fabric.Reading;

/// <summary>One key of a section: its name and what its value changes.</summary>
internal sealed record Key<T>(string Name, Func<T, YamlNode, ValueReader, T> Take);

/// <summary>The keys that a section knows, and the way to read it.</summary>
internal sealed record Section<T>(IReadOnlyList<Key<T>> Keys)
{
    /// <summary>Reads the section's values into a draft. Everything that is wrong goes to the faults; the rest is read all the same.</summary>
    /// <returns>The draft, and the values by key, for checks that need more than one of them.</returns>
    public (T Draft, IReadOnlyDictionary<string, YamlNode> Found) Read(YamlNode node, T draft, string subject, ReadingContext context)
    {
        Dictionary<string, YamlNode> found = new(StringComparer.Ordinal);
        if (node is YamlScalar { IsNull: true }) return (draft, found);   // a name alone: all defaults
        if (node is not YamlMap map)
        {
            context.Faults.Add(node.Place, $"{Sentences.Upper(subject)} is {node.Kind}; it must be keys with values, such as '{{ {Keys[0].Name}: … }}'.");
            return (draft, found);
        }
        foreach ((YamlScalar word, YamlNode value) in map.Entries)
        {
            if (Keys.FirstOrDefault(key => key.Name == word.Text) is not { } key)
            {
                context.Faults.Add(word.Place, Unknown(word.Text, subject));
                continue;
            }
            found[key.Name] = value;
            draft = key.Take(draft, value, new(key.Name, subject, context));
        }
        return (draft, found);
    }

    private string Unknown(string word, string subject)
    {
        string known = string.Join(", ", Keys.Select(key => key.Name));
        return Nearest.To(word, Keys.Select(key => key.Name)) is { } near
            ? $"'{word}' is no key of {subject}; did you mean '{near}'?"
            : $"'{word}' is no key of {subject}; the keys are {known}.";
    }
}

/// <summary>What every value of one file is read with.</summary>
internal sealed record ReadingContext(FaultList Faults, string Folder);

internal static class Sentences
{
    public static string Upper(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>A suggestion, where one of the known words is near.</summary>
    public static string DidYouMean(string word, IReadOnlyCollection<string> known, string none) =>
        Nearest.To(word, known) is { } near ? $"did you mean '{near}'?" : known.Count == 0 ? none : $"there {(known.Count == 1 ? "is" : "are")} {string.Join(", ", known)}.";
}
