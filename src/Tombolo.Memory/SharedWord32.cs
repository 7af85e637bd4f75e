// SPDX-License-Identifier: MIT
namespace Tombolo.Memory;

/// <summary>One aligned 32-bit word of a <see cref="Window"/>, checked once when it was made; every access after that costs one instruction.</summary>
/// <remarks>It does not keep its window mapped: whoever holds it disposes the window last. Any party may change the word at any moment: read once, judge the copy.</remarks>
public readonly unsafe struct SharedWord32
{
    private readonly uint* _address;

    // SAFETY: only Window makes one, of an aligned address inside its mapping, which outlives it by the rule above.
    internal SharedWord32(uint* address) => _address = address;

    /// <summary>The word itself, for a futex.</summary>
    public ref uint Reference => ref *_address;

    // ORDER and PAIRS WITH: as SharedWord64.

    /// <inheritdoc cref="SharedWord64.ReadAcquire"/>
    public uint ReadAcquire() => Volatile.Read(ref *_address);

    /// <inheritdoc cref="SharedWord64.WriteRelease"/>
    public void WriteRelease(uint value) => Volatile.Write(ref *_address, value);

    /// <inheritdoc cref="SharedWord64.CompareExchange"/>
    public uint CompareExchange(uint value, uint expected) => Interlocked.CompareExchange(ref *_address, value, expected);
}
