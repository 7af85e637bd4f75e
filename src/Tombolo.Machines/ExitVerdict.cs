// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Machines;

/// <summary>Judges why a QEMU ended.</summary>
/// <param name="IsFailure">True where an on-failure policy starts it again.</param>
/// <param name="Reason">The reason as half a sentence: "the guest shut down".</param>
public sealed record ExitVerdict(bool IsFailure, string Reason)
{
    /// <summary>Judges.</summary>
    /// <param name="shutdown">QEMU's last SHUTDOWN event, or null where it sent none.</param>
    /// <param name="exit">Its exit, or null where it was not our child (adopted).</param>
    /// <param name="lastWords">The last line it printed, or null.</param>
    /// <remarks>
    /// The exit status tells little: with -no-reboot a panic ends QEMU with 0. The event's reason tells (QEMU qapi/run-state.json, ShutdownCause).
    /// An end asked for from outside in a civil way (quit, SIGTERM) is no failure, a killing signal is.
    /// </remarks>
    public static ExitVerdict Of(QmpEvent? shutdown, ProcessExit? exit, string? lastWords) => (shutdown?.Reason, exit) switch
    {
        ("guest-shutdown", _) => new(false, "the guest shut down"),
        ("guest-reset", _) => new(true, "the guest reset itself (a reboot, or a panic: its console tells)"),
        ("guest-panic", _) => new(true, "the guest panicked"),
        ("host-qmp-quit", _) => new(false, "somebody told QEMU to quit"),
        ("host-signal", _) => new(false, "QEMU was asked to end by a signal"),
        (_, { BySignal: true } killed) => new(true, $"QEMU was killed by signal {killed.Code}"),
        (_, { Code: 0 }) => new(false, "QEMU ended"),
        (_, { } ended) => new(true, $"QEMU ended with status {ended.Code}{(lastWords is null ? "" : $": {lastWords}")}"),
        (_, null) => new(true, "QEMU ended, killed or crashed (it was started by an earlier owner, so its status is not known)"),
    };
}
