// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text.Json;
using Tombolo.Cli.Output;
using Tombolo.Store;

namespace Tombolo.Cli.Tests;

/// <summary>The store's commands against a real server.</summary>
public sealed class StoreCommandTests : IDisposable
{
    private readonly Programs _programs = new();
    private readonly StoreServer _server;

    public StoreCommandTests() => _server = StoreServer.Start(new() { SocketPath = Socket, Keys = [new("/vm/one/name", "first"), new("/vm/two", "2", StorePermissions.Parse("n0,r5"))] });

    private string Socket => _programs.InFolder("store.sock");

    [Fact]
    public async Task WriteReadListRemove()
    {
        (await RunAsync("store write /a/b 1 /a/c two")).ShouldBe(new(ExitCode.Done, "", ""));
        (await RunAsync("store read /a/b /a/c")).ShouldBe(new(ExitCode.Done, "1\ntwo\n", ""));
        (await RunAsync("store list /a")).ShouldBe(new(ExitCode.Done, "b\nc\n", ""));
        (await RunAsync("store exists /a/b")).ExitCode.ShouldBe(ExitCode.Done);
        (await RunAsync("store rm /a /none")).ShouldBe(new(ExitCode.Failed, "", "tombolo store rm: There is no node '/none'.\n"));
        (await RunAsync("store exists /a/b")).ExitCode.ShouldBe(ExitCode.Done);   // nothing was removed
        (await RunAsync("store rm /a")).ShouldBe(new(ExitCode.Done, "", ""));
        (await RunAsync("store exists /a/b")).ExitCode.ShouldBe(ExitCode.Failed);
    }

    [Fact]
    public async Task Ls_DrawsTheTree() =>
        (await RunAsync("store ls /vm -p")).Out.ShouldBe("/vm (n0)\n|- one (n0)\n|  `- name = \"first\" (n0)\n`- two = \"2\" (n0,r5)\n");

    [Fact]
    public async Task Ls_Json_GivesOneNodeALine()
    {
        string[] lines = (await RunAsync("store ls /vm --json")).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(4);
        using JsonDocument third = JsonDocument.Parse(lines[2]);
        (third.RootElement.GetProperty("path").GetString(), third.RootElement.GetProperty("value").GetString()).ShouldBe(("/vm/one/name", "first"));
    }

    [Fact]
    public async Task Chmod_SetsPermissions_AlsoBelow()
    {
        (await RunAsync("store chmod -r /vm n0 b7")).ShouldBe(new(ExitCode.Done, "", ""));
        _server.Find("/vm/one/name").ShouldNotBeNull().Permissions.ToString().ShouldBe("n0,b7");
        (await RunAsync("store chmod /vm z7")).ShouldBe(new(ExitCode.WrongUse, "", "tombolo store chmod: 'z7' is no permission: it is one of the letters r, w, b, n with a domain's number behind it, such as r5.\n"));
    }

    [Theory]
    [InlineData("store read /none", ExitCode.Failed, "tombolo store read: There is no node '/none'.")]
    [InlineData("store write /a", ExitCode.WrongUse, "tombolo store write: '/a' has no value behind it; give each path its value.")]
    [InlineData("store write /a//b 1", ExitCode.WrongUse, "tombolo store write: '/a//b' is no path: letters, digits and -_@ between slashes, no slash at the end.")]
    [InlineData("store read /a//b", ExitCode.WrongUse, "tombolo store read: '/a//b' is no path: letters, digits and -_@ between slashes, no slash at the end.")]
    [InlineData("store list /a/", ExitCode.WrongUse, "tombolo store list: '/a/' is no path: letters, digits and -_@ between slashes, no slash at the end.")]
    [InlineData("store ls /a/", ExitCode.WrongUse, "tombolo store ls: '/a/' is no path: letters, digits and -_@ between slashes, no slash at the end.")]
    [InlineData("store rm /a/", ExitCode.WrongUse, "tombolo store rm: '/a/' is no path: letters, digits and -_@ between slashes, no slash at the end.")]
    [InlineData("store exists /a/", ExitCode.WrongUse, "tombolo store exists: '/a/' is no path: letters, digits and -_@ between slashes, no slash at the end.")]
    [InlineData("store chmod /a/ n0", ExitCode.WrongUse, "tombolo store chmod: '/a/' is no path: letters, digits and -_@ between slashes, no slash at the end.")]
    [InlineData("store watch @gone", ExitCode.WrongUse, "tombolo store watch: '@gone' is no path: letters, digits and -_@ between slashes, no slash at the end.")]
    [InlineData("store watch /a -n -1", ExitCode.WrongUse, "tombolo store watch: --count is -1; it must be 0 or more.")]
    public async Task WrongUse_OrNothingThere_IsOneSentence(string line, int code, string sentence) => (await RunAsync(line)).ShouldBe(new(code, "", sentence + "\n"));

    [Fact]
    public async Task NoServer_IsSaid()
    {
        CommandLine ran = await CommandLine.RunAsync($"store read /a --socket {_programs.InFolder("none")}").WaitAsync(Programs.Watchdog);
        ran.ExitCode.ShouldBe(ExitCode.Failed);
        ran.Error.ShouldStartWith($"tombolo store read: No store can be reached at '{_programs.InFolder("none")}'");
    }

