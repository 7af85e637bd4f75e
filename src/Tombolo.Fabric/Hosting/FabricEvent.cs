// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric;

/// <summary>What happened in a fabric.</summary>
public enum FabricEventKind
{
    /// <summary>Something worth knowing that changes nothing.</summary>
    Note,
    /// <summary>A mailbox serves.</summary>
    MailboxUp,
    /// <summary>A mailbox no longer serves, as asked.</summary>
    MailboxDown,
    /// <summary>A mailbox broke and no longer serves.</summary>
    MailboxFailed,
    /// <summary>Grants are served.</summary>
    GrantsUp,
    /// <summary>Grants are no longer served, as asked.</summary>
    GrantsDown,
    /// <summary>What serves grants broke.</summary>
    GrantsFailed,
    /// <summary>The store serves.</summary>
    StoreUp,
    /// <summary>The store no longer serves, as asked.</summary>
    StoreDown,
    /// <summary>The store broke and no longer serves.</summary>
    StoreFailed,
    /// <summary>Regions are served.</summary>
    RegionsUp,
    /// <summary>The machine's driver has shown itself: both sides of the regions are there.</summary>
    RegionsReady,
    /// <summary>Regions are no longer served.</summary>
    RegionsDown,
    /// <summary>Regions are no longer served, by a fault of ours.</summary>
    RegionsFailed,
    /// <summary>A switch moves frames.</summary>
    SwitchUp,
    /// <summary>A running switch was changed.</summary>
    SwitchChanged,
    /// <summary>A switch no longer serves, as asked.</summary>
    SwitchDown,
    /// <summary>A switch broke, by a fault of ours.</summary>
    SwitchFailed,
    /// <summary>A machine's QEMU was started.</summary>
    MachineStarted,
    /// <summary>A machine was found running.</summary>
    MachineAdopted,
    /// <summary>A machine is ready.</summary>
    MachineReady,
    /// <summary>A machine is not ready within the declared time; it is left running.</summary>
    MachineLate,
    /// <summary>A machine's run script has ended.</summary>
    MachineScriptEnded,
    /// <summary>A machine has ended by itself.</summary>
    MachineEnded,
    /// <summary>A machine will be started again.</summary>
    MachineRestarting,
    /// <summary>A machine is being stopped.</summary>
    MachineStopping,
    /// <summary>A machine is stopped.</summary>
    MachineStopped,
    /// <summary>A machine could not be started.</summary>
    MachineFailed,
    /// <summary>Everything that was declared is up, or has failed.</summary>
    FabricUp,
    /// <summary>It cannot be brought up at all, and is taken down again.</summary>
    FabricFailed,
    /// <summary>The fabric is being taken down.</summary>
    FabricStopping,
    /// <summary>Nothing of the fabric is left.</summary>
    FabricDown,
}

/// <summary>Something that happened in a fabric.</summary>
/// <param name="Time">When.</param>
/// <param name="Kind">What.</param>
/// <param name="Subject">The mailbox's, machine's or fabric's name.</param>
/// <param name="Sentence">The same for a reader.</param>
public sealed record FabricEvent(DateTimeOffset Time, FabricEventKind Kind, string Subject, string Sentence);
