// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Cli.Output;
using Tombolo.Linux;

namespace Tombolo.Cli.Processes;

/// <summary>Programs that go on after the command that started them has ended.</summary>
/// <remarks>The other side is <see cref="DetachedStart"/>, which tells how the two understand each other.</remarks>
internal static class Detached
{
    /// <summary>Starts a program and waits for its report.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <param name="stop">Ends the wait and the child.</param>
    /// <returns>The child's process id.</returns>
    /// <exception cref="CommandException">The child could not be started, or ended without being ready; the message is its own complaint.</exception>
    public static async Task<int> StartAsync(IReadOnlyList<string> command, CancellationToken stop)
    {
        ProcessStartInfo start = new(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment[DetachedStart.Mark] = "1";
        using Process child = Start(start, command[0]);
        child.StandardInput.Close();
        Task<string> complaint = child.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            if (await child.StandardOutput.ReadLineAsync(stop) is DetachedStart.Ready) return child.Id;
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
