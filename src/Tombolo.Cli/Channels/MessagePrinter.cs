// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Channels;

/// <summary>A message of a channel as <c>--json</c> shows it.</summary>
/// <param name="Bytes">Its length.</param>
/// <param name="Text">Its text, where it is text.</param>
/// <param name="Base64">Its bytes otherwise; the first of them where there are very many.</param>
internal sealed record ChannelMessage(int Bytes, string? Text, string? Base64);

/// <summary>Prints messages, a line each. What they hold is another party's: a terminal sees nothing of it that it could obey.</summary>
internal sealed class MessagePrinter(Screen screen, bool json)
{
    /// <summary>Of one message, so many bytes are shown.</summary>
    public const int MostBytes = 64 << 10;

    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Prints one.</summary>
    /// <param name="message">Its bytes, or as many as were kept.</param>
    /// <param name="lengthBytes">Its whole length.</param>
    public void Show(ReadOnlySpan<byte> message, int lengthBytes)
    {
        byte[] copy = message[..Math.Min(message.Length, MostBytes)].ToArray();   // once: the memory is another party's
        string? text = TextOf(copy);
        if (json) screen.Json(new ChannelMessage(lengthBytes, text, text is null ? Convert.ToBase64String(copy) : null), CliJson.Default.ChannelMessage);
        else if (text is not null) screen.Line(screen.IsTerminal ? Printable.Text(text) : text);
        else screen.Line($"({lengthBytes} bytes) {Convert.ToHexString(copy.AsSpan(0, Math.Min(copy.Length, 32)))}{(lengthBytes > 32 ? "…" : "")}");
    }

    private static string? TextOf(byte[] bytes)
    {
        try { return _strict.GetString(bytes) is var text && !text.Any(one => char.IsControl(one) && one is not ('\t' or '\n' or '\r')) ? text : null; }
        catch (DecoderFallbackException) { return null; }
    }
}
