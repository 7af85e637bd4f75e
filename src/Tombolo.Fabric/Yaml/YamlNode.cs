// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric.Yaml;

/// <summary>A position in the text, both from 1.</summary>
internal readonly record struct Place(int Line, int Column);

/// <summary>A node of the tree that a YAML text describes.</summary>
/// <param name="Place">Where it begins.</param>
/// <param name="Weight">How many nodes it would be if every alias were written out.</param>
internal abstract record YamlNode(Place Place, long Weight)
{
    /// <summary>What it is, for a sentence.</summary>
    public abstract string Kind { get; }
}

/// <summary>A single value.</summary>
/// <param name="Place">Where it begins.</param>
/// <param name="Text">The value.</param>
/// <param name="IsPlain">True where it stands without quotes: then it may be a number, true, false or nothing.</param>
internal sealed record YamlScalar(Place Place, string Text, bool IsPlain) : YamlNode(Place, 1)
{
    private const int MostShown = 60;

    public override string Kind => IsNull ? "empty" : Text.Length <= MostShown ? $"'{Text}'" : $"'{Text[..MostShown]}…'";

    /// <summary>Nothing. Source: YAML 1.2, 10.3.2 (core schema).</summary>
    public bool IsNull => IsPlain && Text is "" or "~" or "null" or "Null" or "NULL";
}

/// <summary>A list.</summary>
internal sealed record YamlList(Place Place, IReadOnlyList<YamlNode> Items) : YamlNode(Place, 1 + Items.Sum(item => item.Weight))
{
    public override string Kind => "a list";
}

/// <summary>Keys with values, in the order of the file.</summary>
internal sealed record YamlMap(Place Place, IReadOnlyList<(YamlScalar Key, YamlNode Value)> Entries) : YamlNode(Place, 1 + Entries.Sum(entry => 1 + entry.Value.Weight))
{
    public override string Kind => "a map";
}
