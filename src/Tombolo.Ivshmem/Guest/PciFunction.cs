// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Ivshmem;

/// <summary>A PCI device as the kernel shows it in /sys.</summary>
/// <remarks>Source: Linux Documentation/ABI/testing/sysfs-bus-pci.</remarks>
internal sealed class PciFunction
{
    private const string Vendor = "0x1af4", Device = "0x1110";   // QEMU docs/specs/pci-ids: ivshmem
    private const string VfioDriver = "vfio-pci";

    private readonly string _bus, _folder;

    private PciFunction(string bus, string folder) => (_bus, _folder) = (bus, folder);

    /// <summary>Domain, bus, slot and function: 0000:00:02.0.</summary>
    public string Address => Path.GetFileName(_folder);

    /// <summary>The driver that is bound to it, or null.</summary>
    public string? Driver => LinkName("driver");

    /// <summary>Its IOMMU group, or null where no IOMMU watches it.</summary>
    public int? IommuGroup => int.TryParse(LinkName("iommu_group"), NumberStyles.None, CultureInfo.InvariantCulture, out int group) ? group : null;

    /// <summary>Whether vfio-pci is loaded.</summary>
    public bool HasVfio => Directory.Exists(Path.Combine(_bus, "pci", "drivers", VfioDriver));

    /// <summary>The name of our driver's window device on it, or null.</summary>
    public string? WindowNode
    {
        get
        {
            string misc = Path.Combine(_bus, "tombolo", "devices", $"window.{Address}", "misc");
            return Directory.Exists(misc) ? Directory.EnumerateFileSystemEntries(misc).Select(Path.GetFileName).FirstOrDefault() : null;
        }
    }

    /// <summary>Every ivshmem device, by address.</summary>
    /// <param name="system">/sys.</param>
    public static IReadOnlyList<PciFunction> FindIvshmem(string system)
    {
        string bus = Path.Combine(system, "bus"), devices = Path.Combine(bus, "pci", "devices");
        if (!Directory.Exists(devices)) return [];
        return [.. Directory.EnumerateFileSystemEntries(devices).Order(StringComparer.Ordinal).Select(folder => new PciFunction(bus, folder)).Where(static one => one.Says("vendor", Vendor) && one.Says("device", Device))];
    }

    /// <summary>Binds vfio-pci, for this and every later time.</summary>
    /// <exception cref="UnauthorizedAccessException">Only root may.</exception>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void BindVfio()
    {
        File.WriteAllText(Path.Combine(_folder, "driver_override"), VfioDriver);
        File.WriteAllText(Path.Combine(_bus, "pci", "drivers_probe"), Address);
    }

    private bool Says(string file, string value)
    {
        string path = Path.Combine(_folder, file);
        return File.Exists(path) && File.ReadAllText(path).Trim() == value;
    }

    private string? LinkName(string link) => Path.GetFileName(new DirectoryInfo(Path.Combine(_folder, link)).LinkTarget);
}
