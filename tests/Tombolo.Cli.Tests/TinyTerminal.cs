// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Cli.Tests;

/// <summary>What a terminal shows after it got the editor's output: as much of ECMA-48 as the editor uses, and a failure on anything else.</summary>
internal sealed class TinyTerminal(int columns) : StringWriter
{
    /// <summary>The rows from the top, without trailing blanks.</summary>
    public (List<string> Rows, int Column) Show()
    {
        List<StringBuilder> rows = [new()];
        int column = 0;
        string text = ToString();
        for (int at = 0; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '\r': column = 0; break;
                case '\n': rows.Add(new()); column = 0; break;
                case '\x1b': at = Escape(text, at + 1, rows, ref column); break;
                default:
                    column.ShouldBeLessThan(columns - 1, "the last column must stay free, or the terminal wraps");
                    Put(rows[^1], column++, text[at]);
                    break;
            }
        }
        return ([.. rows.Select(row => row.ToString().TrimEnd())], column);
    }

    private static int Escape(string text, int at, List<StringBuilder> rows, ref int column)
    {
        text[at].ShouldBe('[');
        int end = text.IndexOfAny(['A', 'C', 'H', 'J', 'K'], at);
        string number = text[(at + 1)..end];
        switch (text[end])
        {
            case 'K': rows[^1].Length = Math.Min(rows[^1].Length, column); break;
            case 'C': column += int.Parse(number, System.Globalization.CultureInfo.InvariantCulture); break;
            case 'H': column = 0; break;
            case 'J': rows.Clear(); rows.Add(new()); break;
            default: throw new InvalidOperationException($"The editor moved the cursor by {text[end]}.");
        }
        return end;
    }

    private static void Put(StringBuilder row, int column, char c)
    {
        if (row.Length <= column) row.Append(' ', column - row.Length + 1);
        row[column] = c;
    }
}
