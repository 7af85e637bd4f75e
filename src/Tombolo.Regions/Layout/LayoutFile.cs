// SPDX-License-Identifier: MIT
using System.Text;
using System.Text.Json;

namespace Tombolo.Regions;

/// <summary>Reads layout files: JSON of both generations, with every fault at once.</summary>
/// <remarks>
/// Source: the layout files of vSoC's ivshmem server. The newer ones give each region's <c>region_size</c>, and we choose its place; the older ones give
/// <c>region_begin_offset</c> and <c>region_end_offset</c>, as numbers or numeric strings. A file may mix both. Keys that we do not know are let be.
/// </remarks>
public static class LayoutFile
{
    /// <summary>The largest file that is read.</summary>
    public const int MaxBytes = 4 << 20;

    private const int MaxReason = 160;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>A file that cannot be read is a fault too.</returns>
    public static LayoutReading Load(string path)
    {
        if (path.Length == 0 || Directory.Exists(path)) return Fault(path, path.Length == 0 ? "No file is named." : "This is a folder; a layout is a file.");
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] bytes = new byte[MaxBytes + 1];   // not by its length: a pipe has none, and /dev/zero no end
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count > MaxBytes ? Fault(path, $"The file has more than {MaxBytes} bytes, the most that a layout has.") : Parse(bytes.AsSpan(0, count), path);
        }
        catch (IOException exception) when (exception is FileNotFoundException or DirectoryNotFoundException) { return Fault(path, "There is no such file."); }
        catch (IOException exception) { return Fault(path, $"The file cannot be read: {exception.Message}"); }
        catch (UnauthorizedAccessException) { return Fault(path, "The file cannot be read: permission denied."); }
    }

    private static LayoutReading Fault(string path, string message) => new(null, [new(path, 1, 1, "$", message)]);

    /// <summary>Reads a text.</summary>
    /// <param name="text">UTF-8; any bytes are taken, and end in faults if they must.</param>
    /// <param name="path">How faults name it.</param>
    public static LayoutReading Parse(ReadOnlySpan<byte> text, string path)
    {
        if (text.StartsWith("\uFEFF"u8)) text = text[3..];
        List<(long At, string Path, string Message)> found = [];
        RegionLayout? layout = null;
        try
        {
            PlacedJson root = PlacedJson.Parse(text, (at, where, what) => found.Add((at, where, what)));
            layout = new LayoutReader(found).Read(root);
        }
        catch (JsonException exception)
        {
            long line = (exception.LineNumber ?? 0) + 1, column = (exception.BytePositionInLine ?? 0) + 1;
            return new(null, [new(path, (int)line, (int)column, "$", $"This is not JSON: {Reason(exception)}")]);
        }
        catch (InvalidOperationException)   // a text with half a surrogate pair: syntax that only shows when it is decoded
        {
            return new(null, [new(path, 1, 1, "$", "This is not JSON: a text in it is not valid Unicode.")]);
        }
        return found.Count == 0 ? new(layout, []) : new(null, WithPlaces(text, path, [.. found.OrderBy(fault => fault.At)]));
    }

    // In order of the text, so that lines and columns are counted once, however many faults there are.
    private static List<LayoutFault> WithPlaces(ReadOnlySpan<byte> text, string path, List<(long At, string Path, string Message)> found)
    {
        var faults = new List<LayoutFault>(found.Count);
        int at = 0, line = 1, column = 1;
        foreach ((long where, string inside, string message) in found)
        {
            ReadOnlySpan<byte> passed = text[at..(int)Math.Min(where, text.Length)];
            int newLine = passed.LastIndexOf((byte)'\n');
            column = newLine < 0 ? column + Encoding.UTF8.GetCharCount(passed) : 1 + Encoding.UTF8.GetCharCount(passed[(newLine + 1)..]);
            line += passed.Count((byte)'\n');
            at += passed.Length;
            faults.Add(new(path, line, column, inside, Printable(message)));
        }
        return faults;
    }

    // Faults quote the file, and a terminal gets them.
    private static string Printable(string text) => string.Concat(text.Select(static letter => char.IsControl(letter) ? '?' : letter));

    // Without the "LineNumber: … | BytePositionInLine: …" that the library appends; and what it quotes of the file can be long.
    private static string Reason(JsonException exception)
    {
        int end = exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string reason = end < 0 ? exception.Message : exception.Message[..end];
        return reason.Length > MaxReason ? "its syntax is broken here." : Printable(reason);
    }
}
