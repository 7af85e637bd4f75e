// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;

namespace Tombolo.Cli.Output;

/// <summary>Bytes for people: offset, sixteen bytes in hexadecimal, the same as text. Lines that repeat the one before are told once, as hexdump(1) does.</summary>
internal static class HexView
{
    private const int Width = 16;

    /// <summary>The lines, and a last one with the offset behind the end.</summary>
    public static IEnumerable<string> Lines(ReadOnlyMemory<byte> bytes, uint offset)
    {
        bool isSkipping = false;
        for (int at = 0; at < bytes.Length; at += Width)
        {
            ReadOnlySpan<byte> line = bytes.Span[at..Math.Min(at + Width, bytes.Length)];
            bool repeats = at >= Width && line.Length == Width && line.SequenceEqual(bytes.Span.Slice(at - Width, Width));
            if (!repeats || at + Width >= bytes.Length) yield return Line(bytes.Slice(at, Math.Min(Width, bytes.Length - at)).Span, offset + (uint)at);
            else if (!isSkipping) yield return "*";
            isSkipping = repeats;
        }
        yield return (offset + (uint)bytes.Length).ToString("x8", CultureInfo.InvariantCulture);
    }

    private static string Line(ReadOnlySpan<byte> bytes, uint offset)
    {
        var hex = new StringBuilder();
        var text = new StringBuilder();
        for (int at = 0; at < Width; at++)
        {
            if (at == Width / 2) _ = hex.Append(' ');
            _ = at < bytes.Length ? hex.Append(CultureInfo.InvariantCulture, $" {bytes[at]:x2}") : hex.Append("   ");
            if (at < bytes.Length) _ = text.Append(bytes[at] is >= 0x20 and < 0x7f ? (char)bytes[at] : '.');
        }
        return string.Create(CultureInfo.InvariantCulture, $"{offset:x8} {hex}  |{text}|");
    }
}
