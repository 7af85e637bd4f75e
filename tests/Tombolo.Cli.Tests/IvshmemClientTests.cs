// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Ivshmem;

namespace Tombolo.Cli.Tests;

/// <summary>The drop-in client against a real server: the built program, in pipes, as scripts use it.</summary>
public sealed class IvshmemClientTests : IAsyncLifetime, IDisposable
{
    private readonly Programs _programs = new();
    private DoorbellServer? _server;

    private string Socket => _programs.InFolder("bell");

    public Task InitializeAsync()
    {
        _server = DoorbellServer.Start(new() { SocketPath = Socket, Vectors = 2 });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _server!.DisposeAsync();
    }

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task TwoClients_RingEachOther_PrintTheStockNotices()
    {
        using Process first = _programs.Start(Programs.Tombolo, "ivshmem-client", "-v", "-S", Socket);
        _ = await Programs.LineWithAsync(first.StandardOutput, "listen on server socket");
        using Process second = _programs.Start(Programs.Tombolo, "ivshmem-client", "-S", Socket);
        _ = await Programs.LineWithAsync(second.StandardOutput, "listen on server socket");
        _ = await Programs.LineWithAsync(first.StandardOutput, "new peer id = 1");

        await first.StandardInput.WriteLineAsync("int 1 1");
        (await Programs.LineWithAsync(second.StandardOutput, "receive")).ShouldEndWith("receive notification from peer_id=1 vector=1");
        await second.StandardInput.WriteLineAsync("int all");
        _ = await Programs.LineWithAsync(first.StandardOutput, "receive notification from peer_id=0 vector=");
        await second.StandardInput.WriteLineAsync("quit");
        await second.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        second.ExitCode.ShouldBe(0);
        _ = await Programs.LineWithAsync(first.StandardOutput, "delete peer 1");
    }

    [Fact]
    public async Task Commands_InAPipe_AnswerAsTheStockClientAndEndWithTheInput()
    {
        using Process client = _programs.Start(Programs.Tombolo, "ivshmem-client", "-S", Socket);
        await client.StandardInput.WriteAsync("dump;int 7 0\nint 0 9\nfrob\nhelp\n");
        client.StandardInput.Close();
        string said = await client.StandardOutput.ReadToEndAsync().WaitAsync(Programs.Watchdog);
        await client.WaitForExitAsync().WaitAsync(Programs.Watchdog);

        client.ExitCode.ShouldBe(0);
        string[] lines = [.. said.Split('\n').Select(line => System.Text.RegularExpressions.Regex.Replace(line, "fd=[0-9]+|socket [0-9]+", "N")).Where(line => line.Length > 0)];
        string[] help = ["dump: dump peers (including us)", "int <peer> <vector>: notify one vector on a peer", "int <peer> all: notify all vectors of a peer", "int all: notify all vectors of all peers (excepting us)", "quit: leave"];
        lines.ShouldBe(
        [
            .. help,
            "listen on server N",
            "cmd> our_id = 0",
            "  vector 0 is enabled (N)",
            "  vector 1 is enabled (N)",
            "cannot find peer_id = 7",
            "cmd> invalid vector 9 on peer 0",
            "cmd> invalid command, type help",
            "cmd> " + help[0],
            .. help[1..],
            "cmd> ",
        ]);
    }

    [Fact]
    public async Task Server_GoesAndComesBack_IsJoinedAgain()
    {
        using Process client = _programs.Start(Programs.Tombolo, "ivshmem-client", "-S", Socket);
        _ = await Programs.LineWithAsync(client.StandardOutput, "listen on server socket");
        await _server!.DisposeAsync();
        _ = await Programs.LineWithAsync(client.StandardOutput, "disconnected from server");
        _ = await Programs.LineWithAsync(client.StandardOutput, "cannot connect to server, retry in 1 second");

        _server = DoorbellServer.Start(new() { SocketPath = Socket, Vectors = 2 });

        _ = await Programs.LineWithAsync(client.StandardOutput, "listen on server socket");
    }
}
