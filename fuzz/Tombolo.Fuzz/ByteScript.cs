// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Fuzz;

/// <summary>Reads an input as a list of things to do. At its end it gives zeros.</summary>
internal ref struct ByteScript(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public readonly ReadOnlySpan<byte> Rest => _rest;

    public byte Byte()
    {
        if (_rest.IsEmpty) return 0;
        byte value = _rest[0];
        _rest = _rest[1..];
        return value;
    }

    /// <summary>Up to so many bytes.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        ReadOnlySpan<byte> part = _rest[..Math.Min(count, _rest.Length)];
        _rest = _rest[part.Length..];
        return part;
    }

    public long Int64()
    {
        Span<byte> whole = stackalloc byte[8];
        whole.Clear();
        Bytes(8).CopyTo(whole);
        return BinaryPrimitives.ReadInt64LittleEndian(whole);
    }
}
