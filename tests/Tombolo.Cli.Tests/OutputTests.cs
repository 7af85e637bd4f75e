// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Tests;

public sealed class OutputTests
{
    [Theory]
    [InlineData("plain grüße 日本", "plain grüße 日本")]
    [InlineData("\x1b[2Jgone", "\\u{1b}[2Jgone")]
    [InlineData("two\nlines\tand\ra\0nul", "two\\nlines\\tand\\u{d}a\\u{0}nul")]
    [InlineData("right\u202eleft", "right\\u{202e}left")]
    [InlineData("\u009b31m", "\\u{9b}31m")]
    [InlineData("\U0001F600", "\U0001F600")]
    public void Printable_Text_EscapesWhatATerminalObeys(string hostile, string expected) => Printable.Text(hostile).ShouldBe(expected);

    [Fact]
    public void Printable_UnpairedSurrogate_IsReplaced() => Printable.Text("a\ud800b").ShouldBe("a\ufffdb");

    [Fact]
    public void Table_InAPipe_IsAlignedTextWithoutEscapes()
    {
        StringWriter text = new();
        Screen screen = new() { Out = text, Error = TextWriter.Null };

        screen.Table(new TextTable("id", "name").Row("1", "vm1").Row("10", "a longer one"));

        text.ToString().ShouldBe("ID  NAME\n1   vm1\n10  a longer one\n");
    }

    [Fact]
    public void Table_OnATerminal_IsDrawn()
    {
        StringWriter text = new();
        Screen screen = new() { Out = text, Error = TextWriter.Null, IsTerminal = true, Colour = true, Unicode = true };

        screen.Table(new TextTable("id", "state").Row("1", "ready"));

        text.ToString().ShouldContain("╭");
        text.ToString().ShouldContain("\x1b[");
    }

    [Theory]
    [InlineData(null, "xterm", true)]
    [InlineData("", "xterm", true)]
    [InlineData("1", "xterm", false)]
    [InlineData(null, "dumb", false)]
    [InlineData(null, null, false)]
    public void MayColour_Environment_Decides(string? noColor, string? term, bool expected) => Screen.MayColour(noColor, term).ShouldBe(expected);

    [Theory]
    [InlineData(null, null, "en_US.UTF-8", true)]
    [InlineData("C", null, "en_US.UTF-8", false)]
    [InlineData("", "de_DE.utf8", "C", true)]
    [InlineData(null, null, null, false)]
    public void IsUtf8_Locale_Decides(string? all, string? type, string? lang, bool expected) =>
        Screen.IsUtf8(name => name switch { "LC_ALL" => all, "LC_CTYPE" => type, _ => lang }).ShouldBe(expected);
}
