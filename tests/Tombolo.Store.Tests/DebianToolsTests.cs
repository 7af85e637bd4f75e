// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Testing;

namespace Tombolo.Store.Tests;

/// <summary>Debian's own tools, unchanged (package xenstore-utils), against this server.</summary>
public sealed class DebianToolsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StoreServer _server;

    public DebianToolsTests() => _server = StoreServer.Start(new() { SocketPath = _folder["socket"] });

    [Theory]
    [InlineData("XENSTORED_PATH")]
    [InlineData("XENSTORED_RUNDIR")]
    public void WriteReadListExistsRemove(string variable)
    {
        Run(variable, "xenstore-write", "/a/b/c", "hello world", "/a/d", "x").ShouldBe((0, "", ""));
        Run(variable, "xenstore-read", "/a/b/c", "/a/d").ShouldBe((0, "hello world\nx\n", ""));
        Run(variable, "xenstore-read", "-p", "/a/d").ShouldBe((0, "/a/d: x\n", ""));
        Run(variable, "xenstore-list", "/a").ShouldBe((0, "b\nd\n", ""));
        Run(variable, "xenstore-exists", "/a/b").Code.ShouldBe(0);
        Run(variable, "xenstore-exists", "/a/none").Code.ShouldBe(1);
        Run(variable, "xenstore-rm", "/a/b").ShouldBe((0, "", ""));
        Run(variable, "xenstore-read", "/a/b/c").ShouldBe((1, "", "xenstore-read: couldn't read path /a/b/c\n"));
        Run(variable, "xenstore-rm", "-t", "/a/d").Code.ShouldBe(0);   // and empty parents
        _server.Find("/a").ShouldBeNull();
    }

    [Fact]
    public void ChmodAndLs_ShowPermissionsAndTheTree()
    {
        Run("XENSTORED_PATH", "xenstore-write", "/vm/one", "1", "/vm/two/three", "3");
        Run("XENSTORED_PATH", "xenstore-chmod", "-r", "/vm/two", "n0", "r5", "b6").ShouldBe((0, "", ""));
        Run("XENSTORED_PATH", "xenstore-ls", "-f", "-p", "/vm").ShouldBe((0, "/vm/one = \"1\"   (n0)\n/vm/two = \"\"   (n0,r5,b6)\n/vm/two/three = \"3\"   (n0,r5,b6)\n", ""));
        Run("XENSTORED_PATH", "xenstore-ls", "/vm").ShouldBe((0, "one = \"1\"\ntwo = \"\"\n three = \"3\"\n", ""));
    }

    [Fact]
    public void Ls_OfMoreThanOneMessageHolds_ShowsAll()
    {
        for (int i = 0; i < 1500; i += 100) Run("XENSTORED_PATH", "xenstore-write", [.. Enumerable.Range(i, 100).SelectMany(n => new[] { $"/many/child-{n:0000}", "v" })]).Code.ShouldBe(0);
        Run("XENSTORED_PATH", "xenstore-list", "/many").Out.ShouldBe(string.Concat(Enumerable.Range(0, 1500).Select(n => $"child-{n:0000}\n")));
    }

    [Fact]
    public void Watch_PrintsEachChange()
    {
        using Process watch = Process.Start(Tool("XENSTORED_PATH", "xenstore-watch", "-n", "3", "/a"))!;
        watch.StandardOutput.ReadLine().ShouldBe("/a");
        Run("XENSTORED_PATH", "xenstore-write", "/a/x", "1").Code.ShouldBe(0);
        watch.StandardOutput.ReadLine().ShouldBe("/a/x");
        Run("XENSTORED_PATH", "xenstore-rm", "/a").Code.ShouldBe(0);
        watch.StandardOutput.ReadLine().ShouldBe("/a");
        watch.WaitForExit(Watchdog.Limit).ShouldBeTrue();
    }

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Dispose();
    }

    private (int Code, string Out, string Error) Run(string variable, string tool, params string[] arguments)
    {
        using Process process = Process.Start(Tool(variable, tool, arguments))!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit(Watchdog.Limit).ShouldBeTrue($"{tool} did not end");
        return (process.ExitCode, output, error.Result);
    }

    private ProcessStartInfo Tool(string variable, string tool, params string[] arguments)
    {
        ProcessStartInfo start = new(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        _ = start.Environment.Remove("XENSTORED_PATH");
        start.Environment[variable] = variable == "XENSTORED_PATH" ? _folder["socket"] : _folder.FullPath;
        return start;
    }
}
