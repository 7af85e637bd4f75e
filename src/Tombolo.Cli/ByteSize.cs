// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Cli;

/// <summary>Sizes as people write them: a number, and K, M, G or T for powers of 1024.</summary>
internal static class ByteSize
{
    /// <summary>Reads a size.</summary>
    /// <param name="text">Digits, a fraction if a suffix follows, and an optional suffix in either case, as the stock server takes them.</param>
    /// <param name="bytes">The size; more than 0.</param>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        if (text.Length == 0) return false;
        int shift = char.ToUpperInvariant(text[^1]) switch { 'B' => 0, 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => -1 };
        string number = shift < 0 ? text : text[..^1];
        NumberStyles style = shift > 0 ? NumberStyles.AllowDecimalPoint : NumberStyles.None;
        if (!decimal.TryParse(number, style, CultureInfo.InvariantCulture, out decimal value)) return false;
        decimal size = value * (1L << Math.Max(0, shift));
        if (size < 1 || size > long.MaxValue || size != decimal.Truncate(size)) return false;
        bytes = (long)size;
        return true;
    }

    /// <summary>Writes a size with the largest suffix that keeps it whole.</summary>
    public static string Format(long bytes)
    {
        int step = 0;
        while (bytes != 0 && (bytes & 1023) == 0 && step < 4) (bytes, step) = (bytes >> 10, step + 1);
        return bytes.ToString(CultureInfo.InvariantCulture) + (step == 0 ? "" : "KMGT"[step - 1]);
    }
}
