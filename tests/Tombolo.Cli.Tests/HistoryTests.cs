// SPDX-License-Identifier: MIT
using Tombolo.Cli.Editing;

namespace Tombolo.Cli.Tests;

public sealed class HistoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-history-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Add_ThenANewHistory_FindsTheLines()
    {
        string path = Path.Combine(_folder, "deep", "history");
        History first = new(path);
        first.Add("one");
        first.Add("two");

        new History(path).Lines.ShouldBe(["one", "two"]);
    }

    [Fact]
    public void Add_File_IsReadableByTheUserAlone()
    {
        string path = Path.Combine(_folder, "history");
        new History(path).Add("secret");

        File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public void Add_BlankOrRepeatedLine_IsNotKept()
    {
        History history = new();
        history.Add("one");
        history.Add("one");
        history.Add("  ");

        history.Lines.ShouldBe(["one"]);
    }

    [Fact]
    public void Add_MoreThanTheLimit_ForgetsTheOldest()
    {
        History history = new();
        for (int i = 0; i <= History.MaxLines; i++) history.Add($"line {i}");

        history.Lines.Count.ShouldBe(History.MaxLines);
        history.Lines[0].ShouldBe("line 1");
    }

    [Fact]
    public void Add_FolderCannotBeMade_IsPassedOver()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        History history = new(Path.Combine(file, "history"));

        history.Add("one");

        history.Lines.ShouldBe(["one"]);
    }

    [Theory]
    [InlineData("/state", "/home/me", "/state/tombolo/client_history")]
    [InlineData("", "/home/me", "/home/me/.local/state/tombolo/client_history")]
    [InlineData("relative", "/home/me", "/home/me/.local/state/tombolo/client_history")]
    public void PathOfUser_Environment_Decides(string state, string home, string expected) =>
        History.PathOfUser(name => name == "HOME" ? home : state).ShouldBe(expected);
}
