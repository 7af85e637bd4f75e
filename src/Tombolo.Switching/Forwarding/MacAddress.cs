// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Tombolo.Switching;

/// <summary>An Ethernet address. Its first byte on the wire is the number's highest.</summary>
/// <param name="Value">48 bits.</param>
public readonly record struct MacAddress(ulong Value)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Bytes = 6;

    /// <summary>Everybody.</summary>
    public static MacAddress Broadcast { get; } = new(0xffff_ffff_ffff);

    /// <summary>Whether it names a group; broadcast is one.</summary>
    public bool IsMulticast => (Value & 0x0100_0000_0000) != 0;

    /// <summary>Whether it can be a card's own: no group, and not all zeros.</summary>
    public bool IsUnicast => !IsMulticast && Value != 0;

    /// <summary>Reads the first six bytes.</summary>
    /// <param name="source">At least six bytes.</param>
    public static MacAddress Read(ReadOnlySpan<byte> source) => new(((ulong)BinaryPrimitives.ReadUInt32BigEndian(source) << 16) | BinaryPrimitives.ReadUInt16BigEndian(source[4..]));

    /// <summary>Writes six bytes.</summary>
    /// <param name="destination">At least six bytes.</param>
    public void Write(Span<byte> destination)
    {
        for (int i = 0; i < Bytes; i++) destination[i] = (byte)(Value >> (40 - (8 * i)));
    }

    /// <summary>Reads the usual form, six hexadecimal bytes between colons.</summary>
    /// <param name="text">The text.</param>
    /// <param name="address">The address.</param>
    /// <returns>False where it is no address.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out MacAddress address)
    {
        address = default;
        if (text is not { Length: 17 }) return false;
        ulong value = 0;
        for (int i = 0; i < Bytes; i++)
        {
            if (i > 0 && text[(3 * i) - 1] != ':') return false;
            if (!byte.TryParse(text.AsSpan(3 * i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte part)) return false;
            value = (value << 8) | part;
        }
        address = new(value);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(byte)(Value >> 40):x2}:{(byte)(Value >> 32):x2}:{(byte)(Value >> 24):x2}:{(byte)(Value >> 16):x2}:{(byte)(Value >> 8):x2}:{(byte)Value:x2}");
}
