// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;

namespace Tombolo.Fabric.Yaml;

/// <summary>Collects what is wrong with one file.</summary>
/// <param name="file">The file's name, for the faults.</param>
internal sealed class FaultList(string file)
{
    private const int MostCharacters = 500;
    private const int Most = 1000;   // nobody reads more; a hostile file must not make us hold more
    private readonly List<Fault> _faults = [];

    /// <summary>All faults in the order of the file.</summary>
    public IReadOnlyList<Fault> Sorted => [.. _faults.Distinct().Order()];

    public bool Any => _faults.Count > 0;

    /// <summary>How many there are so far, as many as are kept at the most.</summary>
    public int Count => _faults.Count;

    public void Add(Place place, string sentence)
    {
        if (_faults.Count < Most) _faults.Add(new(file, place.Line, place.Column, Printable(sentence)));
    }

    // A sentence repeats what the file says; nothing of it may move a terminal's cursor or fill its screen.
    private static string Printable(string sentence)
    {
        var text = new StringBuilder();
        foreach (char c in sentence.Length <= MostCharacters ? sentence : sentence[..MostCharacters] + "…")
            _ = char.IsControl(c) || c is '\u2028' or '\u2029' ? text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : text.Append(c);
        return text.ToString();
    }
}
