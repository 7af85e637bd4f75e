// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.IO.Compression;

namespace Tombolo.Exercise;

/// <summary>Writes a picture as PNG: eight bits a channel, red, green, blue, without interlacing or filters.</summary>
/// <remarks>
/// Source: PNG specification (ISO/IEC 15948): signature, then chunks of length, type, bytes and CRC-32 over type and bytes. The pixels are a zlib stream of rows with a filter byte (0) each.
/// The framework has zlib, and what it lacks is a CRC of eight lines, so no library is asked for.
/// </remarks>
internal static class PngFile
{
    private const uint Polynomial = 0xEDB88320;   // of CRC-32, reflected

    public static void Write(Stream output, PictureFrame size, ReadOnlySpan<byte> pixels)
    {
        output.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(header, size.Width);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], size.Height);
        (header[8], header[9]) = (8, 2);   // bits of a channel, true colour; compression, filter and interlace stay 0
        WriteChunk(output, "IHDR"u8, header);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            int stride = (int)size.Width * 3;
            for (int row = 0; row < size.Height; row++)
            {
                zlib.WriteByte(0);
                zlib.Write(pixels.Slice(row * stride, stride));
            }
        }
        WriteChunk(output, "IDAT"u8, packed.GetBuffer().AsSpan(0, (int)packed.Length));
        WriteChunk(output, "IEND"u8, []);
    }

    private static void WriteChunk(Stream output, ReadOnlySpan<byte> type, ReadOnlySpan<byte> bytes)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, bytes.Length);
        output.Write(number);
        output.Write(type);
        output.Write(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc(Crc(uint.MaxValue, type), bytes));
        output.Write(number);
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            crc ^= one;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (Polynomial & (uint)-(int)(crc & 1));
        }
        return crc;
    }
}
