// SPDX-License-Identifier: MIT
using Tombolo.Machines;

namespace Tombolo.Fabric;

/// <summary>A declared machine.</summary>
public sealed record MachineDeclaration
{
    /// <summary>The word for the guest image that <c>make guest</c> builds.</summary>
    public const string DemoImage = "demo";

    /// <summary>Its name, unique in the fabric; the guest's host name.</summary>
    public required string Name { get; init; }
    /// <summary>"demo", or an absolute folder with an image like it; null where it brings a kernel or disks of its own.</summary>
    public string? Image { get; init; }
    /// <summary>A kernel, absolute; null for the image's.</summary>
    public string? Kernel { get; init; }
    /// <summary>An initial file system, absolute; null for the image's.</summary>
    public string? Initrd { get; init; }
    /// <summary>Added to the kernel's command line.</summary>
    public string Append { get; init; } = "";
    /// <summary>Disks, absolute paths.</summary>
    public IReadOnlyList<MachineDisk> Disks { get; init; } = [];
    /// <summary>Guest memory in bytes. Default 256 MiB.</summary>
    public long MemoryBytes { get; init; } = 256L << 20;
    /// <summary>Virtual processors. Default 1.</summary>
    public int Cpus { get; init; } = 1;
    /// <summary>QEMU's machine type. Default pc.</summary>
    public string MachineType { get; init; } = "pc";
    /// <summary>What runs the processor. Default auto.</summary>
    public Acceleration Acceleration { get; init; }
    /// <summary>Mailboxes, regions and switches it joins, in the order of its devices.</summary>
    public IReadOnlyList<string> Attach { get; init; } = [];
    /// <summary>Addresses that the demo image gives its network cards.</summary>
    public IReadOnlyList<MachineAddress> Addresses { get; init; } = [];
    /// <summary>Lines of the script that the demo image runs.</summary>
    public IReadOnlyList<string> Run { get; init; } = [];
    /// <summary>Kernel modules that the demo image loads; null for its own choice.</summary>
    public IReadOnlyList<string>? Modules { get; init; }
    /// <summary>What the console says when the guest is up; null: ready as soon as QEMU runs. Default: the demo image's mark, null for other images.</summary>
    public string? Ready { get; init; }
    /// <summary>How long it may take to be ready before the fabric says so. Default 120 s.</summary>
    public TimeSpan ReadyWithin { get; init; } = TimeSpan.FromSeconds(120);
    /// <summary>What is done when it ends by itself. Default on-failure.</summary>
    public RestartPolicy Restart { get; init; } = RestartPolicy.OnFailure;
    /// <summary>How long the guest may take to shut down when asked. Default 5 s.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Machines that must be ready before it is started.</summary>
    public IReadOnlyList<string> After { get; init; } = [];
    /// <summary>Arguments for QEMU, added last.</summary>
    public IReadOnlyList<string> Qemu { get; init; } = [];
}
