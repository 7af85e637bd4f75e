// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Cli.Editing;

/// <summary>A line being edited: its text and where the cursor stands in it. The cursor never stands inside a surrogate pair.</summary>
internal sealed class LineBuffer
{
    private readonly StringBuilder _text = new();

    /// <summary>Index of the character under the cursor; the length at the end.</summary>
    public int Cursor { get; private set; }

    /// <summary>How many characters there are.</summary>
    public int Length => _text.Length;

    public override string ToString() => _text.ToString();

    /// <summary>Replaces everything; the cursor goes to the end.</summary>
    public void Set(string text)
    {
        _text.Clear().Append(text);
        Cursor = _text.Length;
    }

    public void Insert(string text)
    {
        _text.Insert(Cursor, text);
        Cursor += text.Length;
    }

    public void Left() => Cursor = Before(Cursor);
    public void Right() => Cursor = After(Cursor);
    public void Home() => Cursor = 0;
    public void End() => Cursor = _text.Length;

    public void Backspace() => Remove(Before(Cursor), Cursor);
    public void Delete() => Remove(Cursor, After(Cursor));
    public void KillToEnd() => Remove(Cursor, _text.Length);
    public void KillToStart() => Remove(0, Cursor);
    public void KillWord() => Remove(WordStart(), Cursor);

    /// <summary>Where the word that ends at the cursor starts: spaces first, then what is no space.</summary>
    private int WordStart()
    {
        int at = Cursor;
        while (at > 0 && _text[at - 1] == ' ') at--;
        while (at > 0 && _text[at - 1] != ' ') at--;
        return at;
    }

    private void Remove(int from, int to)
    {
        _text.Remove(from, to - from);
        Cursor = from;
    }

    private int Before(int at) => at == 0 ? 0 : at >= 2 && char.IsLowSurrogate(_text[at - 1]) && char.IsHighSurrogate(_text[at - 2]) ? at - 2 : at - 1;
    private int After(int at) => at == _text.Length ? at : at + 1 < _text.Length && char.IsHighSurrogate(_text[at]) && char.IsLowSurrogate(_text[at + 1]) ? at + 2 : at + 1;
}
