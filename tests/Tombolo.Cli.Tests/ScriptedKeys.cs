// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Tombolo.Cli.Editing;

namespace Tombolo.Cli.Tests;

/// <summary>Keys that a test types. Ends with the last one, unless it is kept open.</summary>
internal sealed class ScriptedKeys : IKeySource
{
    private readonly BlockingCollection<ConsoleKeyInfo> _keys = [];

    public ScriptedKeys(params object[] typed)
    {
        foreach (object one in typed) Type(one);
        _keys.CompleteAdding();
    }

    public ConsoleKeyInfo? Next() => _keys.TryTake(out ConsoleKeyInfo key, TimeSpan.FromSeconds(30)) ? key : null;

    public static ConsoleKeyInfo Control(char letter) => new((char)(letter - '@'), (ConsoleKey)letter, shift: false, alt: false, control: true);

    private void Type(object typed)
    {
        switch (typed)
        {
            case string text:
                foreach (char c in text) _keys.Add(c == '\n' ? new('\r', ConsoleKey.Enter, false, false, false) : new(c, c == '\t' ? ConsoleKey.Tab : ConsoleKey.None, false, false, false));
                break;
            case ConsoleKey key: _keys.Add(new('\0', key, false, false, false)); break;
            case ConsoleKeyInfo key: _keys.Add(key); break;
            default: throw new ArgumentException($"{typed} cannot be typed.", nameof(typed));
        }
    }
}
