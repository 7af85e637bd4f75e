// SPDX-License-Identifier: MIT
namespace Tombolo.Machines;

/// <summary>What machines of one owner share.</summary>
/// <param name="QemuPath">The QEMU program.</param>
/// <param name="Accelerations">Chooses what runs a machine's processor: Kvm or Tcg. Throws <see cref="MachineException"/> where what is asked for cannot be had.</param>
/// <param name="Watcher">Tells when processes end; borrowed.</param>
/// <param name="Time">The clock of pauses and graces.</param>
public sealed record MachineHost(string QemuPath, Func<MachineOptions, Acceleration> Accelerations, ProcessWatcher Watcher, TimeProvider Time)
{
    /// <summary>Called with a machine and its QEMU's process id before that process can have connected anywhere that asks for it through the same lock; see <see cref="SpawnLock"/>.</summary>
    public Action<MachineOptions, int>? Started { get; init; }

    /// <summary>Called with everything that happens to a machine, in order, before anybody who waits for it goes on. It must not block.</summary>
    public Action<MachineEvent>? Happened { get; init; }

    /// <summary>How long QEMU may take to end after it was told to, before the next, sterner step. Default 5 s; it takes milliseconds, the rest is for a loaded host.</summary>
    public TimeSpan EndGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Held from before QEMU exists until <see cref="Started"/> has returned: whoever must know a QEMU by its process id takes it first.</summary>
    public Lock SpawnLock { get; } = new();
}
