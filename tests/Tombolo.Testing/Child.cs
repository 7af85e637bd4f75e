// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Diagnostics;
using Tombolo.Linux;

namespace Tombolo.Testing;

/// <summary>A second process, as a rule this very test assembly, started with arguments that its <c>Main</c> understands. It is gone when this object is.</summary>
/// <remarks>Parent and child talk in lines over the child's standard input and output.</remarks>
public sealed class Child : IDisposable
{
    // The dotnet program that this process runs under: three folders above the framework's assemblies.
    private static readonly string _host = Path.GetFullPath("../../../dotnet", Path.GetDirectoryName(typeof(object).Assembly.Location)!);
    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];
    private readonly ConcurrentQueue<string> _errors = new();

    /// <summary>Starts a program.</summary>
    public Child(string program, params IEnumerable<string> arguments)
    {
        _process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null) _lines.CompleteAdding();
            else _lines.Add(line.Data);
        };
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null) _errors.Enqueue(line.Data);
        };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts the assembly of a type, which must have a <c>Main</c>, with arguments.</summary>
    public static Child Of<T>(params IEnumerable<string> arguments) => Under<T>([], arguments);

    /// <summary>As <see cref="Of"/>, started by another program that changes what a process inherits: <c>prlimit --nofile=100</c>, for instance.</summary>
    public static Child Under<T>(IReadOnlyList<string> starter, params IEnumerable<string> arguments)
    {
        string[] words = [.. starter, _host, typeof(T).Assembly.Location, .. arguments];
        return new(words[0], words[1..]);
    }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it said on standard error so far.</summary>
    public string Errors => string.Join('\n', _errors);

    /// <summary>Whether it said a line that was not read yet.</summary>
    public bool HasLine => _lines.Count > 0;

    /// <summary>Reads the child's next line.</summary>
    /// <returns>Null where it ended without one.</returns>
    /// <exception cref="TimeoutException">It says nothing.</exception>
    public string? ReadLine() => _lines.TryTake(out string? line, Watchdog.Limit) ? line
        : _lines.IsCompleted ? null : throw new TimeoutException($"The child process {Id} says nothing; its errors: {Errors}");

    /// <summary>Says a line to the child.</summary>
    /// <exception cref="IOException">It is dead.</exception>
    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Says a line and reads the answer.</summary>
    /// <returns>Null where the child is dead.</returns>
    public string? Ask(string line)
    {
        try { WriteLine(line); }
        catch (IOException) { return null; }
        return ReadLine();
    }

    /// <summary>Ends the child's standard input, which asks it to stop in order, and waits for its end.</summary>
    /// <returns>Its exit code.</returns>
    public int CloseInput()
    {
        try { _process.StandardInput.Close(); }
        catch (IOException) { }   // it is dead already
        return WaitForExit();
    }

    /// <summary>Waits for the child's end.</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="TimeoutException">It does not end.</exception>
    public int WaitForExit() =>
        _process.WaitForExit(Watchdog.Limit) ? _process.ExitCode : throw new TimeoutException($"The child process {Id} does not end; its errors: {Errors}");

    /// <summary>Kills the child with SIGKILL and waits for its end.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _ = LinuxProcess.TrySignal(_process.Id, Signal.Kill);
        _ = WaitForExit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }
}
