// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Linux;

/// <summary>What happens when a mapping of granted pages goes away. Source: uapi/xen/gntdev.h, UNMAP_NOTIFY_*.</summary>
[Flags]
public enum XenUnmapActions
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>The named byte becomes 0.</summary>
    ClearByte = 1,
    /// <summary>An event is sent.</summary>
    SendEvent = 2,
}

/// <summary>Makes pages and grants them to other Xen domains: Linux's device gntalloc.</summary>
/// <remarks>
/// A descriptor's grants end when it is closed, also by the process's death: at once where nobody has them mapped, else when the kernel next looks after them. They are mapped here from the
/// descriptor with <see cref="MemoryMapping"/> at the index that <see cref="Allocate"/> gave. Thread-safe. Source: Linux drivers/xen/gntalloc.c, uapi/xen/gntalloc.h.
/// </remarks>
public static class XenGrantAllocator
{
    /// <summary>The device's node.</summary>
    public const string Path = "/dev/xen/gntalloc";

    /// <summary>Opens the device.</summary>
    /// <exception cref="LinuxException">ENOENT: no Xen domain, or the module xen-gntalloc is not loaded; EACCES.</exception>
    public static SafeFd Open() => CharacterDevice.OpenBoth(Path);

    /// <summary>Makes zero-filled pages and grants them.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="domain">To whom.</param>
    /// <param name="writable">Whether that domain may write them.</param>
    /// <param name="references">Receives a reference for each page; its length says how many pages.</param>
    /// <returns>Where they can be mapped from the device, in bytes.</returns>
    /// <exception cref="LinuxException">ENOSPC: the module's limit (1024 pages by default) or the grant table is used up; ENOMEM.</exception>
    public static long Allocate(SafeFd device, ushort domain, bool writable, Span<uint> references)
    {
        Span<byte> call = new byte[XenAbi.AllocateReferences + (Math.Max(references.Length, 2) * sizeof(uint))];
        BinaryPrimitives.WriteUInt16LittleEndian(call[XenAbi.AllocateDomain..], domain);
        BinaryPrimitives.WriteUInt16LittleEndian(call[XenAbi.AllocateFlags..], writable ? XenAbi.Writable : (ushort)0);
        BinaryPrimitives.WriteInt32LittleEndian(call[XenAbi.AllocateCount..], references.Length);
        _ = DeviceControl.CallLonger(device, XenAbi.AllocateGrants, call, "ioctl(GNTALLOC_ALLOC_GREF)", $"{references.Length} pages for domain {domain}");
        for (int i = 0; i < references.Length; i++) references[i] = BinaryPrimitives.ReadUInt32LittleEndian(call[(XenAbi.AllocateReferences + (i * sizeof(uint)))..]);
        return BinaryPrimitives.ReadInt64LittleEndian(call[XenAbi.AllocateIndex..]);
    }

    /// <summary>Ends grants. Pages that somebody has mapped, or that are mapped here, end when they are not any more.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="index">What <see cref="Allocate"/> gave.</param>
    /// <param name="pages">How many pages.</param>
    /// <exception cref="LinuxException">EINVAL: there are no such pages.</exception>
    public static void Free(SafeFd device, long index, int pages) => XenGrantDevice.CallRange(device, XenAbi.FreeGrants, index, pages, "ioctl(GNTALLOC_DEALLOC_GREF)");

    /// <summary>Says what happens when these pages end here.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="index">What <see cref="Allocate"/> gave, and the byte's offset within the pages.</param>
    /// <param name="actions">What.</param>
    /// <param name="port">An own port of an event channel.</param>
    /// <exception cref="LinuxException">ENOENT or EINVAL: no such page, or no such port.</exception>
    public static void SetUnmapNotify(SafeFd device, long index, XenUnmapActions actions, uint port) =>
        XenGrantDevice.CallNotify(device, XenAbi.AllocatedUnmapNotify, index, actions, port, "ioctl(GNTALLOC_SET_UNMAP_NOTIFY)");
}
