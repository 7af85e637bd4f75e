// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>A PCI device that is driven from user space through vfio-pci. One process has it at a time.</summary>
/// <remarks>
/// Three descriptors: a container (an IOMMU's view of memory), the device's group, the device. Disposing them gives the device back, with its interrupts off.
/// Not thread-safe. Source: Linux Documentation/driver-api/vfio.rst, uapi/linux/vfio.h.
/// </remarks>
public sealed partial class Vfio : IDisposable
{
    /// <summary>Where a container is made.</summary>
    public const string ContainerPath = "/dev/vfio/vfio";

    private const uint GetGroupStatus = 0x3B67, SetContainer = 0x3B68, SetIommu = 0x3B66, GetDevice = 0x3B6A, GetRegion = 0x3B6C, GetInterrupts = 0x3B6D, SetInterrupts = 0x3B6E;   // _IO(';', 100 + n)
    private const uint Type1 = 1, GroupViable = 1, CanMap = 4, DataIsEventFd = 4, ActionIsTrigger = 32;
    private const int ConfigRegion = 7, MsixInterrupts = 2, RequestInterrupts = 4;   // VFIO_PCI_*_INDEX
    private const int PciCommand = 4;
    private const ushort MemoryEnabled = 2, BusMaster = 4;   // uapi/linux/pci_regs.h
    private const int InterruptHeadBytes = 20;   // struct vfio_irq_set before its data

    private readonly SafeFd _container, _group, _device;
    private readonly string _address;

    private Vfio(SafeFd container, SafeFd group, SafeFd device, string address) => (_container, _group, _device, _address) = (container, group, device, address);

    /// <summary>The device's descriptor, borrowed; its regions are mapped from it.</summary>
    public SafeFd Descriptor => _device;

    /// <summary>Opens a device that vfio-pci is bound to.</summary>
    /// <param name="groupPath">The node of its IOMMU group, /dev/vfio/N.</param>
    /// <param name="address">Its PCI address, 0000:00:01.0.</param>
    /// <exception cref="LinuxException">
    /// ENOENT: no vfio here; EACCES; EBUSY: another process has the group; EPERM: a device of the group has another driver, or the IOMMU does not remap interrupts. Nothing is left open.
    /// </exception>
    public static Vfio Open(string groupPath, string address)
    {
        SafeFd? group = null, container = null;
        try
        {
            container = CharacterDevice.OpenBoth(ContainerPath);
            group = CharacterDevice.OpenBoth(groupPath);
            Span<byte> status = stackalloc byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(status, status.Length);
            Call(group, GetGroupStatus, status, "ioctl(VFIO_GROUP_GET_STATUS)", groupPath);
            if ((BinaryPrimitives.ReadUInt32LittleEndian(status[4..]) & GroupViable) == 0) throw new LinuxException("ioctl(VFIO_GROUP_GET_STATUS)", $"{groupPath}, of which a device has another driver", Errno.NotPermitted);
            Span<byte> containerNumber = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(containerNumber, container.Number);
            Call(group, SetContainer, containerNumber, "ioctl(VFIO_GROUP_SET_CONTAINER)", groupPath);
            _ = LinuxException.ThrowIfFailed(ioctl(container, SetIommu, (nint)Type1), "ioctl(VFIO_SET_IOMMU)", ContainerPath);
            var device = new SafeFd(LinuxException.ThrowIfFailed(ioctl(group, GetDevice, address), "ioctl(VFIO_GROUP_GET_DEVICE_FD)", address));
            return new(container, group, device, address);
        }
        catch
        {
            group?.Dispose();
            container?.Dispose();
            throw;
        }
    }

    /// <summary>Where one of the device's regions is.</summary>
    /// <param name="region">0..5: the BAR of that number.</param>
    /// <returns>Its size in bytes (0: the device has none), its offset in <see cref="Descriptor"/>, and whether it can be mapped.</returns>
    /// <exception cref="LinuxException">A bug here.</exception>
    public (long SizeBytes, long OffsetBytes, bool CanBeMapped) RegionOf(int region)
    {
        // argsz | flags | index | capabilities' offset | size (64) | offset (64)
        Span<byte> info = stackalloc byte[32];
        BinaryPrimitives.WriteInt32LittleEndian(info, info.Length);
        BinaryPrimitives.WriteInt32LittleEndian(info[8..], region);
        Call(_device, GetRegion, info, "ioctl(VFIO_DEVICE_GET_REGION_INFO)", $"region {region} of {_address}");
        return (BinaryPrimitives.ReadInt64LittleEndian(info[16..]), BinaryPrimitives.ReadInt64LittleEndian(info[24..]), (BinaryPrimitives.ReadUInt32LittleEndian(info[4..]) & CanMap) != 0);
    }

