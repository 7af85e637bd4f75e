// SPDX-License-Identifier: MIT
using System.Diagnostics;

namespace Tombolo.System.Tests;

/// <summary>The built command line and daemon, as a user runs them. They stand in this project's output.</summary>
internal static class RealPrograms
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(6);   // a watchdog: some commands wait for guests

    /// <summary>Runs a command to its end.</summary>
    /// <param name="runtime">The folder of all fabrics.</param>
    /// <param name="arguments">The command.</param>
    public static (int Code, string Output, string Error) Tombolo(string runtime, params string[] arguments) =>
        Run(Path.Combine(AppContext.BaseDirectory, "tombolo"), arguments, new() { ["TOMBOLO_RUNTIME_DIR"] = runtime });

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">What its environment has beside ours.</param>
    public static (int Code, string Output, string Error) Run(string program, string[] arguments, Dictionary<string, string> environment)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(_limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} hangs; it said: {output.Result}{error.Result}");
        }
        return (process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}
