// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Regions;

/// <summary>Where one direction's signal table lies in its region.</summary>
/// <remarks>
/// Source: vsoc_shm.h, struct vsoc_signal_table_layout. Three little-endian 32-bit fields.
/// <code>0: log2 of the number of slots | 4: offset of the slots | 8: offset of the signalled word; both from the region's begin</code>
/// </remarks>
/// <param name="SlotsLog2">Log2 of the number of slots.</param>
/// <param name="SlotsOffset">Where the slots begin, in bytes from the region's begin.</param>
/// <param name="SignalledOffset">Where the signalled word is, in bytes from the region's begin.</param>
public readonly record struct SignalTable(uint SlotsLog2, uint SlotsOffset, uint SignalledOffset) : IWire<SignalTable>
{
    /// <summary>The largest table that is taken: 65536 slots, so that a receiver's scan stays bounded.</summary>
    public const uint MaxSlotsLog2 = 16;

    /// <inheritdoc/>
    public static int Size => 12;

    /// <summary>The number of slots; right only where <see cref="Check"/> finds no fault.</summary>
    public int Slots => 1 << (int)SlotsLog2;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out SignalTable value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]), BinaryPrimitives.ReadUInt32LittleEndian(source[8..]));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, SlotsLog2);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], SlotsOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], SignalledOffset);
    }

    /// <inheritdoc/>
    public WireFault Check() =>
        SlotsLog2 > MaxSlotsLog2 || (SlotsOffset & 3) != 0 || (SignalledOffset & 3) != 0 ? WireFault.ValueOutOfRange : WireFault.None;

    /// <summary>Whether slots and signalled word end before an offset, without touching each other.</summary>
    internal bool FitsBefore(uint end) =>
        Check() == WireFault.None && SlotsOffset + (4ul << (int)SlotsLog2) <= end && SignalledOffset + 4ul <= end
        && (SignalledOffset + 4ul <= SlotsOffset || SignalledOffset >= SlotsOffset + (4ul << (int)SlotsLog2));
}
