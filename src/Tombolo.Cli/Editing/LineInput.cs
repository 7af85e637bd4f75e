// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Editing;

/// <summary>A conversation by lines: edited on a terminal, plain in a pipe. Printing never disturbs the line that is being written.</summary>
internal sealed class LineInput : IDisposable
{
    private const int UsualColumns = 80;   // of a terminal that does not know its size

    private readonly Screen _screen;
    private readonly string _prompt;
    private readonly bool _promptInPipes;
    private readonly ConsoleKeySource? _keys;
    private readonly LineEditor? _editor;

    /// <summary>Begins a conversation.</summary>
    /// <param name="screen">Where it takes place.</param>
    /// <param name="prompt">What stands in front of a line.</param>
    /// <param name="history">Lines that the arrow keys recall.</param>
    /// <param name="complete">See <see cref="LineEditor"/>.</param>
    /// <param name="promptInPipes">Write the prompt in a pipe too, for scripts that wait for it.</param>
    public LineInput(Screen screen, string prompt, History history, Func<string, IReadOnlyList<string>> complete, bool promptInPipes = false)
    {
        (_screen, _prompt, _promptInPipes) = (screen, prompt, promptInPipes);
        if (!screen.IsInteractive || !screen.Colour) return;   // without escape sequences no line can be redrawn
        _keys = new();
        _editor = new(_keys, screen.Out, history, complete, static () => Console.WindowWidth is > 0 and var width ? width : UsualColumns);
    }

    /// <summary>Waits for a line.</summary>
    /// <returns>The line, or null at the end of input.</returns>
    /// <exception cref="OperationCanceledException">Stopped. The reading thread stays behind and ends with the program: a blocked read of a terminal cannot be called off.</exception>
    public async Task<string?> ReadAsync(CancellationToken stop)
    {
        if (_editor is null && _promptInPipes) _screen.Write(_prompt);
        return await Task.Factory.StartNew(() => _editor is null ? _screen.In.ReadLine() : _editor.ReadLine(_prompt), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(stop);
    }

    /// <summary>Prints a line. Thread-safe.</summary>
    public void Print(string text)
    {
        if (_editor is not null) _editor.PrintAbove(text);
        else _screen.Line(text);
    }

    /// <summary>Gives Ctrl-C its usual meaning back.</summary>
    public void Dispose() => _keys?.Dispose();
}
