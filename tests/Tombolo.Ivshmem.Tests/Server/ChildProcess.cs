// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Diagnostics;
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Ivshmem.Tests.Server;

/// <summary>A process of the test's own whose lines can be waited for; it is ended with the test.</summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan _watchdog = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];

    public ChildProcess(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null) _lines.CompleteAdding();
            else _lines.Add(line.Data);
        };
        _process.ErrorDataReceived += (_, line) => Errors.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public ConcurrentQueue<string> Errors { get; } = new();
    public int Id => _process.Id;
    public bool HasExited => _process.HasExited;
    public int ExitCode => _process.ExitCode;

    /// <summary>The next line, or null where the process ended without one.</summary>
    public string? ReadLine() => _lines.TryTake(out string? line, _watchdog) ? line
        : _lines.IsCompleted ? null : throw new TimeoutException($"process {Id} said nothing for a minute; its errors: {string.Join('\n', Errors)}");

    public bool HasLine => _lines.Count > 0;

    /// <summary>Writes a line and reads the answer; null where the process is dead.</summary>
    public string? Ask(string line)
    {
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
        catch (IOException) { return null; }
        return ReadLine();
    }

    public void Kill()
    {
        _ = LinuxProcess.TrySignal(Id, Signal.Kill);
        WaitForExit();
    }

    public void Stop()
    {
        try { _process.StandardInput.Close(); }
        catch (IOException) { }   // it is dead already
        WaitForExit();
    }

    public void WaitForExit() => _process.WaitForExit(_watchdog).ShouldBeTrue($"process {Id} did not end");

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
        _lines.Dispose();
    }
}
