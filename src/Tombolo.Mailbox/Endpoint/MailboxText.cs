// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Mailbox;

/// <summary>What other parties say about themselves, fit to be shown.</summary>
internal static class MailboxText
{
    private const int MostCharacters = 160;

    /// <summary>A message's pairs on one line.</summary>
    public static string Pairs(FabricMessage message) => Line(string.Join(',', message.Pairs.Select(static pair => $"{pair.Key}={pair.Value}")));

    /// <summary>Any text on one line of bounded length.</summary>
    public static string Line(string text) => MailboxSlots.Printable(Encoding.Latin1.GetBytes(text.Length > MostCharacters ? text[..MostCharacters] : text));
}
