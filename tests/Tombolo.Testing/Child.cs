// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Linux;

namespace Tombolo.Testing;

/// <summary>A second process: this very test assembly, started with arguments that its <c>Main</c> understands. It is gone when this object is.</summary>
/// <remarks>Parent and child talk in lines over the child's standard input and output.</remarks>
public sealed class Child : IDisposable
{
    // The dotnet program that this process runs under: three folders above the framework's assemblies.
    private static readonly string _host = Path.GetFullPath("../../../dotnet", Path.GetDirectoryName(typeof(object).Assembly.Location)!);
    private readonly Process _process;

    /// <summary>Starts a program.</summary>
    public Child(string program, params IEnumerable<string> arguments) => _process = Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!;

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

    /// <summary>Reads the child's next line.</summary>
    /// <exception cref="TimeoutException">It says nothing.</exception>
    public string? ReadLine()
    {
        Task<string?> line = _process.StandardOutput.ReadLineAsync();
        return line.Wait(Watchdog.Limit) ? line.Result : throw new TimeoutException("The child process says nothing.");
    }

    /// <summary>Says a line to the child.</summary>
    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Ends the child's standard input, which asks it to stop in order, and waits for its end.</summary>
    /// <returns>Its exit code.</returns>
    public int CloseInput()
    {
        _process.StandardInput.Close();
        return WaitForExit();
    }

    /// <summary>Waits for the child's end.</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="TimeoutException">It does not end.</exception>
    public int WaitForExit() =>
        _process.WaitForExit(Watchdog.Limit) ? _process.ExitCode : throw new TimeoutException("The child process does not end.");

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
