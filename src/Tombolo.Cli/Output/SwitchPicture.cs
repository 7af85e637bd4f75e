// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;

namespace Tombolo.Cli.Output;

/// <summary>One port of a switch in a picture.</summary>
/// <param name="Id">The peer ID that the port stands for.</param>
/// <param name="Label">Who is there, printable; null for a free port.</param>
internal sealed record PicturePort(int Id, string? Label);

/// <summary>Draws a switch with its ports: half of them on the left, half on the right, wires to those in use.</summary>
internal static class SwitchPicture
{
    private const int WireColumns = 3;

    private sealed record Pen(char TopLeft, char TopRight, char BottomLeft, char BottomRight, char Across, char Down, char LeftPort, char RightPort);

    private static readonly Pen _unicode = new('┌', '┐', '└', '┘', '─', '│', '┤', '├');
    private static readonly Pen _ascii = new('+', '+', '+', '+', '-', '|', '+', '+');

    /// <summary>Draws.</summary>
    /// <param name="title">What stands inside the switch, a line each, printable.</param>
    /// <param name="ports">Its ports, in order.</param>
    /// <param name="unicode">With box-drawing characters, or in ASCII.</param>
    /// <returns>Lines without trailing blanks.</returns>
    public static IReadOnlyList<string> Draw(IReadOnlyList<string> title, IReadOnlyList<PicturePort> ports, bool unicode)
    {
        Pen pen = unicode ? _unicode : _ascii;
        int half = (ports.Count + 1) / 2;
        PicturePort[] left = [.. ports.Take(half)], right = [.. ports.Skip(half)];
        int labels = left.Max(port => port.Label?.Length ?? 0);
        int numbers = ports.Max(port => Number(port).Length);
        int inside = Math.Max(title.Max(line => line.Length) + 2, (2 * numbers) + 5);
        string margin = new(' ', labels + WireColumns + 2);

        List<string> lines = [$"{margin}{pen.TopLeft}{new string(pen.Across, inside)}{pen.TopRight}"];
        foreach (string line in title) lines.Add($"{margin}{pen.Down}{Centred(line, inside)}{pen.Down}");
        lines.Add($"{margin}{pen.Down}{new string(' ', inside)}{pen.Down}");
        for (int row = 0; row < half; row++)
        {
            StringBuilder text = new();
            PicturePort one = left[row];
            PicturePort? other = row < right.Length ? right[row] : null;
            _ = text.Append((one.Label ?? "").PadLeft(labels + 1)).Append(' ').Append(Wire(one, pen)).Append(one.Label is null ? pen.Down : pen.LeftPort);
            string leftNumber = $" {Number(one)}";
            string rightNumber = other is null ? "" : $"{Number(other)} ";
            _ = text.Append(leftNumber).Append(rightNumber.PadLeft(inside - leftNumber.Length));
            _ = text.Append(other?.Label is null ? pen.Down : pen.RightPort);
            if (other?.Label is not null) _ = text.Append(Wire(other, pen)).Append(' ').Append(other.Label);
            lines.Add(text.ToString().TrimEnd());
        }
        lines.Add($"{margin}{pen.BottomLeft}{new string(pen.Across, inside)}{pen.BottomRight}");
        return lines;
    }

    private static string Wire(PicturePort port, Pen pen) => new(port.Label is null ? ' ' : pen.Across, WireColumns);

    private static string Number(PicturePort port) => port.Id.ToString(CultureInfo.InvariantCulture);

    private static string Centred(string text, int width) => text.PadLeft(text.Length + ((width - text.Length) / 2)).PadRight(width);
}
