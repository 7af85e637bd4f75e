// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Globalization;

namespace Tombolo.Linux;

/// <summary>Maps pages that other Xen domains granted, and copies out of and into them: Linux's device gntdev.</summary>
/// <remarks>Mappings end when they are unmapped, or with the process. Thread-safe. Source: Linux drivers/xen/gntdev.c, uapi/xen/gntdev.h.</remarks>
public static class XenGrantDevice
{
    /// <summary>The device's node.</summary>
    public const string Path = "/dev/xen/gntdev";

    /// <summary>Opens the device.</summary>
    /// <exception cref="LinuxException">ENOENT: no Xen domain, or the module xen-gntdev is not loaded; EACCES.</exception>
    public static SafeFd Open() => CharacterDevice.OpenBoth(Path);

    /// <summary>Prepares grants for being mapped next to each other. Whether they are any is seen only by mapping them (EINVAL).</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="domain">The granter.</param>
    /// <param name="references">Its references.</param>
    /// <returns>Where to map them from the device with <see cref="MemoryMapping"/>, whole and once, in bytes.</returns>
    /// <exception cref="LinuxException">EINVAL: none or too many references; ENOMEM.</exception>
    public static long Prepare(SafeFd device, ushort domain, ReadOnlySpan<uint> references)
    {
        Span<byte> call = new byte[XenAbi.MapReferences + (Math.Max(references.Length, 1) * XenAbi.MapReferenceBytes)];
        BinaryPrimitives.WriteInt32LittleEndian(call[XenAbi.MapCount..], references.Length);
        for (int i = 0; i < references.Length; i++)
        {
            Span<byte> one = call[(XenAbi.MapReferences + (i * XenAbi.MapReferenceBytes))..];
            BinaryPrimitives.WriteUInt32LittleEndian(one, domain);
            BinaryPrimitives.WriteUInt32LittleEndian(one[sizeof(uint)..], references[i]);
        }
        _ = DeviceControl.CallLonger(device, XenAbi.MapGrants, call, "ioctl(GNTDEV_MAP_GRANT_REF)", $"{references.Length} pages of domain {domain}");
        return BinaryPrimitives.ReadInt64LittleEndian(call[XenAbi.MapIndex..]);
    }

    /// <summary>Gives up what <see cref="Prepare"/> prepared; unmap it first.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="index">What <see cref="Prepare"/> gave.</param>
    /// <param name="pages">How many pages.</param>
    /// <exception cref="LinuxException">ENOENT or EINVAL: there are no such pages.</exception>
    public static void Forget(SafeFd device, long index, int pages) => CallRange(device, XenAbi.UnmapGrants, index, pages, "ioctl(GNTDEV_UNMAP_GRANT_REF)");

    /// <summary>Says what happens when these pages are unmapped, also by this process's death: the other side's only sign of it but for the store.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="index">What <see cref="Prepare"/> gave, and the byte's offset within the pages.</param>
    /// <param name="actions">What.</param>
    /// <param name="port">An own port of an event channel.</param>
    /// <exception cref="LinuxException">ENOENT or EINVAL: no such pages, no such port, or a byte to clear in pages that are mapped for reading only.</exception>
    public static void SetUnmapNotify(SafeFd device, long index, XenUnmapActions actions, uint port) => CallNotify(device, XenAbi.MappedUnmapNotify, index, actions, port, "ioctl(GNTDEV_SET_UNMAP_NOTIFY)");

    /// <summary>Copies out of a granted page without mapping it.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="domain">The granter.</param>
    /// <param name="reference">The page.</param>
    /// <param name="offsetBytes">Where in the page to start.</param>
    /// <param name="destination">Receives as many bytes as it is long; they must lie within the page.</param>
    /// <returns>0, or Xen's negative status (GNTST_*): -3 a bad reference, -8 not permitted.</returns>
    /// <exception cref="LinuxException">The kernel refused the call itself.</exception>
    public static unsafe int CopyOut(SafeFd device, ushort domain, uint reference, int offsetBytes, Span<byte> destination)
    {
        // SAFETY: the kernel writes as many bytes as the segment's length says, which is the pinned span's own.
        fixed (byte* local = destination) return Copy(device, XenAbi.SegmentSource, XenAbi.SegmentDestination, XenAbi.SourceIsGrant, domain, reference, offsetBytes, (nint)local, destination.Length);
    }

