// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Security;
using System.Text;

namespace Tombolo.Regions;

/// <summary>Draws a layout: a table, a picture to scale in text, and the same as SVG.</summary>
public static class LayoutPicture
{
    private const int SvgHeight = 640, SvgBarX = 120, SvgBarWidth = 320, SvgTop = 30;
    private static readonly string[] _fills = ["#7eb6d9", "#9fd3a8", "#f2c57c", "#d9a0c8", "#b9b3e6", "#e6a58c"];

    /// <summary>A part of the window: a region, the descriptors, or nothing.</summary>
    private readonly record struct Part(long Begin, long End, string Name, int Index);

    /// <summary>One line for each region: index (which is its vector), name, place, length, data, slots of its tables, versions, manager.</summary>
    /// <param name="layout">The layout.</param>
    public static string Table(RegionLayout layout)
    {
        string[] head = ["vector", "region", "begin", "end", "bytes", "data at", "slots g>h", "slots h>g", "version", "managed by"];
        List<string[]> rows = [head];
        for (int index = 0; index < layout.Regions.Count; index++)
        {
            RegionDescriptor region = layout.Regions[index];
            rows.Add([Text(index), region.Name, Hex(region.BeginOffset), Hex(region.EndOffset), Text(region.LengthBytes), Hex(region.DataOffset), Text(region.GuestToHost.Slots), Text(region.HostToGuest.Slots),
                $"{Text(region.CurrentVersion)} (>= {Text(region.OldestVersion)})", region.ManagedBy == 0 ? "-" : layout.Regions[(int)region.ManagedBy].Name]);
        }
        int[] widths = [.. Enumerable.Range(0, head.Length).Select(column => rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        foreach (string[] row in rows)
            _ = text.Append(string.Join("  ", row.Select((cell, column) => column is 1 or 8 or 9 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd()).Append('\n');
        return text.ToString();
    }

    /// <summary>The window from top to bottom, to scale as far as lines of text can be: each part has at least one line, the rest is shared out by size.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="lines">How many lines there are to share out, besides one for each part.</param>
    public static string Drawing(RegionLayout layout, int lines = 24)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lines);
        List<Part> parts = Parts(layout);
        int[] extra = Share(parts, layout.WindowBytes, lines);
        const int Width = 34;
        string rule = $"  +{new string('-', Width)}+";
        var text = new StringBuilder();
        for (int index = 0; index < parts.Count; index++)
        {
            Part part = parts[index];
            _ = text.Append(CultureInfo.InvariantCulture, $"0x{part.Begin:x8}{rule[1..]}\n");
            string label = $" {part.Name} ({Shown(part.End - part.Begin)})";
            char fill = part.Index >= 0 ? ' ' : '.';
            for (int line = 0; line <= extra[index]; line++)
                _ = text.Append("            |").Append(line == 0 ? (label.Length > Width ? label[..Width] : label).PadRight(Width, fill) : new string(fill, Width)).Append("|\n");
        }
        return text.Append(CultureInfo.InvariantCulture, $"0x{layout.WindowBytes:x8}{rule[1..]}\n").ToString();
    }

    /// <summary>The same as a picture that a browser shows, exactly to scale; parts too thin for their name have it beside them.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="title">Its heading.</param>
    public static string Svg(RegionLayout layout, string title)
    {
        List<Part> parts = Parts(layout);
        double scale = (double)SvgHeight / layout.WindowBytes, labelY = 0;
        var text = new StringBuilder();
        var labels = new StringBuilder();
        foreach (Part part in parts)
        {
            double y = SvgTop + (part.Begin * scale), height = (part.End - part.Begin) * scale;
            string fill = part.Index >= 0 ? _fills[part.Index % _fills.Length] : part.Name == "descriptors" ? "#888888" : "none";
            _ = text.Append(CultureInfo.InvariantCulture, $"  <rect x=\"{SvgBarX}\" y=\"{y:0.###}\" width=\"{SvgBarWidth}\" height=\"{height:0.###}\" fill=\"{fill}\" stroke=\"#333333\" stroke-width=\"0.5\"><title>{Escaped(part.Name)}: 0x{part.Begin:x} to 0x{part.End:x}</title></rect>\n");
            if (part.Index >= 0) AppendTables(text, layout.Regions[part.Index], y, scale);
            labelY = Math.Max(labelY + 14, y + Math.Min(height / 2, 10) + 4);   // never on top of the one before
            _ = labels.Append(CultureInfo.InvariantCulture, $"  <text x=\"{SvgBarX + SvgBarWidth + 12}\" y=\"{labelY:0.###}\">{Escaped(part.Name)} <tspan fill=\"#666666\">{Shown(part.End - part.Begin)}</tspan></text>\n");
            _ = labels.Append(CultureInfo.InvariantCulture, $"  <text x=\"{SvgBarX - 10}\" y=\"{labelY:0.###}\" text-anchor=\"end\" fill=\"#666666\">0x{part.Begin:x}</text>\n");
        }
        double full = Math.Max(SvgTop + SvgHeight, labelY) + 30;
        return string.Create(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="760" height="{full:0}" viewBox="0 0 760 {full:0}" font-family="monospace" font-size="12">
              <rect width="100%" height="100%" fill="white"/>
              <text x="{SvgBarX}" y="18" font-weight="bold">{Escaped(title)}: {Shown(layout.WindowBytes)} window, {layout.Regions.Count} regions</text>
            {text}{labels}</svg>

            """);
    }

    private static void AppendTables(StringBuilder text, RegionDescriptor region, double y, double scale) =>
        text.Append(CultureInfo.InvariantCulture, $"  <rect x=\"{SvgBarX}\" y=\"{y:0.###}\" width=\"{SvgBarWidth}\" height=\"{Math.Max(region.DataOffset * scale, 0.5):0.###}\" fill=\"#333333\"><title>signal tables of {Escaped(region.Name)}: {region.DataOffset} bytes</title></rect>\n");

    private static List<Part> Parts(RegionLayout layout)
    {
        List<Part> parts = [new(0, layout.TableOffset + ((long)layout.Regions.Count * RegionDescriptor.Size), "descriptors", -1)];
        foreach ((RegionDescriptor region, int index) in layout.Regions.Select((region, index) => (region, index)).OrderBy(pair => pair.region.BeginOffset))
        {
            if (region.BeginOffset > parts[^1].End) parts.Add(new(parts[^1].End, region.BeginOffset, "free", -1));
            parts.Add(new(region.BeginOffset, region.EndOffset, region.Name, index));
        }
        if (parts[^1].End < layout.WindowBytes) parts.Add(new(parts[^1].End, layout.WindowBytes, "free", -1));
        return parts;
    }

    // The largest remainders get what rounding down leaves over.
    private static int[] Share(List<Part> parts, long total, int lines)
    {
        double[] exact = [.. parts.Select(part => (double)(part.End - part.Begin) / total * lines)];
        int[] shares = [.. exact.Select(share => (int)share)];
        foreach (int index in Enumerable.Range(0, parts.Count).OrderByDescending(index => exact[index] - shares[index]).Take(lines - shares.Sum())) shares[index]++;
        return shares;
    }

    private static string Escaped(string text) => SecurityElement.Escape(text);

    private static string Hex(uint value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Shown(long bytes) => string.Create(CultureInfo.InvariantCulture,
        $"{(bytes >= 1 << 20 && bytes % (1 << 20) == 0 ? $"{bytes >> 20} MiB" : bytes >= 1 << 10 && bytes % (1 << 10) == 0 ? $"{bytes >> 10} KiB" : $"{bytes} bytes")}");
}
