// SPDX-License-Identifier: MIT
namespace Tombolo.Ivshmem;

/// <summary>A way from a guest's user space to its ivshmem device.</summary>
public enum GuestRoute
{
    /// <summary>The driver's device where there is one, otherwise vfio.</summary>
    Auto,
    /// <summary>The device of our guest driver, /dev/tombolo_window_*.</summary>
    WindowDevice,
    /// <summary>vfio-pci: no module of ours, but an IOMMU is needed, and one process has the device at a time.</summary>
    Vfio,
}

/// <summary>How a processor treats accesses to a mapping.</summary>
public enum WindowMemoryType
{
    /// <summary>A newer driver said something that this library does not know.</summary>
    Unknown,
    /// <summary>Ordinary cached memory.</summary>
    WriteBack,
    /// <summary>Each access goes to memory: correct, but slow.</summary>
    Uncached,
}

/// <summary>Settings of one <see cref="GuestParticipant"/>. Immutable; change with <c>with</c>.</summary>
public sealed record GuestParticipantOptions
{
    /// <summary>Which device: a PCI address (0000:00:02.0) or a node of our driver (/dev/tombolo_window_0002). Null: the only one there is. Default null.</summary>
    public string? Device { get; init; }

    /// <summary>Which way. Default <see cref="GuestRoute.Auto"/>.</summary>
    public GuestRoute Route { get; init; }

    /// <summary>Whether vfio-pci may be bound to a device that has no driver (which needs root); it stays bound. Default true.</summary>
    public bool BindsVfio { get; init; } = true;

    /// <summary>Where the kernel shows its devices; tests have one of their own.</summary>
    internal string SystemFolder { get; init; } = "/sys";

    /// <summary>Where the kernel's device nodes are; tests have one of their own.</summary>
    internal string DeviceFolder { get; init; } = "/dev";

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (!Enum.IsDefined(Route)) yield return $"Route is {(int)Route}; it must be Auto, WindowDevice or Vfio.";
        if (Device is "") yield return "Device is empty; give a PCI address or a node in /dev, or null for the only device there is.";
        if (Device?.StartsWith('/') == true && Route == GuestRoute.Vfio) yield return $"Device is {Device}, a node of our driver, but Route is Vfio; give a PCI address.";
    }
}