    /// <summary>How many MSI-X vectors the device has; 0: none.</summary>
    /// <exception cref="LinuxException">A bug here.</exception>
    public int VectorCount()
    {
        // argsz | flags | index | count
        Span<byte> info = stackalloc byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(info, info.Length);
        BinaryPrimitives.WriteInt32LittleEndian(info[8..], MsixInterrupts);
        Call(_device, GetInterrupts, info, "ioctl(VFIO_DEVICE_GET_IRQ_INFO)", _address);
        return BinaryPrimitives.ReadInt32LittleEndian(info[12..]);
    }

    /// <summary>Lets the device answer to accesses and send interrupts: without the latter (bus master) each MSI-X message is silently lost.</summary>
    /// <exception cref="LinuxException">The configuration cannot be written.</exception>
    public unsafe void Enable()
    {
        long at = RegionOf(ConfigRegion).OffsetBytes + PciCommand;
        ushort command;
        // SAFETY: two bytes of a local that outlives both calls.
        if (pread(_device, &command, sizeof(ushort), at) != sizeof(ushort)) throw LinuxException.Last("pread", $"the configuration of {_address}");
        command |= MemoryEnabled | BusMaster;
        // SAFETY: as above.
        if (pwrite(_device, &command, sizeof(ushort), at) != sizeof(ushort)) throw LinuxException.Last("pwrite", $"the configuration of {_address}");
    }

    /// <summary>Has eventfds signalled at the device's MSI-X interrupts, from vector 0 on.</summary>
    /// <param name="eventFds">One per vector, at most <see cref="VectorCount"/>; borrowed, but the kernel keeps them until this object goes.</param>
    /// <exception cref="LinuxException">EINVAL: more than there are; ENOSPC, ENOMEM.</exception>
    public void SetVectors(IReadOnlyList<SafeFd> eventFds) => SetTriggers(MsixInterrupts, eventFds);

    /// <summary>Has an eventfd signalled when the kernel wants the device back (it is unplugged, or to have another driver): it then waits until this object is disposed.</summary>
    /// <param name="eventFd">Borrowed, but the kernel keeps it until this object goes.</param>
    /// <exception cref="LinuxException">A bug here.</exception>
    public void SetRequest(SafeFd eventFd) => SetTriggers(RequestInterrupts, [eventFd]);

    /// <summary>Gives the device back.</summary>
    public void Dispose()
    {
        _device.Dispose();
        _group.Dispose();
        _container.Dispose();
    }

    // argsz | flags | index | start | count | eventfds
    private void SetTriggers(int index, IReadOnlyList<SafeFd> eventFds)
    {
        byte[] set = new byte[InterruptHeadBytes + (eventFds.Count * sizeof(int))];
        int[] head = [set.Length, (int)(DataIsEventFd | ActionIsTrigger), index, 0, eventFds.Count];
        for (int i = 0; i < head.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(set.AsSpan(i * sizeof(int)), head[i]);
        for (int i = 0; i < eventFds.Count; i++) BinaryPrimitives.WriteInt32LittleEndian(set.AsSpan(InterruptHeadBytes + (i * sizeof(int))), eventFds[i].Number);
        Call(_device, SetInterrupts, set, "ioctl(VFIO_DEVICE_SET_IRQS)", $"{eventFds.Count} interrupts of {_address}");
        GC.KeepAlive(eventFds);
    }

    // These structures begin with their own length, which the kernel keeps to; or they are one number.
    private static unsafe void Call(SafeFd fd, uint request, Span<byte> argument, string call, string subject)
    {
        // SAFETY: the kernel touches as many bytes as the structure's first field says, which is the span's length; SET_CONTAINER reads the four bytes it is given.
        fixed (byte* pointer = argument) _ = LinuxException.ThrowIfFailed(ioctl(fd, request, pointer), call, subject);
    }

    [LibraryImport("libc", SetLastError = true)] private static unsafe partial int ioctl(SafeFd fd, nuint request, byte* argument);
    [LibraryImport("libc", SetLastError = true)] private static partial int ioctl(SafeFd fd, nuint request, nint argument);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int ioctl(SafeFd fd, nuint request, string argument);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial nint pread(SafeFd fd, void* buffer, nint count, long offset);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial nint pwrite(SafeFd fd, void* buffer, nint count, long offset);
}
