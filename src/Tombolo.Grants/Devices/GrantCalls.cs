// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;

namespace Tombolo.Grants;

/// <summary>Numbers and structures of the devices' calls.</summary>
/// <remarks>
/// Source: Linux include/uapi/xen/{gntalloc,gntdev,evtchn}.h; the last three: guest/linux/uapi/tombolo_grant.h. All fields little-endian:
/// <code>
/// alloc:   0 domain u16, 2 flags u16, 4 count u32, 8 index u64 (out), 16 references u32 each (out)
/// dealloc: 0 index u64, 8 count u32, 12 pad        end: the same        unmap: the same
/// map:     0 count u32, 4 pad, 8 index u64 (out), 16 { domain u32, reference u32 } each
/// bind:    0 domain u32, 4 port u32                unbound: 0 domain u32       unbind, notify: 0 port u32
/// </code>
/// </remarks>
internal static class GrantCalls
{
    public const uint AllocGref = 0x00184705, DeallocGref = 0x00104706, MapGrantRef = 0x00184700, UnmapGrantRef = 0x00104701;
    public const uint BindInterdomain = 0x00084501, BindUnboundPort = 0x00044502, Notify = 0x00044504;
    public const uint Info = 0x8018C500, EndAccess = 0x4010C501;
    public const int InfoBytes = 24, HeadBytes = 16, MostPagesAtOnce = 1024;
    private const ushort Writable = 1;

    /// <summary>Grants pages.</summary>
    public static int Alloc(SafeFd device, ushort domain, bool readOnly, Span<uint> references, out ulong index)
    {
        byte[] call = new byte[Math.Max(HeadBytes + (4 * references.Length), 24)];
        BinaryPrimitives.WriteUInt16LittleEndian(call, domain);
        BinaryPrimitives.WriteUInt16LittleEndian(call.AsSpan(2), readOnly ? (ushort)0 : Writable);
        BinaryPrimitives.WriteInt32LittleEndian(call.AsSpan(4), references.Length);
        int errno = DeviceControl.Call(device, AllocGref, call, out _);
        index = BinaryPrimitives.ReadUInt64LittleEndian(call.AsSpan(8));
        for (int at = 0; at < references.Length; at++) references[at] = BinaryPrimitives.ReadUInt32LittleEndian(call.AsSpan(HeadBytes + (4 * at)));
        return errno;
    }

    /// <summary>Names pages that a mapping at the index will show.</summary>
    public static int Map(SafeFd device, ushort domain, IReadOnlyList<GrantRef> references, out ulong index)
    {
        byte[] call = new byte[HeadBytes + (8 * references.Count)];
        BinaryPrimitives.WriteInt32LittleEndian(call, references.Count);
        for (int at = 0; at < references.Count; at++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(call.AsSpan(HeadBytes + (8 * at)), domain);
            BinaryPrimitives.WriteUInt32LittleEndian(call.AsSpan(HeadBytes + (8 * at) + 4), references[at].Value);
        }
        int errno = DeviceControl.Call(device, MapGrantRef, call, out _);
        index = BinaryPrimitives.ReadUInt64LittleEndian(call.AsSpan(8));
        return errno;
    }

    /// <summary>One of the calls that take an index and a count.</summary>
    public static int Range(SafeFd device, uint request, ulong index, int count)
    {
        Span<byte> call = stackalloc byte[16];
        call.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(call, index);
        BinaryPrimitives.WriteInt32LittleEndian(call[8..], count);
        return DeviceControl.Call(device, request, call);
    }

    /// <summary>One of the calls that take one or two numbers.</summary>
    public static int Numbers(SafeFd device, uint request, ReadOnlySpan<uint> numbers, out int answer)
    {
        Span<byte> call = stackalloc byte[8];
        for (int at = 0; at < numbers.Length; at++) BinaryPrimitives.WriteUInt32LittleEndian(call[(4 * at)..], numbers[at]);
        return DeviceControl.Call(device, request, call[..(4 * numbers.Length)], out answer);
    }
}
