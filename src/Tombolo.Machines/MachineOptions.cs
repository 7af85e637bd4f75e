// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;

namespace Tombolo.Machines;

/// <summary>What runs a machine's processor.</summary>
public enum Acceleration
{
    /// <summary>KVM where it is proved to work, otherwise emulation.</summary>
    Auto,
    /// <summary>KVM, or a clear failure.</summary>
    Kvm,
    /// <summary>Emulation.</summary>
    Tcg,
}

/// <summary>What is done when a machine ends without being told to.</summary>
public enum RestartPolicy
{
    /// <summary>Nothing: it stays ended.</summary>
    Never,
    /// <summary>It is started again after a crash, a signal that kills, a panic or a reset, not after a shut-down from inside.</summary>
    OnFailure,
    /// <summary>It is started again, whatever the reason.</summary>
    Always,
}

/// <summary>One connection of a machine to a doorbell server.</summary>
/// <param name="Name">Names the device inside QEMU; letters, digits, '-' and '_'.</param>
/// <param name="SocketPath">The server's socket.</param>
/// <param name="Vectors">MSI-X vectors of the device, 1..2048 (QEMU's limit).</param>
public sealed record MachineAttachment(string Name, string SocketPath, int Vectors);

/// <summary>A disk image.</summary>
/// <param name="Path">The image file.</param>
/// <param name="Format">QEMU's word for its format: raw, qcow2.</param>
/// <param name="ReadOnly">True where the guest may not write.</param>
public sealed record MachineDisk(string Path, string Format = "raw", bool ReadOnly = false);

/// <summary>What a machine is. Immutable; change with <c>with</c>.</summary>
public sealed partial record MachineOptions
{
    /// <summary>The least memory that the demo image boots with, in bytes (measured: 128 MiB panics, 160 MiB boots).</summary>
    public const long DemoImageLeastBytes = 160L << 20;

    /// <summary>The machine's name: the guest's host name, a folder, a QEMU process name. A letter, then up to 30 letters, digits and '-'.</summary>
    public required string Name { get; init; }

    /// <summary>Guest memory in bytes; a multiple of 1 MiB, 16 MiB at least. Default 256 MiB.</summary>
    public long MemoryBytes { get; init; } = 256L << 20;

    /// <summary>Virtual processors, 1..255. Default 1.</summary>
    public int Cpus { get; init; } = 1;

    /// <summary>A Linux kernel to boot directly, or null to boot from a disk.</summary>
    public string? KernelPath { get; init; }

    /// <summary>The kernel's initial file system, or null.</summary>
    public string? InitrdPath { get; init; }

    /// <summary>Added to the kernel's command line, after <c>console=ttyS0 panic=-1 quiet</c>. Default empty.</summary>
    public string Append { get; init; } = "";

    /// <summary>Disks in order: vda, vdb, …</summary>
    public IReadOnlyList<MachineDisk> Disks { get; init; } = [];

    /// <summary>QEMU's machine type: pc or q35, or any other word that the installed QEMU knows. Default pc.</summary>
    public string MachineType { get; init; } = "pc";

    /// <summary>What runs the processor. Default <see cref="Acceleration.Auto"/>.</summary>
    public Acceleration Acceleration { get; init; }

    /// <summary>Doorbell devices, in the order in which the guest finds them on its bus.</summary>
    public IReadOnlyList<MachineAttachment> Attachments { get; init; } = [];

    /// <summary>Network cards in the order in which the guest finds them: eth0, eth1, … With any, guest memory is a memfd that the switch maps.</summary>
    public IReadOnlyList<MachineNic> Nics { get; init; } = [];

    /// <summary>Lines of a shell script that the demo image runs once it is up; empty runs nothing.</summary>
    public IReadOnlyList<string> Run { get; init; } = [];

    /// <summary>Kernel modules that the demo image loads, or null for its own choice.</summary>
    public IReadOnlyList<string>? Modules { get; init; }

    /// <summary>Arguments for QEMU, added last and as they are.</summary>
    public IReadOnlyList<string> ExtraArguments { get; init; } = [];

    /// <summary>What is done when the machine ends by itself. Default <see cref="RestartPolicy.OnFailure"/>.</summary>
    public RestartPolicy Restart { get; init; } = RestartPolicy.OnFailure;

    /// <summary>How long before the first restart; doubled with each further one up to <see cref="RestartDelayMost"/>. Default 0.5 s.</summary>
    public TimeSpan RestartDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait before a restart. Default 30 s; a machine that was up for longer than this starts over at <see cref="RestartDelay"/>.</summary>
    public TimeSpan RestartDelayMost { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The guest is ready once its console says this, also in the middle of a line. Null: ready as soon as QEMU runs. Default <c>TOMBOLO-READY</c>, which the demo image prints.</summary>
    public string? ReadyMarker { get; init; } = ConsoleMark.Ready;

    /// <summary>How long a start may take before the fabric reports it as late; the machine is left running. Default 120 s.</summary>
    public TimeSpan ReadyTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long the guest may take to shut down after its power button is pressed. Default 5 s. Zero does not press it.</summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Lists everything that is wrong with these options, one sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (!NamePattern().IsMatch(Name))
            yield return $"The machine's name '{Name}' must be a letter followed by at most 30 letters, digits and '-'.";
        if (MemoryBytes < 16L << 20 || MemoryBytes % (1L << 20) != 0)
            yield return $"Machine {Name} has {MemoryBytes} bytes of memory; it must be a multiple of 1 MiB and 16 MiB at least.";
        if (Cpus is < 1 or > 255)
            yield return $"Machine {Name} has {Cpus} processors; it must have 1 to 255.";
        if (KernelPath is null && Disks.Count == 0)
            yield return $"Machine {Name} has neither a kernel nor a disk to boot from.";
        if (KernelPath is null && InitrdPath is not null)
            yield return $"Machine {Name} has an initrd but no kernel that could use it.";
        foreach (MachineAttachment attachment in Attachments)
            if (attachment.Vectors is < 1 or > 2048)
                yield return $"Machine {Name} attaches to {attachment.Name} with {attachment.Vectors} vectors; QEMU takes 1 to 2048.";
        if (Attachments.Select(attachment => attachment.Name).Distinct().Count() != Attachments.Count)
            yield return $"Machine {Name} attaches to the same name twice.";
        foreach (IGrouping<string, MachineNic> twice in Nics.GroupBy(nic => nic.Name).Where(group => group.Count() > 1))
            yield return $"Machine {Name} has two network cards called {twice.Key}.";
        foreach (MachineNic nic in Nics.Where(nic => nic.QueuePairs is < 1 or > 127))
            yield return $"Machine {Name} has a network card {nic.Name} with {nic.QueuePairs} queue pairs; it must have 1 to 127.";
        if (RestartDelay < TimeSpan.Zero || RestartDelayMost < RestartDelay)
            yield return $"Machine {Name} has a restart delay of {RestartDelay} and at most {RestartDelayMost}; the first must not be negative nor above the second.";
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9-]{0,30}$")] private static partial Regex NamePattern();
}
