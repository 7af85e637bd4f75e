// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Finds the device that is meant and opens it the best way there is; where there is none, says in one sentence why and what to do.</summary>
internal static class GuestDeviceChoice
{
    private const string OurDriver = "tombolo", VfioDriver = "vfio-pci";
    private const string LoadOurs = "load tombolo.ko and tombolo_window.ko (modprobe tombolo tombolo_window)";

    public static IGuestDevice Open(GuestParticipantOptions options)
    {
        if (options.Device?.StartsWith('/') == true) return OpenNode(options.Device);
        PciFunction function = Find(options);
        if (options.Route != GuestRoute.Vfio && function.WindowNode is { } node) return OpenNode(Path.Combine(options.DeviceFolder, node));
        return options.Route == GuestRoute.WindowDevice
            ? throw new IvshmemException($"{function.Address} has no window device: {LoadOurs}{(function.Driver is { } driver and not OurDriver ? $" after unbinding {driver}" : "")}.")
            : OpenVfio(function, options);
    }

    private static PciFunction Find(GuestParticipantOptions options)
    {
        IReadOnlyList<PciFunction> all = PciFunction.FindIvshmem(options.SystemFolder);
        if (all.Count == 0) throw new IvshmemException("This machine has no ivshmem device (PCI 1af4:1110); a guest gets one with QEMU's -device ivshmem-doorbell, which 'tombolo vm stanza' prints.");
        string addresses = string.Join(", ", all.Select(static one => one.Address));
        if (options.Device is { } wanted)
            return all.FirstOrDefault(one => one.Address == wanted || one.Address == $"0000:{wanted}") ?? throw new IvshmemException($"There is no ivshmem device at {wanted}; there is: {addresses}.");
        return all.Count == 1 ? all[0] : throw new IvshmemException($"There are {all.Count} ivshmem devices: {addresses}; say which one.");
    }

    private static WindowDevice OpenNode(string path)
    {
        try { return WindowDevice.Open(path); }
        catch (LinuxException exception) when (exception.Errno == Errno.AccessDenied)
        {
            throw new IvshmemException($"{path} is not for this user: run as root, or let a udev rule give it to a group of yours.", exception);
        }
        catch (LinuxException exception) when (exception.Errno == Errno.Busy)
        {
            throw new IvshmemException($"{path} is open as often as its driver allows; close one of its users.", exception);
        }
    }

    private static VfioDevice OpenVfio(PciFunction function, GuestParticipantOptions options)
    {
        string address = function.Address;
        if (function.Driver is { } driver and not VfioDriver)
            throw new IvshmemException(driver == OurDriver ? $"{address} is driven by {driver}.ko, so vfio cannot have it; load tombolo_window.ko (modprobe tombolo_window), which offers its window." : $"{address} is driven by {driver}; unbind it, and {LoadOurs}.");
        if (function.IommuGroup is not { } group)
            throw new IvshmemException($"{address} has neither a driver nor an IOMMU, which vfio needs: {LoadOurs}, or start the guest with -machine q35 -device intel-iommu,intremap=on before the device.");
        if (function.Driver is null) Bind(function, options);
        string groupPath = Path.Combine(options.DeviceFolder, "vfio", group.ToString(System.Globalization.CultureInfo.InvariantCulture));
        try { return VfioDevice.Open(groupPath, address); }
        catch (LinuxException exception) { throw new IvshmemException($"{address} cannot be opened through vfio: {exception.Message} {WayOut(exception.Errno)}", exception); }
    }

    private static void Bind(PciFunction function, GuestParticipantOptions options)
    {
        string address = function.Address;
        if (!options.BindsVfio) throw new IvshmemException($"{address} has no driver, and vfio-pci may not be bound to it: allow that, bind it yourself, or {LoadOurs}.");
        if (!function.HasVfio) throw new IvshmemException($"{address} has no driver: {LoadOurs}, or vfio-pci (modprobe vfio-pci vfio_iommu_type1).");
        try { function.BindVfio(); }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new IvshmemException($"vfio-pci cannot be bound to {address}, which needs root: {exception.Message}", exception);
        }
        if (function.Driver != VfioDriver) throw new IvshmemException($"vfio-pci did not take {address}; the kernel log says why. Or {LoadOurs}.");
    }

    private static string WayOut(int errno) => errno switch
    {
        Errno.Busy => "Another process has the device, and vfio gives it to one at a time; tombolo_window.ko gives it to many.",
        Errno.NotPermitted => "Either a device of the same IOMMU group has another driver, or the IOMMU does not remap interrupts (QEMU: intremap=on; or vfio_iommu_type1 allow_unsafe_interrupts=1).",
        Errno.AccessDenied => "Run as root, or give the group's node to this user.",
        Errno.NoEntry or Errno.NoDevice => "Load vfio-pci and vfio_iommu_type1 (modprobe vfio-pci vfio_iommu_type1).",
        _ => $"Or {LoadOurs}.",
    };
}
