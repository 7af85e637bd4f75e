// SPDX-License-Identifier: MIT
using System.Text;
using Spectre.Console;

namespace Tombolo.Cli.Output;

/// <summary>Rows under headings: aligned columns in a pipe, a drawn table on a terminal. Cells are plain text; whoever fills them makes other parties' text <see cref="Printable"/>.</summary>
internal sealed class TextTable(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    /// <summary>How many rows there are.</summary>
    public int Count => _rows.Count;

    /// <summary>Adds a row; as many cells as there are headings.</summary>
    public TextTable Row(params string[] cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Length, headings.Length, nameof(cells));
        _rows.Add(cells);
        return this;
    }

    /// <summary>Columns two spaces apart, headings in capitals, no trailing space: what cut, awk and a test can read.</summary>
    public string ToPlainText()
    {
        int[] widths = [.. headings.Select((heading, column) => Math.Max(heading.Length, _rows.Select(row => row[column].Length).DefaultIfEmpty().Max()))];
        StringBuilder text = new();
        foreach (string[] row in _rows.Prepend([.. headings.Select(heading => heading.ToUpperInvariant())]))
            text.Append(string.Concat(row.Select((cell, column) => cell.PadRight(widths[column] + 2))).TrimEnd()).Append('\n');
        return text.ToString();
    }

    /// <summary>The same for a terminal.</summary>
    public Table ToDrawn(bool unicode)
    {
        Table table = new() { Border = unicode ? TableBorder.Rounded : TableBorder.Ascii };
        foreach (string heading in headings) table.AddColumn(new TableColumn(new Text(heading, new Style(decoration: Decoration.Bold))).NoWrap());
        foreach (string[] row in _rows) table.AddRow(row.Select(cell => new Text(cell, StyleOf(cell))));
        return table;
    }

    private static Style StyleOf(string cell) => Tones.Of(cell) switch
    {
        Tone.Good => new Style(Color.Green),
        Tone.Bad => new Style(Color.Red),
        Tone.Doubtful => new Style(Color.Yellow),
        _ => Style.Plain,
    };
}
