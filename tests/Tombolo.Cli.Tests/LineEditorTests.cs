// SPDX-License-Identifier: MIT
using Tombolo.Cli.Editing;
using static Tombolo.Cli.Tests.ScriptedKeys;

namespace Tombolo.Cli.Tests;

public sealed class LineEditorTests : IDisposable
{
    private static readonly string[] _words = ["help", "send", "server"];
    private readonly TinyTerminal _terminal = new(40);
    private readonly History _history = new();

    public void Dispose() => _terminal.Dispose();

    private LineEditor Editor(params object[] typed) => new(new ScriptedKeys(typed), _terminal, _history, _ => _words, () => 40);

    public static TheoryData<object[], string> Edits => new()
    {
        { ["hello\n"], "hello" },
        { ["helo", ConsoleKey.LeftArrow, "l\n"], "hello" },
        { ["ello", ConsoleKey.Home, "h", ConsoleKey.End, "!\n"], "hello!" },
        { ["ello", Control('A'), "h", Control('E'), "!\n"], "hello!" },
        { ["hellx", ConsoleKey.Backspace, "o\n"], "hello" },
        { ["xhello", ConsoleKey.Home, ConsoleKey.Delete, "\n"], "hello" },
        { ["hello world", Control('W'), "you\n"], "hello you" },
        { ["hello  ", Control('W'), "you\n"], "you" },
        { ["rubbish", Control('U'), "hello\n"], "hello" },
        { ["hello rubbish", Control('A'), Control('F'), Control('F'), Control('F'), Control('F'), Control('F'), Control('K'), "\n"], "hello" },
        { ["rubbish", Control('C'), "hello\n"], "hello" },
        { ["a\U0001F600b", ConsoleKey.LeftArrow, ConsoleKey.Backspace, "\n"], "ab" },
        { [ConsoleKey.LeftArrow, ConsoleKey.Backspace, ConsoleKey.Delete, ConsoleKey.UpArrow, ConsoleKey.DownArrow, "x\n"], "x" },
        { ["h\t vm1\n"], "help  vm1" },
        { ["se\tn\t\n"], "send " },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void ReadLine_Keys_GiveLine(object[] typed, string expected) => Editor(typed).ReadLine("> ").ShouldBe(expected);

    [Fact]
    public void ReadLine_ControlDOnEmptyLine_Ends() => Editor(Control('D')).ReadLine("> ").ShouldBeNull();

    [Fact]
    public void ReadLine_ControlCOnEmptyLine_Ends() => Editor(Control('C')).ReadLine("> ").ShouldBeNull();

    [Fact]
    public void ReadLine_KeysEnd_Ends() => Editor("half a li").ReadLine("> ").ShouldBeNull();

    [Fact]
    public void ReadLine_ArrowUpTwice_RecallsOlderLineAndComesBack()
    {
        _history.Add("first");
        _history.Add("second");

        Editor("unfin", ConsoleKey.UpArrow, ConsoleKey.UpArrow, "\n").ReadLine("> ").ShouldBe("first");
        Editor("unfin", ConsoleKey.UpArrow, ConsoleKey.DownArrow, "ished\n").ReadLine("> ").ShouldBe("unfinished");
    }

    [Fact]
    public void ReadLine_TwoCompletionsFit_PrintsBothAboveTheLine()
    {
        _ = Editor("se\t").ReadLine("> ");

        _terminal.Show().Rows.ShouldBe(["send  server", "> se", ""]);
    }

    [Fact]
    public void ReadLine_LineLongerThanTheRow_ShowsThePartAroundTheCursor()
    {
        string line = string.Concat(Enumerable.Range(0, 10).Select(i => $"word{i} "));

        _ = Editor(line).ReadLine("> ");

        _terminal.Show().Rows[0].ShouldBe("> " + line[^37..].TrimEnd());
    }

    [Fact]
    public void PrintAbove_WhileALineIsWritten_LeavesLineAndCursorAsTheyWere()
    {
        LineEditor? editor = null;
        InterruptingKeys keys = new(() => editor!.PrintAbove("vm1: hello"), "typ", "ed\n");
        editor = new(keys, _terminal, _history, _ => [], () => 40);

        editor.ReadLine("> ").ShouldBe("typed");

        _terminal.Show().Rows.ShouldBe(["vm1: hello", "> typed", ""]);
    }

    [Fact]
    public void PrintAbove_NoLineIsWritten_PrintsOnly()
    {
        Editor().PrintAbove("hello");

        _terminal.ToString().ShouldBe("hello\n");
    }

    /// <summary>Calls something between two parts of what is typed.</summary>
    private sealed class InterruptingKeys(Action between, string first, string second) : IKeySource
    {
        private readonly ScriptedKeys _first = new(first), _second = new(second);
        private bool _done;

        public ConsoleKeyInfo? Next()
        {
            if (_first.Next() is { } key) return key;
            if (!_done) between();
            _done = true;
            return _second.Next();
        }
    }
}
