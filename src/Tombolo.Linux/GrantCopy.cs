// SPDX-License-Identifier: MIT

using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>Copies out of and into granted pages by the driver: IOCTL_GNTDEV_GRANT_COPY.</summary>
/// <remarks>Thread-safe. Source: Linux include/uapi/xen/gntdev.h; a segment has 24 bytes: two ends of 8 (an address, or reference u32, offset u16, domain u16), length u16, flags u16, status s16.</remarks>
public static partial class GrantCopy
{
    private const uint Request = 0x00104708;
    private const ushort SourceIsGrant = 1, DestinationIsGrant = 2;

    /// <summary>Copies out of a granted page.</summary>
    /// <param name="device">The driver's device for mapping grants; borrowed.</param>
    /// <param name="domain">The granter.</param>
    /// <param name="reference">Its grant.</param>
    /// <param name="offsetBytes">Where in the page.</param>
    /// <param name="destination">Receives the bytes.</param>
    /// <param name="status">What became of it: 0, or Xen's GNTST code, which is negative.</param>
    /// <returns>0, or the error number; then the status says nothing.</returns>
    public static unsafe int Out(SafeFd device, ushort domain, uint reference, ushort offsetBytes, Span<byte> destination, out short status)
    {
        // SAFETY: the driver writes as many bytes as the segment's length says, which is the span's.
        fixed (byte* bytes = destination) return Copy(device, GrantEnd(domain, reference, offsetBytes), (ulong)bytes, checked((ushort)destination.Length), SourceIsGrant, out status);
    }

    /// <summary>Copies into a granted page.</summary>
    /// <param name="device">The driver's device for mapping grants; borrowed.</param>
    /// <param name="domain">The granter.</param>
    /// <param name="reference">Its grant.</param>
    /// <param name="offsetBytes">Where in the page.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="status">As for <see cref="Out"/>.</param>
    /// <returns>As for <see cref="Out"/>.</returns>
    public static unsafe int In(SafeFd device, ushort domain, uint reference, ushort offsetBytes, ReadOnlySpan<byte> source, out short status)
    {
        // SAFETY: the driver reads as many bytes as the segment's length says, which is the span's.
        fixed (byte* bytes = source) return Copy(device, (ulong)bytes, GrantEnd(domain, reference, offsetBytes), checked((ushort)source.Length), DestinationIsGrant, out status);
    }

    private static ulong GrantEnd(ushort domain, uint reference, ushort offsetBytes) => reference | ((ulong)offsetBytes << 32) | ((ulong)domain << 48);

    private static unsafe int Copy(SafeFd device, ulong source, ulong destination, ushort lengthBytes, ushort flags, out short status)
    {
        // SAFETY: the call and its one segment stand on this stack until the driver returns.
        Segment segment = new() { Source = source, Destination = destination, Length = lengthBytes, Flags = flags, Status = -1 };
        Call call = new() { Count = 1, Segments = &segment };
        int failed = ioctl(device, Request, &call);
        status = segment.Status;
        return failed < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Segment
    {
        public ulong Source, Destination;
        public ushort Length, Flags;
        public short Status;
    }

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Call
    {
        public uint Count;
        public Segment* Segments;
    }

    [LibraryImport("libc", SetLastError = true)] private static unsafe partial int ioctl(SafeFd fd, nuint request, Call* argument);
}
