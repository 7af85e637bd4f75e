// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Regions;

/// <summary>What stands at the window's first byte and says where the region table is.</summary>
/// <remarks>
/// Source: vsoc_shm.h, struct vsoc_shm_layout_descriptor. Little-endian.
/// <code>0: major u16, minor u16 | 4: size of the window u32 | 8: number of regions u32 | 12: offset of the region table u32</code>
/// </remarks>
/// <param name="Major">Must be 2, or the guest's driver refuses the window.</param>
/// <param name="Minor">Nobody goes by it.</param>
/// <param name="WindowBytes">Size of the whole window.</param>
/// <param name="Regions">How many regions there are.</param>
/// <param name="TableOffset">Where the first <see cref="RegionDescriptor"/> is.</param>
public readonly record struct LayoutDescriptor(ushort Major, ushort Minor, uint WindowBytes, uint Regions, uint TableOffset) : IWire<LayoutDescriptor>
{
    /// <summary>The version of these structures. Source: CURRENT_VSOC_LAYOUT_MAJOR_VERSION.</summary>
    public const ushort CurrentMajor = 2;

    /// <inheritdoc/>
    public static int Size => 16;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out LayoutDescriptor value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(BinaryPrimitives.ReadUInt16LittleEndian(source), BinaryPrimitives.ReadUInt16LittleEndian(source[2..]), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), BinaryPrimitives.ReadUInt32LittleEndian(source[12..]));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(destination, Major);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[2..], Minor);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], WindowBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Regions);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], TableOffset);
    }

    /// <inheritdoc/>
    public WireFault Check() =>
        Major != CurrentMajor ? WireFault.UnknownVersion
        : Regions is 0 or > RegionLayout.MaxRegions || (TableOffset & 3) != 0 || TableOffset < Size ? WireFault.ValueOutOfRange
        : TableOffset + ((ulong)Regions * (uint)RegionDescriptor.Size) > WindowBytes ? WireFault.PayloadTooLong
        : WireFault.None;
}
