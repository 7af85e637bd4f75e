// SPDX-License-Identifier: MIT
namespace Tombolo.Machines;

/// <summary>Where a machine stands in its life.</summary>
public enum MachineState
{
    /// <summary>It was never started, or was stopped as told.</summary>
    Stopped,
    /// <summary>QEMU runs; the guest is not ready yet.</summary>
    Starting,
    /// <summary>The guest said that it is ready.</summary>
    Ready,
    /// <summary>It ended by itself and will be started again after a pause.</summary>
    Waiting,
    /// <summary>It is being stopped.</summary>
    Stopping,
    /// <summary>It ended by itself, in good order, and stays ended.</summary>
    Ended,
    /// <summary>It ended by itself, not in good order, and stays ended.</summary>
    Failed,
}

/// <summary>A machine at one moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">Where it stands.</param>
/// <param name="ProcessId">QEMU's process id; null where it does not run.</param>
/// <param name="StartedAt">When this QEMU was started; null where it does not run.</param>
/// <param name="ReadyAfter">From the start to ready; null before, and where it was adopted ready.</param>
/// <param name="Acceleration">What runs its processor.</param>
/// <param name="Restarts">How often it was started again.</param>
/// <param name="Adopted">True where it was found running, started by an earlier owner.</param>
/// <param name="ScriptStatus">Exit status of the run script of this start; null while it runs, and where there is none.</param>
/// <param name="ExitReason">Why it last ended, as a sentence; null where it never did.</param>
public sealed record MachineStatus(
    string Name, MachineState State, int? ProcessId, DateTimeOffset? StartedAt, TimeSpan? ReadyAfter, Acceleration Acceleration, int Restarts, bool Adopted, int? ScriptStatus, string? ExitReason);

/// <summary>What happened to a machine.</summary>
public enum MachineEventKind
{
    /// <summary>QEMU was started.</summary>
    Started,
    /// <summary>A running QEMU was found and is watched from now on.</summary>
    Adopted,
    /// <summary>The guest is ready.</summary>
    Ready,
    /// <summary>The run script has ended.</summary>
    ScriptEnded,
    /// <summary>QEMU has ended.</summary>
    Ended,
    /// <summary>QEMU will be started again after a pause.</summary>
    Restarting,
    /// <summary>A step of an orderly stop.</summary>
    Stopping,
    /// <summary>It was stopped as told.</summary>
    Stopped,
    /// <summary>It could not be started.</summary>
    Failed,
}

/// <summary>Something that happened to a machine.</summary>
/// <param name="Kind">What.</param>
/// <param name="Machine">To whom.</param>
/// <param name="Sentence">The same for a reader.</param>
public sealed record MachineEvent(MachineEventKind Kind, string Machine, string Sentence);
