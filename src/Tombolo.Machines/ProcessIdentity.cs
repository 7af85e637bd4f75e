// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Linux;

namespace Tombolo.Machines;

/// <summary>Names one process for ever: its number, when it started, and during which boot of the host.</summary>
/// <param name="ProcessId">The number; another process may have it later.</param>
/// <param name="StartTicks">Clock ticks since the boot.</param>
/// <param name="BootId">The host's boot.</param>
public sealed record ProcessIdentity(int ProcessId, long StartTicks, string BootId)
{
    /// <summary>This boot of the host. Source: random(4), /proc/sys/kernel/random/boot_id.</summary>
    public static string CurrentBoot { get; } = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>The identity of the process that has a number now.</summary>
    /// <param name="processId">A process id.</param>
    /// <returns>Null where there is no such process.</returns>
    public static ProcessIdentity? Of(int processId) =>
        LinuxProcess.StartTimeOf(processId) is { } ticks ? new(processId, ticks, CurrentBoot) : null;

    /// <summary>True while this very process exists.</summary>
    public bool IsAlive => Of(ProcessId) == this;

    /// <summary>Opens the process for watching and signals.</summary>
    /// <returns>A descriptor that the caller owns, or null where the process has ended. Never one of another process with the same number.</returns>
    public SafeFd? TryOpen()
    {
        SafeFd? fd = LinuxProcess.TryOpen(ProcessId);
        if (fd is not null && IsAlive) return fd;   // checked after the open: the number could not change hands in between unnoticed
        fd?.Dispose();
        return null;
    }

    /// <summary>The process that a pid file of QEMU names, if it is a QEMU that was started with this very pid file.</summary>
    /// <param name="pidFile">The pid file's path as it stands on the command line.</param>
    /// <remarks>Serves where we died between the start of QEMU and writing our own record.</remarks>
    public static ProcessIdentity? FromPidFile(string pidFile)
    {
        try
        {
            if (!int.TryParse(File.ReadAllText(pidFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int processId) || processId <= 0) return null;
            ProcessIdentity? identity = Of(processId);
            string[] arguments = File.ReadAllText($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/cmdline").Split('\0');
            int at = Array.IndexOf(arguments, "-pidfile");
            return at >= 0 && at + 1 < arguments.Length && arguments[at + 1] == pidFile && identity is { IsAlive: true } ? identity : null;
        }
        catch (IOException) { return null; }
        catch (UnauthorizedAccessException) { return null; }
    }
}
