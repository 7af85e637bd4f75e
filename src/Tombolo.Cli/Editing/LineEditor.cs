// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Editing;

/// <summary>Reads lines from a terminal with the usual keys, history and completion, while others may print above the line at any time.</summary>
/// <remarks>
/// The line stays on one row of the screen: one that is longer than the row is shown in part, around the cursor.
/// <see cref="PrintAbove"/> may be called from any thread; <see cref="ReadLine"/> from one.
/// </remarks>
/// <param name="keys">Where keys come from.</param>
/// <param name="screen">The terminal's output.</param>
/// <param name="history">What the up and down arrows show.</param>
/// <param name="complete">Given the text before the cursor: the words that may stand in the place of its last word.</param>
/// <param name="width">How many columns the terminal has now.</param>
internal sealed class LineEditor(IKeySource keys, TextWriter screen, History history, Func<string, IReadOnlyList<string>> complete, Func<int> width)
{
    private const string ClearRow = "\r\x1b[K";   // ECMA-48: carriage return, erase to the end of the line

    private readonly Lock _gate = new();   // guards _line, _prompt, _reading and what is on the screen
    private readonly LineBuffer _line = new();
    private string _prompt = "";
    private bool _reading;

    /// <summary>Reads a line.</summary>
    /// <param name="prompt">Shown in front of it.</param>
    /// <returns>The line, or null at the end: Ctrl-D or Ctrl-C on an empty line, or no more keys.</returns>
    public string? ReadLine(string prompt)
    {
        lock (_gate)
        {
            _prompt = prompt;
            _line.Set("");
            _reading = true;
            Draw();
        }
        while (keys.Next() is { } key)
        {
            lock (_gate)
            {
                if (Take(key) is { } end) return end == Ending.Stop ? null : _line.ToString();
            }
        }
        lock (_gate) Finish();
        return null;
    }

    /// <summary>Prints a line of text above the one that is being written, which is left as it was.</summary>
    public void PrintAbove(string text)
    {
        lock (_gate)
        {
            screen.Write(_reading ? $"{ClearRow}{text}\n" : $"{text}\n");
            if (_reading) Draw();
            screen.Flush();
        }
    }

    private enum Ending { Line, Stop }

    private Ending? Take(ConsoleKeyInfo key)
    {
        if (key.Key == ConsoleKey.Enter || key.KeyChar is '\n' or '\r')
        {
            Finish();
            history.Add(_line.ToString());
            return Ending.Line;
        }
        if (IsControl(key, 'C') && _line.Length > 0)
        {
            screen.Write("^C\n");
            _line.Set("");
        }
        else if (IsControl(key, 'C') || (IsControl(key, 'D') && _line.Length == 0))
        {
            Finish();
            return Ending.Stop;
        }
        else if (key.Key == ConsoleKey.Tab || key.KeyChar == '\t') Complete();
        else if (IsControl(key, 'L')) screen.Write("\x1b[H\x1b[2J");   // ECMA-48: home, erase everything
        else Edit(key);
        Draw();
        return null;
    }

    private void Edit(ConsoleKeyInfo key)
    {
        if (key.Key == ConsoleKey.LeftArrow || IsControl(key, 'B')) _line.Left();
        else if (key.Key == ConsoleKey.RightArrow || IsControl(key, 'F')) _line.Right();
        else if (key.Key == ConsoleKey.Home || IsControl(key, 'A')) _line.Home();
        else if (key.Key == ConsoleKey.End || IsControl(key, 'E')) _line.End();
        else if (key.Key == ConsoleKey.UpArrow || IsControl(key, 'P')) Show(history.Older(_line.ToString()));
        else if (key.Key == ConsoleKey.DownArrow || IsControl(key, 'N')) Show(history.Newer());
        else if (key.Key == ConsoleKey.Backspace || key.KeyChar is '\b' or '\x7f') _line.Backspace();
        else if (key.Key == ConsoleKey.Delete || IsControl(key, 'D')) _line.Delete();
        else if (IsControl(key, 'K')) _line.KillToEnd();
        else if (IsControl(key, 'U')) _line.KillToStart();
        else if (IsControl(key, 'W')) _line.KillWord();
        else if (!char.IsControl(key.KeyChar)) _line.Insert(key.KeyChar.ToString());
    }

    private void Show(string? line)
    {
        if (line is not null) _line.Set(line);
    }

    private void Complete()
    {
        string before = _line.ToString()[.._line.Cursor];
        string word = before[(before.LastIndexOf(' ') + 1)..];
        string[] fitting = [.. complete(before).Where(choice => choice.StartsWith(word, StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];
        if (fitting.Length == 0) return;
        string common = fitting.Aggregate((left, right) => left[..left.AsSpan().CommonPrefixLength(right)]);
        _line.Insert(common[word.Length..] + (fitting.Length == 1 ? " " : ""));
        if (fitting.Length > 1 && common.Length == word.Length) screen.Write($"{ClearRow}{string.Join("  ", fitting.Select(Printable.Text))}\n");
    }

    private void Finish()
    {
        _reading = false;
        screen.Write('\n');
        screen.Flush();
    }

    private void Draw()
    {
        // The last column stays free: a terminal wraps when it is written. At least one character is always shown.
        int room = Math.Max(1, width() - _prompt.Length - 1);
        string text = _line.ToString();
        int start = Math.Max(0, _line.Cursor - room);
        string shown = text[start..Math.Min(text.Length, start + room)];
        int column = _prompt.Length + _line.Cursor - start;   // a surrogate pair is two characters and, as an emoji, two columns; all else is one of each
        screen.Write(string.Create(CultureInfo.InvariantCulture, $"{ClearRow}{_prompt}{shown}\r"));
        if (column > 0) screen.Write(string.Create(CultureInfo.InvariantCulture, $"\x1b[{column}C"));
        screen.Flush();
    }

    private static bool IsControl(ConsoleKeyInfo key, char letter) =>
        key.KeyChar == (char)(letter - '@') || (key.Modifiers == ConsoleModifiers.Control && key.Key == (ConsoleKey)letter);
}
