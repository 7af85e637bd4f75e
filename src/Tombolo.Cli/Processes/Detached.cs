// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Cli.Output;
using Tombolo.Linux;

namespace Tombolo.Cli.Processes;

/// <summary>Programs that go on after the command that started them has ended.</summary>
/// <remarks>
/// A .NET process cannot fork, so the program is started again. Theory of operation: the parent starts the child with pipes on its three standard streams and
/// <see cref="Mark"/> in its environment. The child leads a session of its own, does whatever can go wrong, and then either writes "ready" on standard output and points its
/// streams at /dev/null, or complains on standard error and ends. The parent waits for the one or the other; a child that dies in between closes the pipe, so it is never waited for in vain.
/// </remarks>
internal static class Detached
{
    /// <summary>Set in the environment of a child that is to report.</summary>
    public const string Mark = "TOMBOLO_DETACHED";

    private const string Ready = "ready";

    /// <summary>In the child: whether a parent waits for a report. It leads a session of its own from then on.</summary>
    public static bool Begin()
    {
        if (Environment.GetEnvironmentVariable(Mark) is not "1") return false;
        Environment.SetEnvironmentVariable(Mark, null);   // its own children are nobody's business
        LinuxProcess.StartSession();
        return true;
    }

    /// <summary>In the child: tells the parent that all is well, and lets go of its streams.</summary>
    public static void ReportReady()
    {
        Console.Out.WriteLine(Ready);
        Console.Out.Flush();
        StandardStreams.Silence();
    }

    /// <summary>In the parent: starts a child and waits for its report.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <param name="stop">Ends the wait and the child.</param>
    /// <returns>The child's process id.</returns>
    /// <exception cref="CommandException">The child could not be started, or ended without being ready; the message is its own complaint.</exception>
    public static async Task<int> StartAsync(IReadOnlyList<string> command, CancellationToken stop)
    {
        ProcessStartInfo start = new(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment[Mark] = "1";
        using Process child = Start(start, command[0]);
        child.StandardInput.Close();
        Task<string> complaint = child.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            if (await child.StandardOutput.ReadLineAsync(stop) is Ready) return child.Id;
        }
        catch (OperationCanceledException)
        {
            _ = LinuxProcess.TrySignal(child.Id, Signal.Terminate);
            throw;
        }
        await child.WaitForExitAsync(stop);
        string said = (await complaint).Trim();
        throw new CommandException(said.Length > 0 ? WithoutName(said) : $"{command[0]} ended with status {child.ExitCode} before it was ready", child.ExitCode == ExitCode.WrongUse ? ExitCode.WrongUse : ExitCode.Failed);
    }

    /// <summary>How this very program is started again.</summary>
    public static IReadOnlyList<string> Self(params string[] arguments)
    {
        string program = Environment.ProcessPath ?? throw new CommandException("The program's own path cannot be told");
        // Started as `dotnet tombolo.dll`: the runtime needs to be told the program.
        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, Environment.GetCommandLineArgs()[0], .. arguments] : [program, .. arguments];
    }

    private static Process Start(ProcessStartInfo start, string program)
    {
        try { return Process.Start(start)!; }
        catch (System.ComponentModel.Win32Exception exception) { throw new CommandException($"{program} cannot be started: {exception.Message}"); }
    }

    // The child says "tombolo ivshmem-server: …" or "tombolod: …"; the parent puts its own name in front.
    private static string WithoutName(string said)
    {
        int colon = said.IndexOf(": ", StringComparison.Ordinal);
        return colon > 0 && said.StartsWith("tombolo", StringComparison.Ordinal) ? said[(colon + 2)..] : said;
    }
}
