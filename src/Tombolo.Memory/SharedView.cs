// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Memory;

/// <summary>A view of memory that another party may write at any moment. Read once, then judge the copy.</summary>
/// <param name="bytes">Mapped, 8-byte aligned memory.</param>
/// <remarks>Every access is checked against the view's length; words must be aligned, which keeps each access whole.</remarks>
public readonly ref struct SharedView(Span<byte> bytes)
{
    private readonly Span<byte> _bytes = bytes;

    /// <summary>Length in bytes.</summary>
    public int LengthBytes => _bytes.Length;

    /// <summary>A part of this view.</summary>
    /// <param name="offsetBytes">Where it starts.</param>
    /// <param name="lengthBytes">How long it is.</param>
    public SharedView Slice(int offsetBytes, int lengthBytes) => new(_bytes.Slice(offsetBytes, lengthBytes));

    // ORDER: acquire; what the writer published before this word is visible after the read.  PAIRS WITH: WriteRelease* here, smp_store_release() in guest modules.

    /// <summary>Reads a word; later reads see at least what its writer had written before it.</summary>
    /// <param name="offsetBytes">A multiple of 2.</param>
    public ushort ReadAcquire16(int offsetBytes) => Volatile.Read(ref Word16(offsetBytes));

    /// <inheritdoc cref="ReadAcquire16"/>
    /// <param name="offsetBytes">A multiple of 4.</param>
    public uint ReadAcquire32(int offsetBytes) => Volatile.Read(ref Word32(offsetBytes));

    /// <inheritdoc cref="ReadAcquire16"/>
    /// <param name="offsetBytes">A multiple of 8.</param>
    public ulong ReadAcquire64(int offsetBytes) => Volatile.Read(ref Word64(offsetBytes));

    // ORDER: release; what this party wrote before is visible to whoever reads the word.  PAIRS WITH: ReadAcquire* here, smp_load_acquire() in guest modules.

    /// <summary>Writes a word; whoever reads it sees everything written before it.</summary>
    /// <param name="offsetBytes">A multiple of 2.</param>
    /// <param name="value">The value.</param>
    public void WriteRelease16(int offsetBytes, ushort value) => Volatile.Write(ref Word16(offsetBytes), value);

    /// <inheritdoc cref="WriteRelease16"/>
    /// <param name="offsetBytes">A multiple of 4.</param>
    /// <param name="value">The value.</param>
    public void WriteRelease32(int offsetBytes, uint value) => Volatile.Write(ref Word32(offsetBytes), value);

    /// <inheritdoc cref="WriteRelease16"/>
    /// <param name="offsetBytes">A multiple of 8.</param>
    /// <param name="value">The value.</param>
    public void WriteRelease64(int offsetBytes, ulong value) => Volatile.Write(ref Word64(offsetBytes), value);

    /// <summary>Replaces a word if it holds a value; a full barrier either way.</summary>
    /// <param name="offsetBytes">A multiple of 4.</param>
    /// <param name="value">The new value.</param>
    /// <param name="expected">The value it must hold.</param>
    /// <returns>What it held.</returns>
    public uint CompareExchange32(int offsetBytes, uint value, uint expected) => Interlocked.CompareExchange(ref Word32(offsetBytes), value, expected);

    /// <inheritdoc cref="CompareExchange32"/>
    /// <param name="offsetBytes">A multiple of 8.</param>
    /// <param name="value">The new value.</param>
    /// <param name="expected">The value it must hold.</param>
    public ulong CompareExchange64(int offsetBytes, ulong value, ulong expected) => Interlocked.CompareExchange(ref Word64(offsetBytes), value, expected);

    /// <summary>Replaces a word, whatever it holds; a full barrier.</summary>
    /// <param name="offsetBytes">A multiple of 4.</param>
    /// <param name="value">The new value.</param>
    /// <returns>What it held.</returns>
    public uint Exchange32(int offsetBytes, uint value) => Interlocked.Exchange(ref Word32(offsetBytes), value);

    /// <inheritdoc cref="Exchange32"/>
    /// <param name="offsetBytes">A multiple of 8.</param>
    /// <param name="value">The new value.</param>
    public ulong Exchange64(int offsetBytes, ulong value) => Interlocked.Exchange(ref Word64(offsetBytes), value);

    /// <summary>Copies bytes out of the view, once; judge the copy.</summary>
    /// <param name="offsetBytes">Where to start.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    public void CopyOut(int offsetBytes, Span<byte> destination) => _bytes.Slice(offsetBytes, destination.Length).CopyTo(destination);

    /// <summary>Copies bytes into the view.</summary>
    /// <param name="offsetBytes">Where to start.</param>
    /// <param name="source">The bytes.</param>
    public void CopyIn(int offsetBytes, ReadOnlySpan<byte> source) => source.CopyTo(_bytes.Slice(offsetBytes, source.Length));

    /// <summary>Copies the whole view into another, as it is at some moment for each byte.</summary>
    /// <param name="destination">At least as long.</param>
    public void CopyTo(SharedView destination) => _bytes.CopyTo(destination._bytes);

    /// <summary>Zeroes a part of the view.</summary>
    /// <param name="offsetBytes">Where to start.</param>
    /// <param name="lengthBytes">How many bytes.</param>
    public void Clear(int offsetBytes, int lengthBytes) => _bytes.Slice(offsetBytes, lengthBytes).Clear();

    /// <summary>The word itself, for a futex wait; everything else goes through the methods above.</summary>
    /// <param name="offsetBytes">A multiple of 4.</param>
    public ref uint Word32(int offsetBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offsetBytes & 3, 0, nameof(offsetBytes));
        return ref MemoryMarshal.AsRef<uint>(_bytes.Slice(offsetBytes, sizeof(uint)));   // Slice checks the bounds
    }

    private ref ushort Word16(int offsetBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offsetBytes & 1, 0, nameof(offsetBytes));
        return ref MemoryMarshal.AsRef<ushort>(_bytes.Slice(offsetBytes, sizeof(ushort)));
    }

    private ref ulong Word64(int offsetBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offsetBytes & 7, 0, nameof(offsetBytes));
        return ref MemoryMarshal.AsRef<ulong>(_bytes.Slice(offsetBytes, sizeof(ulong)));
    }
}
