// SPDX-License-Identifier: MIT
using System.Buffers.Text;
using System.Text;

namespace Tombolo.Store;

/// <summary>The small grammar of payloads: texts that end in a zero, decimal numbers.</summary>
internal static class StoreText
{
    /// <summary>Takes the text up to the next zero.</summary>
    /// <returns>False where no zero is left.</returns>
    public static bool TryTake(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> text)
    {
        int end = rest.IndexOf((byte)0);
        text = end < 0 ? default : rest[..end];
        if (end < 0) return false;
        rest = rest[(end + 1)..];
        return true;
    }

    /// <summary>A payload that is one text and its zero, nothing behind it.</summary>
    public static bool TrySingle(ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> text)
    {
        text = payload.IsEmpty ? default : payload[..^1];
        return payload.IndexOf((byte)0) == payload.Length - 1 && !payload.IsEmpty;
    }

    /// <summary>A decimal number, digits only.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> text, ulong most, out ulong value) =>
        Utf8Parser.TryParse(text, out value, out int used) && used == text.Length && text[0] is >= (byte)'0' and <= (byte)'9' && value <= most;

    /// <summary>A domain's number.</summary>
    public static bool TryDomain(ReadOnlySpan<byte> text, out DomainId domain)
    {
        bool isNumber = TryNumber(text, DomainId.Highest, out ulong value);
        domain = new((ushort)value);
        return isNumber;
    }

    /// <summary>Bytes as text; what is no UTF-8 becomes the replacement character.</summary>
    public static string ToText(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
