// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Machines;

/// <summary>What one's own QEMU needs to join doorbell servers, as text to paste.</summary>
public static class QemuStanza
{
    /// <summary>The arguments, quoted for a POSIX shell where they need it, one option a line.</summary>
    /// <param name="attachments">The servers to join.</param>
    public static string ForShell(IEnumerable<MachineAttachment> attachments)
    {
        string[] words = [.. attachments.SelectMany(QemuCommand.Doorbell)];
        var text = new StringBuilder();
        for (int i = 0; i < words.Length; i += 2) _ = text.Append(words[i]).Append(' ').Append(Quote(words[i + 1])).Append(i + 2 < words.Length ? " \\\n" : "\n");
        return text.ToString();
    }

    /// <summary>Quotes a word for a POSIX shell, if it needs quotes.</summary>
    /// <param name="word">The word.</param>
    public static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_=.,/:@+%".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