    [Fact]
    public async Task Watch_OfASpecialPath_IsNoFileOfArguments()
    {
        CommandLine watch = await CommandLine.RunAsync($"store watch @releaseDomain -n 1 --socket {Socket}");
        (watch.ExitCode, watch.Out, watch.Error).ShouldBe((ExitCode.Done, "@releaseDomain\n", ""));
    }

    [Fact]
    public async Task Watch_PrintsChanges()
    {
        using Process watch = _programs.Start(Programs.Tombolo, "store", "watch", "/vm/two", "-n", "3", "--socket", Socket);
        (await watch.StandardOutput.ReadLineAsync().WaitAsync(Programs.Watchdog)).ShouldBe("/vm/two = \"2\"");
        await RunAsync("store write /vm/two/x new");
        (await watch.StandardOutput.ReadLineAsync().WaitAsync(Programs.Watchdog)).ShouldBe("/vm/two/x = \"new\"");
        await RunAsync("store rm /vm/two");
        (await watch.StandardOutput.ReadLineAsync().WaitAsync(Programs.Watchdog)).ShouldBe("/vm/two");
        await watch.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        watch.ExitCode.ShouldBe(ExitCode.Done);
    }

    /// <summary>Into a pipe, each picture that differs from the one before comes after an empty line.</summary>
    [Fact]
    public async Task LsWatch_ShowsWhatChanged_AndNothingTwice()
    {
        using Process watch = _programs.Start(Programs.Tombolo, "store", "ls", "/vm/two", "--watch", "--socket", Socket);
        async Task<string?> NextAsync() => await watch.StandardOutput.ReadLineAsync().WaitAsync(Programs.Watchdog);
        (await NextAsync()).ShouldBe("/vm/two = \"2\"");
        await RunAsync("store write /vm/two/x new /vm/two/y new");   // two events
        (await NextAsync(), await NextAsync()).ShouldBe(("", "/vm/two = \"2\""));
        ((await NextAsync())!.EndsWith("x = \"new\"", StringComparison.Ordinal), (await NextAsync())!.EndsWith("y = \"new\"", StringComparison.Ordinal)).ShouldBe((true, true));
        await RunAsync("store write /vm/two/x new");
        await RunAsync("store rm /vm/two");
        (await NextAsync(), await NextAsync()).ShouldBe(("", "There is no node '/vm/two'."));
        watch.Kill();
    }

    [Fact]
    public async Task Serve_KilledAndStartedAgain_KeepsItsClients_AndStopsInOrder()
    {
        string socket = _programs.InFolder("s"), journal = _programs.InFolder("j");
        string[] serve = ["store", "serve", "--socket", socket, "--journal", journal, "--keeper"];
        Process first = _programs.Start(Programs.Tombolo, serve);
        (await first.StandardOutput.ReadLineAsync().WaitAsync(Programs.Watchdog)).ShouldBe($"Serving {socket}. Ctrl-C ends it.");
        await using StoreClient client = await StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = socket, Reconnects = false });
        await client.WriteAsync("/a", "1");
        first.Kill();
        await first.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        Task<string?> waiting = client.ReadAsync("/a").AsTask();
        Process second = _programs.Start(Programs.Tombolo, serve);
        (await second.StandardOutput.ReadLineAsync().WaitAsync(Programs.Watchdog)).ShouldBe($"Serving {socket}, with the clients of the server before. Ctrl-C ends it.");
        (await waiting.WaitAsync(Programs.Watchdog)).ShouldBe("1");
        _ = Linux.LinuxProcess.TrySignal(second.Id, Linux.Signal.Interrupt);
        await second.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        second.ExitCode.ShouldBe(ExitCode.Done);
        File.Exists(socket).ShouldBeFalse();
    }

    /// <summary>Nodes are on disk unless somebody says otherwise.</summary>
    [Theory]
    [InlineData(null, "1")]
    [InlineData("none", null)]
    public async Task Serve_KilledWithoutAKeeper_HasItsNodesAgain_UnlessItWasToldNotTo(string? journal, string? expected)
    {
        string socket = _programs.InFolder("s");
        string[] serve = ["store", "serve", "--socket", socket, .. journal is null ? (string[])[] : ["--journal", journal]];
        for (int life = 0; life < 2; life++)
        {
            Process server = _programs.Start(Programs.Tombolo, serve);
            (await server.StandardOutput.ReadLineAsync().WaitAsync(Programs.Watchdog)).ShouldBe($"Serving {socket}. Ctrl-C ends it.");
            await using (StoreClient client = await StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = socket, Reconnects = false }))
            {
                if (life == 0) await client.WriteAsync("/a", "1");
                else (await client.ReadAsync("/a")).ShouldBe(expected);
            }
            server.Kill();
            await server.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        }
    }

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _programs.Dispose();
    }

    private Task<CommandLine> RunAsync(string line) => CommandLine.RunAsync($"{line} --socket {Socket}").WaitAsync(Programs.Watchdog);
}
