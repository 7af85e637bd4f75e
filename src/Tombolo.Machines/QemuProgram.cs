// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Tombolo.Machines;

/// <summary>The installed QEMU.</summary>
/// <param name="Path">The program.</param>
/// <param name="Version">Its version.</param>
/// <param name="HasDoorbell">Whether it has the device model ivshmem-doorbell.</param>
public sealed partial record QemuProgram(string Path, Version Version, bool HasDoorbell)
{
    /// <summary>The program for this host's architecture.</summary>
    public static string DefaultName => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "qemu-system-aarch64" : "qemu-system-x86_64";

    /// <summary>What installs it on Debian.</summary>
    public static string InstallCommand => $"apt-get install {(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "qemu-system-arm" : "qemu-system-x86")}";

    /// <summary>Finds QEMU and asks it what it is.</summary>
    /// <param name="name">A program's name or path; null for <see cref="DefaultName"/>, or what <c>TOMBOLO_QEMU</c> says.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="MachineException">There is none, or it does not answer as QEMU does.</exception>
    public static async Task<QemuProgram> FindAsync(string? name = null, CancellationToken cancel = default)
    {
        name ??= Environment.GetEnvironmentVariable("TOMBOLO_QEMU") ?? DefaultName;
        string path = ProgramPath.Find(name) ?? throw new MachineException($"QEMU ({name}) is not installed; '{InstallCommand}' installs it.");
        string said = await RunAsync(path, ["--version"], cancel);
        Match match = VersionPattern().Match(said);
        if (!match.Success) throw new MachineException($"{path} does not say which QEMU it is; it says '{said.Split('\n')[0].Trim()}'.");
        string devices = await RunAsync(path, ["-machine", "none", "-nodefaults", "-device", "help"], cancel);
        return new(path, Version.Parse(match.Groups[1].Value), devices.Contains("\"ivshmem-doorbell\"", StringComparison.Ordinal));
    }

    private static async Task<string> RunAsync(string path, string[] arguments, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            Task<string> complaint = process.StandardError.ReadToEndAsync(cancel);
            string said = await process.StandardOutput.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            return process.ExitCode == 0 ? said : throw new MachineException($"{path} {string.Join(' ', arguments)} ended with status {process.ExitCode}: {(await complaint).Trim()}");
        }
        catch (System.ComponentModel.Win32Exception exception) { throw new MachineException($"{path} cannot be started: {exception.Message}.", exception); }
    }

    [GeneratedRegex(@"QEMU emulator version (\d+\.\d+(?:\.\d+)?)")] private static partial Regex VersionPattern();
}
