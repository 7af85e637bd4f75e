// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Machines;

/// <summary>What one's own QEMU needs to join doorbell servers and virtual switches, as text to paste.</summary>
public static class QemuStanza
{
    /// <summary>The arguments, quoted for a POSIX shell where they need it, one option a line.</summary>
    /// <param name="attachments">The servers to join.</param>
    public static string ForShell(IEnumerable<MachineAttachment> attachments) => Lines([.. attachments.SelectMany(QemuCommand.Doorbell)]);

    /// <summary>The arguments for network cards too, with the shared memory that they need.</summary>
    /// <param name="attachments">The servers to join.</param>
    /// <param name="nics">The cards; none: no shared memory either.</param>
    /// <param name="memoryBytes">The guest's memory; QEMU's <c>-m</c> must say the same.</param>
    /// <param name="acceleration">What runs the processor: QEMU 7.2 needs the cards without vectors under emulation.</param>
    public static string ForShell(IEnumerable<MachineAttachment> attachments, IReadOnlyCollection<MachineNic> nics, long memoryBytes, Acceleration acceleration)
    {
        (IReadOnlyList<string> shared, string property) = QemuCommand.SharedMemory(memoryBytes);
        return Lines([.. nics.Count == 0 ? [] : shared, .. nics.Count == 0 ? [] : new[] { "-machine", property }, .. attachments.SelectMany(QemuCommand.Doorbell), .. nics.SelectMany(nic => QemuCommand.Nic(nic, acceleration))]);
    }

    private static string Lines(string[] words)
    {
        var text = new StringBuilder();
        for (int i = 0; i < words.Length; i += 2) _ = text.Append(words[i]).Append(' ').Append(Quote(words[i + 1])).Append(i + 2 < words.Length ? " \\\n" : "\n");
        return text.ToString();
    }

    /// <summary>Quotes a word for a POSIX shell, if it needs quotes.</summary>
    /// <param name="word">The word.</param>
    public static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_=.,/:@+%".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
