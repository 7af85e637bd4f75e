// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Linux;

namespace Tombolo.Bench;

/// <summary>A program that takes part in a measurement. It is gone when this object is.</summary>
internal sealed class ChildProgram : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts a program.</summary>
    /// <param name="words">Program and arguments.</param>
    public ChildProgram(params IReadOnlyList<string> words) => _process = Process.Start(new ProcessStartInfo(words[0], words.Skip(1))
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = false,
    })!;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string ReadLine() => _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)} ended without a word.");

    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>All that it said.</returns>
    public static string Said(params IReadOnlyList<string> words)
    {
        using var program = new ChildProgram(words);
        program._process.StandardInput.Close();
        return program._process.StandardOutput.ReadToEnd();
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its only line.</returns>
    public static string Run(params IReadOnlyList<string> words)
    {
        using var program = new ChildProgram(words);
        return program.ReadLine();
    }

    public void Dispose()
    {
        if (!_process.HasExited) _ = LinuxProcess.TrySignal(_process.Id, Signal.Terminate);
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
    }
}
