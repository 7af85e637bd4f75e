// SPDX-License-Identifier: MIT
namespace Tombolo.Cli.Output;

/// <summary>Where the last lines of a growing file begin.</summary>
internal static class LineTail
{
    private const int Block = 64 << 10;

    /// <summary>The offset of the first of the last lines.</summary>
    /// <param name="path">The file; it need not exist.</param>
    /// <param name="lines">How many; a last line without its end counts.</param>
    public static long OffsetOf(string path, int lines)
    {
        if (!File.Exists(path)) return 0;
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        long end = file.Length;
        if (lines == 0) return end;
        byte[] buffer = new byte[Block];
        int seen = 0;
        for (long position = end; position > 0;)
        {
            int count = (int)Math.Min(Block, position);
            position -= count;
            file.Position = position;
            file.ReadExactly(buffer, 0, count);
            for (int at = count - 1; at >= 0; at--)
                if (buffer[at] == (byte)'\n' && position + at != end - 1 && ++seen == lines) return position + at + 1;
        }
        return 0;
    }
}
