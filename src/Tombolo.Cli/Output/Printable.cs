// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;

namespace Tombolo.Cli.Output;

/// <summary>Makes another party's text fit for a terminal: a name or message must not be able to move the cursor, change colours or fake a second line.</summary>
internal static class Printable
{
    /// <summary>The text with every control, format and unpaired surrogate character written out as an escape.</summary>
    public static string Text(string hostile)
    {
        if (!hostile.Any(Escapes)) return hostile;
        StringBuilder text = new(hostile.Length + 16);
        foreach (Rune rune in hostile.EnumerateRunes())
        {
            if (rune.Value == '\n') text.Append("\\n");
            else if (rune.Value == '\t') text.Append("\\t");
            else if (Escapes(rune)) text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            else text.Append(rune.ToString());
        }
        return text.ToString();
    }

    private static bool Escapes(char c) => char.IsControl(c) || char.IsSurrogate(c) || IsFormat(char.GetUnicodeCategory(c));

    // Rune.ReplacementChar stands for an unpaired surrogate; it is printable as it is.
    private static bool Escapes(Rune rune) => Rune.IsControl(rune) || IsFormat(Rune.GetUnicodeCategory(rune));

    // Format characters turn the direction of writing round or hide; separators fake line ends.
    private static bool IsFormat(UnicodeCategory category) =>
        category is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;
}
