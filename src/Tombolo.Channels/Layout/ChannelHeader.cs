// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Numerics;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>The header of a channel's block. Written once when the channel is made; only the generation changes, to 0, when it is removed.</summary>
/// <remarks><code>0: "CHAN" | 4: version (2) | 6: kind (2) | 8: spokes (4) | 12: rings (4) | 16: capacity of a ring (8) | 24: offset of ring 0 (8) | 32: bytes from ring to ring (8) | 40: generation (8) | 48: zero</code>
/// Source: docs/specs/channels.md, "A channel".</remarks>
internal readonly record struct ChannelHeader(uint Magic, ushort Version, ChannelKind Kind, uint Spokes, uint Rings, ulong Capacity, ulong RingsOffset, ulong RingStride, ulong Generation) : IWire<ChannelHeader>
{
    public static int Size => ChannelLayout.HeaderBytes;

    public static ChannelHeader For(ChannelSpec spec, ulong generation) => new(
        ChannelLayout.Magic, ChannelLayout.Version, spec.Kind, (uint)spec.EndsBehindHub, (uint)spec.Rings, (ulong)spec.CapacityBytes,
        (ulong)ChannelLayout.RingsOffset(spec.EndsBehindHub), (ulong)ChannelLayout.RingStride(spec.CapacityBytes), generation);

    public static bool TryRead(ReadOnlySpan<byte> source, out ChannelHeader value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(
            BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt16LittleEndian(source[4..]), (ChannelKind)BinaryPrimitives.ReadUInt16LittleEndian(source[6..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), BinaryPrimitives.ReadUInt32LittleEndian(source[12..]), BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[24..]), BinaryPrimitives.ReadUInt64LittleEndian(source[32..]), BinaryPrimitives.ReadUInt64LittleEndian(source[40..]));
        return true;
    }

    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[6..], (ushort)Kind);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Spokes);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], Rings);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], Capacity);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], RingsOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[32..], RingStride);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[40..], Generation);
    }

    public WireFault Check()
    {
        if (Magic != ChannelLayout.Magic || !ChannelSpec.IsKind(Kind)) return WireFault.UnknownType;
        if (Version != ChannelLayout.Version) return WireFault.UnknownVersion;
        if (Capacity is < ChannelLayout.MinCapacity or > ChannelLayout.MaxCapacity || !BitOperations.IsPow2(Capacity)) return WireFault.ValueOutOfRange;
        if (Spokes is < 1 or > ChannelLayout.MaxSpokes || (Kind == ChannelKind.Ring && Spokes != 1) || (Kind == ChannelKind.Stream && Spokes != ChannelSpec.StreamEnds) || Rings != ChannelSpec.RingsOf(Kind, (int)Spokes)) return WireFault.ValueOutOfRange;
        return RingsOffset == (ulong)ChannelLayout.RingsOffset((int)Spokes) && RingStride == (ulong)ChannelLayout.RingStride((int)Capacity) ? WireFault.None : WireFault.ValueOutOfRange;
    }

    /// <summary>Bytes of the whole block; only of a header that passed <see cref="Check"/>.</summary>
    public long BlockBytes => ChannelLayout.BlockBytes((int)Spokes, (int)Rings, (int)Capacity);
}
