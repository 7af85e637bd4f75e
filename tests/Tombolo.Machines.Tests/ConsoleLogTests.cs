// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.Machines.Tests;

public sealed class ConsoleLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromSeconds(60));

    public void Dispose()
    {
        _folder.Dispose();
        _watchdog.Dispose();
    }

    [Theory]
    [InlineData("TOMBOLO-READY vm0", "vm0")]
    [InlineData("  TOMBOLO-READY   vm0 ", "vm0")]
    [InlineData("TOMBOLO-READY", "")]
    [InlineData("\u001bc\u001b[?7l\u001b[2J\u001b[0mTOMBOLO-READY vm0", "vm0")]   // as SeaBIOS leaves the line
    [InlineData("TOMBOLO-READYish", null)]
    [InlineData("~ # \u001b[6nTOMBOLO-READY vm0", "vm0")]   // behind a shell's prompt
    [InlineData("xTOMBOLO-READY vm0", null)]
    [InlineData("", null)]
    public void After_Line_FindsTheMarkAsAWord(string line, string? expected) => ConsoleLog.After(line, ConsoleMark.Ready).ShouldBe(expected);

    [Theory]
    [InlineData("TOMBOLO-EXIT 0", 0)]
    [InlineData("TOMBOLO-EXIT 127", 127)]
    [InlineData("TOMBOLO-EXIT -1", -1)]
    [InlineData("TOMBOLO-EXIT", null)]
    [InlineData("TOMBOLO-EXIT 99999999999999", null)]
    public void ExitStatus_Line_ReadsTheNumber(string line, int? expected) => ConsoleLog.ExitStatus(line).ShouldBe(expected);

    [Fact]
    public async Task Follow_FileThatGrowsInPieces_GivesWholeLines()
    {
        string path = _folder.Write("log", "before\nfirst\r\nsec");
        await using IAsyncEnumerator<ConsoleLine> lines = ConsoleLog.FollowAsync(path, 7, _watchdog.Token).GetAsyncEnumerator();
        (await lines.MoveNextAsync()).ShouldBeTrue();
        lines.Current.ShouldBe(new ConsoleLine("first", true));
        (await lines.MoveNextAsync()).ShouldBeTrue();
        lines.Current.ShouldBe(new ConsoleLine("sec", false));   // a prompt would stay like this
        ValueTask<bool> next = lines.MoveNextAsync();
        await File.AppendAllTextAsync(path, "ond\nthird");
        (await next).ShouldBeTrue();
        lines.Current.ShouldBe(new ConsoleLine("second", true));
    }

    [Fact]
    public async Task Follow_FileMadeLater_IsSeen()
    {
        await using IAsyncEnumerator<ConsoleLine> lines = ConsoleLog.FollowAsync(_folder["later"], 0, _watchdog.Token).GetAsyncEnumerator();
        ValueTask<bool> next = lines.MoveNextAsync();
        _ = _folder.Write("later", "here\n");
        (await next).ShouldBeTrue();
        lines.Current.ShouldBe(new ConsoleLine("here", true));
    }

    [Fact]
    public async Task Follow_LineWithoutEnd_IsCutNotKept()
    {
        string path = _folder.Write("log", new string('x', 1 << 20) + "\nafter\n");
        await using IAsyncEnumerator<ConsoleLine> lines = ConsoleLog.FollowAsync(path, 0, _watchdog.Token).GetAsyncEnumerator();
        (await lines.MoveNextAsync()).ShouldBeTrue();
        lines.Current.Text.Length.ShouldBe(4096);
        (await lines.MoveNextAsync()).ShouldBeTrue();
        lines.Current.Text.ShouldBe("after");
    }

    [Fact]
    public async Task Follow_OffsetBeyondTheEnd_BeginsAtTheBeginning()
    {
        string path = _folder.Write("log", "new\n");
        await using IAsyncEnumerator<ConsoleLine> lines = ConsoleLog.FollowAsync(path, 1000, _watchdog.Token).GetAsyncEnumerator();
        (await lines.MoveNextAsync()).ShouldBeTrue();
        lines.Current.Text.ShouldBe("new");
    }

    [Fact]
    public void LastLine_FileWithBlankEnd_GivesTheLastWords()
    {
        ConsoleLog.LastLine(_folder.Write("log", "one\ntwo\n\n \n")).ShouldBe("two");
        ConsoleLog.LastLine(_folder["none"]).ShouldBeNull();
    }
}
