// SPDX-License-Identifier: MIT
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Tombolo.Memory;

/// <summary>A run of bytes of a <see cref="Window"/>, checked once when it was made, that can be kept in a field. Slices are checked against it.</summary>
/// <inheritdoc cref="SharedWord32" path="/remarks"/>
public readonly unsafe struct SharedBlock
{
    private readonly byte* _address;

    // SAFETY: only Window makes one, of a range inside its mapping, which outlives it by the rule above.
    internal SharedBlock(byte* address, int lengthBytes)
    {
        _address = address;
        LengthBytes = lengthBytes;
    }

    /// <summary>Length in bytes.</summary>
    public int LengthBytes { get; }

    /// <summary>A part of the block, in place.</summary>
    /// <param name="offsetBytes">Where it starts.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not within the block.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Slice(int offsetBytes, int lengthBytes)
    {
        if ((ulong)(uint)offsetBytes + (uint)lengthBytes > (uint)LengthBytes) Refuse(offsetBytes, lengthBytes);
        // SAFETY: the range was just checked to lie within the block.
        return new(_address + offsetBytes, lengthBytes);
    }

    /// <summary>Reads an aligned 64-bit word of the block, with acquire order.</summary>
    /// <param name="offsetBytes">A multiple of 8.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadAcquire64(int offsetBytes)
    {
        if ((offsetBytes & 7) != 0 || (uint)offsetBytes + sizeof(ulong) > (uint)LengthBytes) Refuse(offsetBytes, sizeof(ulong));
        // SAFETY: just checked to lie within the block, which begins on a multiple of 8.
        return Volatile.Read(ref *(ulong*)(_address + offsetBytes));
    }

    /// <summary>Writes an aligned 64-bit word of the block. It has no order of its own: a later release publishes it.</summary>
    /// <param name="offsetBytes">A multiple of 8.</param>
    /// <param name="value">The value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write64(int offsetBytes, ulong value)
    {
        if ((offsetBytes & 7) != 0 || (uint)offsetBytes + sizeof(ulong) > (uint)LengthBytes) Refuse(offsetBytes, sizeof(ulong));
        // SAFETY: just checked to lie within the block, which begins on a multiple of 8.
        *(ulong*)(_address + offsetBytes) = value;
    }

    [DoesNotReturn]
    private void Refuse(int offsetBytes, int lengthBytes) =>
        throw new ArgumentOutOfRangeException(nameof(offsetBytes), offsetBytes, $"{lengthBytes} bytes at offset {offsetBytes} are not within a block of {LengthBytes} bytes, or not aligned.");
}
