// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Switching;

/// <summary>One descriptor of a split ring, as the driver wrote it.</summary>
/// <remarks>
/// Source: virtio 1.1, 2.6.5, struct virtq_desc. Little-endian.
/// <code>0: address (8) | 8: length (4) | 12: flags (2) | 14: next (2)</code>
/// A packed ring's (2.7, struct pvirtq_desc) differs in its end: <code>12: buffer id (2) | 14: flags (2)</code>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Pack = 8, Size = Descriptor.Bytes)]
internal readonly record struct Descriptor(ulong Address, uint Length, ushort Flags, ushort Next)
{
    public const int Bytes = 16;
    public const ushort HasNext = 1, IsWritable = 2, IsTable = 4;       // VIRTQ_DESC_F_NEXT, _WRITE, _INDIRECT
    public const ushort Available = 1 << 7, Used = 1 << 15;             // VIRTQ_DESC_F_AVAIL, _USED: packed rings

    /// <summary>Copies one out of a table, once. The caller has checked the index.</summary>
    public static Descriptor Read(ReadOnlySpan<byte> table, int index) => MemoryMarshal.Read<Descriptor>(table.Slice(index * Bytes, Bytes));
}
