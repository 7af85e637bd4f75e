// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>Signals that we send. Source: signal(7).</summary>
public enum Signal
{
    /// <summary>SIGINT.</summary>
    Interrupt = 2,
    /// <summary>SIGKILL.</summary>
    Kill = 9,
    /// <summary>SIGTERM.</summary>
    Terminate = 15,
}

/// <summary>Processes: identity that survives the reuse of numbers, signals, sessions.</summary>
public static partial class LinuxProcess
{
    /// <summary>The effective user id of this process.</summary>
    public static uint EffectiveUserId => geteuid();

    /// <summary>The effective group id of this process.</summary>
    public static uint EffectiveGroupId => getegid();

    /// <summary>Makes this process the leader of a session of its own, so that a terminal's signals no longer reach it.</summary>
    /// <remarks>No error where it leads one already. Source: setsid(2).</remarks>
    public static void StartSession() => _ = setsid();

    /// <summary>Sends a signal.</summary>
    /// <param name="processId">A process id, more than 0.</param>
    /// <param name="signal">What to send.</param>
    /// <returns>False where there is no such process.</returns>
    /// <exception cref="LinuxException">EPERM: it belongs to another user.</exception>
    public static bool TrySignal(int processId, Signal signal)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(processId);
        if (kill(processId, (int)signal) == 0) return true;
        int errno = Marshal.GetLastPInvokeError();
        return errno == Errno.NoProcess ? false : throw new LinuxException("kill", $"process {processId}", errno);
    }

    /// <summary>When a process was started, in clock ticks since the host booted: with the id it names one process for ever.</summary>
    /// <param name="processId">A process id.</param>
    /// <returns>The start time, or null where there is no such process (or only its zombie).</returns>
    /// <remarks>Source: proc(5), /proc/PID/stat fields 3 (state) and 22 (starttime).</remarks>
    public static long? StartTimeOf(int processId)
    {
        try
        {
            string text = File.ReadAllText($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/stat");
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');   // the name in brackets may hold anything
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (IOException) { return null; }
        catch (UnauthorizedAccessException) { return null; }
    }

    /// <summary>Opens a descriptor that becomes readable when a process ends.</summary>
    /// <param name="processId">A process id.</param>
    /// <returns>A descriptor the caller owns, or null where there is no such process.</returns>
    /// <exception cref="LinuxException">EMFILE and the like.</exception>
    /// <remarks>Source: pidfd_open(2).</remarks>
    public static SafeFd? TryOpen(int processId)
    {
        nint fd = syscall(PidFdOpen, processId, 0);
        if (fd >= 0) return new((int)fd);
        int errno = Marshal.GetLastPInvokeError();
        return errno == Errno.NoProcess ? null : throw new LinuxException("pidfd_open", $"process {processId}", errno);
    }

    private const nint PidFdOpen = 434;   // the same on every architecture since Linux 5.3 (asm-generic/unistd.h)

    [LibraryImport("libc")] private static partial uint geteuid();
    [LibraryImport("libc")] private static partial uint getegid();
    [LibraryImport("libc")] private static partial int setsid();
    [LibraryImport("libc", SetLastError = true)] private static partial int kill(int process, int signal);
    [LibraryImport("libc", SetLastError = true)] private static partial nint syscall(nint number, nint process, nint flags);
}
