// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Diagnostics;
using Tombolo.Linux;

namespace Tombolo.Bench;

/// <summary>A guest's console, read line by line. The guest ends with this object.</summary>
internal sealed class GuestConsole : IDisposable
{
    private readonly Process _machine;
    private readonly BlockingCollection<string> _lines = [];

    public GuestConsole(Process machine)
    {
        _machine = machine;
        machine.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null) _lines.CompleteAdding();
            else _lines.Add(line.Data);
        };
        machine.BeginOutputReadLine();
    }

    /// <summary>Waits for a line with a word in it.</summary>
    /// <returns>The line from that word on.</returns>
    public string Await(string word, TimeSpan patience)
    {
        var said = new Queue<string>();
        while (_lines.TryTake(out string? line, patience))
        {
            int at = line.IndexOf(word, StringComparison.Ordinal);
            if (at >= 0) return line[at..].Trim();
            said.Enqueue(line);
            if (said.Count > 30) _ = said.Dequeue();
        }
        throw new InvalidOperationException($"The guest never says '{word}'. Its last lines:\n{string.Join('\n', said)}");
    }

    public void Dispose()
    {
        if (!_machine.HasExited) _ = LinuxProcess.TrySignal(_machine.Id, Signal.Terminate);   // timeout(1) passes it on
        _machine.WaitForExit();
        _lines.Dispose();
    }
}
