// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Channels;

namespace Tombolo.Machines;

/// <summary>A line of a console, or the beginning of one that is not ended yet (a prompt stays so).</summary>
/// <param name="Text">What it says.</param>
/// <param name="IsComplete">Whether its end has come.</param>
public readonly record struct ConsoleLine(string Text, bool IsComplete);

/// <summary>Reads a growing log file line by line: woken by the kernel's file notices, idle in between.</summary>
public static partial class ConsoleLog
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(250);
    private const int MostLineBytes = 4096;   // a longer line cannot be a mark; its rest is skipped

    /// <summary>The lines from a position on, as they come, and unfinished ones whenever nothing more is there yet; ends only by cancellation.</summary>
    /// <param name="path">The log; it need not exist yet, but its folder must.</param>
    /// <param name="offsetBytes">Where to begin; beyond the end (the file was cut) counts as the beginning.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <remarks>Carriage returns at a line's end are taken off; bytes that are not UTF-8 become U+FFFD. A line of more than 4096 bytes is cut.</remarks>
    public static async IAsyncEnumerable<ConsoleLine> FollowAsync(string path, long offsetBytes, [EnumeratorCancellation] CancellationToken cancel)
    {
        var changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using FileSystemWatcher? watcher = TryWatch(path, () => changed.Writer.TryWrite(true));

        byte[] chunk = new byte[MostLineBytes];
        var line = new LineAssembler();
        long at = offsetBytes;
        while (true)
        {
            int count = ReadAt(path, ref at, chunk);
            foreach (string complete in line.Take(chunk.AsMemory(0, count))) yield return new(complete, IsComplete: true);
            if (count == 0 && line.Unfinished is { Length: > 0 } unfinished) yield return new(unfinished, IsComplete: false);
            if (count == 0 && watcher is null) await Task.Delay(_look, cancel);
            else if (count == 0) _ = await changed.Reader.ReadAsync(cancel);   // armed before the read: nothing written since is missed
            cancel.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Takes a mark out of a line.</summary>
    /// <param name="line">A line of the console. The firmware, the kernel and a shell's prompt may stand in front of the mark.</param>
    /// <param name="mark">The mark.</param>
    /// <returns>What follows it, without blanks; null where the line does not hold it as a word of its own.</returns>
    public static string? After(string line, string mark)
    {
        string text = TerminalCodes().Replace(line, " ");
        int at = text.IndexOf(mark, StringComparison.Ordinal), end = at + mark.Length;
        if (at < 0 || (at > 0 && char.IsAsciiLetterOrDigit(text[at - 1])) || (end < text.Length && !char.IsWhiteSpace(text[end]))) return null;
        return text[end..].Trim();
    }

    /// <summary>The last lines of a file, for a sentence about why something ended.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The last line that is not blank, or null where there is none.</returns>
    public static string? LastLine(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            file.Position = Math.Max(0, file.Length - MostLineBytes);
            byte[] tail = new byte[MostLineBytes];
            int count = file.ReadAtLeast(tail, tail.Length, throwOnEndOfStream: false);
            return Encoding.UTF8.GetString(tail, 0, count).Split('\n').Select(line => line.Trim()).LastOrDefault(line => line.Length > 0);
        }
        catch (IOException) { return null; }
    }

    /// <summary>Length of a file in bytes, 0 where there is none.</summary>
    /// <param name="path">The file.</param>
    public static long LengthOf(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? file.Length : 0;
    }

    /// <summary>The status that a line with <see cref="ConsoleMark.Exit"/> carries.</summary>
    /// <param name="line">A line of the console.</param>
    /// <returns>The status, or null where the line is no such mark.</returns>
    public static int? ExitStatus(string line) =>
        After(line, ConsoleMark.Exit) is { } text && int.TryParse(text.Split(' ')[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int status) ? status : null;

    // Control sequences and the reset code. Source: ECMA-48, 5.4; VT100 RIS.
    [GeneratedRegex("\\e(?:\\[[0-?]*[ -/]*[@-~]|c)")] private static partial Regex TerminalCodes();

    // Null where this user has as many watchers as one may have (fs.inotify.max_user_instances): then we look from time to time.
    private static FileSystemWatcher? TryWatch(string path, Action changed)
    {
        var watcher = new FileSystemWatcher(Path.GetDirectoryName(path)!, Path.GetFileName(path)) { NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.FileName };
        watcher.Changed += (_, _) => changed();
        watcher.Created += (_, _) => changed();
        watcher.Error += (_, _) => changed();   // notices were lost: look
        try
        {
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (IOException)
        {
            watcher.Dispose();
            return null;
        }
    }

    private static int ReadAt(string path, ref long at, byte[] chunk)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            if (at > file.Length) at = 0;
            file.Position = at;
            int count = file.Read(chunk);
            at += count;
            return count;
        }
        catch (FileNotFoundException) { return 0; }
    }

    /// <summary>Cuts bytes into lines; keeps the unfinished one.</summary>
    private sealed class LineAssembler
    {
        public string Unfinished => Encoding.UTF8.GetString(_line, 0, _length);

        private readonly byte[] _line = new byte[MostLineBytes];
        private int _length;

        public List<string> Take(ReadOnlyMemory<byte> bytes)
        {
            List<string> complete = [];
            foreach (byte one in bytes.Span)
            {
                if (one == '\n')
                {
                    complete.Add(Encoding.UTF8.GetString(_line, 0, _length).TrimEnd('\r'));
                    _length = 0;
                }
                else if (_length < _line.Length)
                {
                    _line[_length++] = one;
                }
            }
            return complete;
        }
    }
}