    /// <summary>Copies into a granted page without mapping it.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="domain">The granter.</param>
    /// <param name="reference">The page.</param>
    /// <param name="offsetBytes">Where in the page to start.</param>
    /// <param name="source">The bytes; they must lie within the page.</param>
    /// <returns>As <see cref="CopyOut"/>.</returns>
    /// <exception cref="LinuxException">The kernel refused the call itself.</exception>
    public static unsafe int CopyIn(SafeFd device, ushort domain, uint reference, int offsetBytes, ReadOnlySpan<byte> source)
    {
        // SAFETY: the kernel reads as many bytes as the segment's length says, which is the pinned span's own.
        fixed (byte* local = source) return Copy(device, XenAbi.SegmentDestination, XenAbi.SegmentSource, XenAbi.DestinationIsGrant, domain, reference, offsetBytes, (nint)local, source.Length);
    }

    internal static void CallRange(SafeFd device, uint request, long index, int pages, string call)
    {
        Span<byte> range = stackalloc byte[XenAbi.RangeBytes];
        range.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(range[XenAbi.RangeIndex..], index);
        BinaryPrimitives.WriteInt32LittleEndian(range[XenAbi.RangeCount..], pages);
        _ = DeviceControl.CallLonger(device, request, range, call, $"{pages} pages at {index}");
    }

    internal static void CallNotify(SafeFd device, uint request, long index, XenUnmapActions actions, uint port, string call)
    {
        Span<byte> notify = stackalloc byte[XenAbi.NotifyBytes];
        BinaryPrimitives.WriteInt64LittleEndian(notify[XenAbi.NotifyIndex..], index);
        BinaryPrimitives.WriteInt32LittleEndian(notify[XenAbi.NotifyAction..], (int)actions);
        BinaryPrimitives.WriteUInt32LittleEndian(notify[XenAbi.NotifyPort..], port);
        _ = DeviceControl.CallLonger(device, request, notify, call, $"byte {index}, port {port}");
    }

    private static unsafe int Copy(SafeFd device, int grantEnd, int localEnd, ushort flags, ushort domain, uint reference, int offsetBytes, nint local, int lengthBytes)
    {
        Span<byte> segment = stackalloc byte[XenAbi.SegmentBytes], call = stackalloc byte[XenAbi.CopyBytes];
        segment.Clear();
        call.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(segment[(grantEnd + XenAbi.EndReference)..], reference);
        BinaryPrimitives.WriteUInt16LittleEndian(segment[(grantEnd + XenAbi.EndOffset)..], checked((ushort)offsetBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(segment[(grantEnd + XenAbi.EndDomain)..], domain);
        BinaryPrimitives.WriteInt64LittleEndian(segment[localEnd..], local);
        BinaryPrimitives.WriteUInt16LittleEndian(segment[XenAbi.SegmentLength..], checked((ushort)lengthBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(segment[XenAbi.SegmentFlags..], flags);
        BinaryPrimitives.WriteInt32LittleEndian(call[XenAbi.CopyCount..], 1);
        // SAFETY: the kernel reads and writes the one segment that the count says, on this stack.
        fixed (byte* segments = segment)
        {
            BinaryPrimitives.WriteInt64LittleEndian(call[XenAbi.CopySegments..], (nint)segments);
            _ = DeviceControl.CallLonger(device, XenAbi.CopyGrants, call, "ioctl(GNTDEV_GRANT_COPY)", string.Create(CultureInfo.InvariantCulture, $"{lengthBytes} bytes of reference {reference} of domain {domain}"));
        }
        return BinaryPrimitives.ReadInt16LittleEndian(segment[XenAbi.SegmentStatus..]);
    }
}
