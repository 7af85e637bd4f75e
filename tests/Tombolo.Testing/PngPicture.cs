// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Xunit;

namespace Tombolo.Testing;

/// <summary>A PNG file as any viewer reads it, written from its specification: eight bits a channel, red, green, blue, not interlaced.</summary>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Pixels">Three bytes a pixel, from the top left.</param>
public sealed record PngPicture(int Width, int Height, byte[] Pixels)
{
    /// <summary>The colour of a pixel.</summary>
    public (byte Red, byte Green, byte Blue) At(int x, int y) => (Pixels[Offset(x, y)], Pixels[Offset(x, y) + 1], Pixels[Offset(x, y) + 2]);

    /// <summary>Reads a file; whatever the specification does not allow fails the test.</summary>
    public static PngPicture Read(string path)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        Assert.Equal("89504E470D0A1A0A", Convert.ToHexString(file[..8]));
        List<(string Type, byte[] Data)> chunks = [];
        for (file = file[8..]; !file.IsEmpty;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file);
            Assert.Equal(Crc(file.Slice(4, 4 + length)), BinaryPrimitives.ReadUInt32BigEndian(file[(8 + length)..]));
            chunks.Add((Encoding.ASCII.GetString(file.Slice(4, 4)), file.Slice(8, length).ToArray()));
            file = file[(12 + length)..];
        }
        Assert.Equal(["IHDR", "IDAT", "IEND"], chunks.Select(static chunk => chunk.Type));
        byte[] head = chunks[0].Data;
        Assert.Equal("0802000000", Convert.ToHexString(head, 8, 5));   // bits, true colour, deflate, no filters but the rows' own, not interlaced
        (int width, int height) = (BinaryPrimitives.ReadInt32BigEndian(head), BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)));
        using var rows = new MemoryStream();
        using (var zlib = new ZLibStream(new MemoryStream(chunks[1].Data), CompressionMode.Decompress)) zlib.CopyTo(rows);
        Assert.Equal((1 + (3L * width)) * height, rows.Length);
        byte[][] lines = [.. rows.ToArray().Chunk(1 + (3 * width))];
        Assert.All(lines, static line => Assert.Equal(0, line[0]));
        return new(width, height, [.. lines.SelectMany(static line => line[1..])]);
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte one in bytes)
            for (int bit = 0; bit < 8; bit++) crc = ((crc ^ (uint)(one >> bit)) & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        return ~crc;
    }

    private int Offset(int x, int y) => 3 * ((y * Width) + x);
}
