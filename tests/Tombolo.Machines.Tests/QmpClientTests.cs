// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Text;
using Shouldly;

namespace Tombolo.Machines.Tests;

/// <summary>The client against a scripted QEMU: what it sends and says is in the test.</summary>
public sealed class QmpClientTests : IDisposable
{
    private const string Greeting = """{"QMP": {"version": {}, "capabilities": ["oob"]}}""" + "\r\n";

    private readonly TemporaryFolder _folder = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromSeconds(60));

    public QmpClientTests()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(_folder["qmp"]));
        _listener.Listen();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _folder.Dispose();
        _watchdog.Dispose();
    }

    private Task<QmpClient> Connect() => QmpClient.ConnectAsync(_folder["qmp"], _watchdog.Token);

    private static async Task SayAsync(Socket qemu, string text) => _ = await qemu.SendAsync(Encoding.UTF8.GetBytes(text), SocketFlags.None);

    private static async Task<string> HearAsync(Socket qemu)
    {
        byte[] buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, await qemu.ReceiveAsync(buffer, SocketFlags.None));
    }

    private async Task<(QmpClient Client, Socket Qemu)> JoinedAsync()
    {
        Task<QmpClient> connecting = Connect();
        Socket qemu = await _listener.AcceptAsync(_watchdog.Token);
        await SayAsync(qemu, Greeting);
        (await HearAsync(qemu)).ShouldBe("{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
        await SayAsync(qemu, "{\"return\": {}, \"id\": 1}\r\n");
        return (await connecting, qemu);
    }

    [Fact]
    public async Task Execute_EventComesBeforeTheAnswer_BothArrive()
    {
        (QmpClient client, Socket qemu) = await JoinedAsync();
        await using (client)
        using (qemu)
        {
            Task<System.Text.Json.JsonElement> answer = client.ExecuteAsync("query-status", _watchdog.Token);
            (await HearAsync(qemu)).ShouldBe("{\"execute\":\"query-status\",\"id\":2}\n");
            await SayAsync(qemu, """{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}, "timestamp": {}}""" + "\r\n{\"ret");
            await SayAsync(qemu, "urn\": {\"status\": \"running\"}, \"id\": 2}\r\n");
            (await answer).GetProperty("status").GetString().ShouldBe("running");
            (await client.Events.ReadAsync(_watchdog.Token)).ShouldBe(new QmpEvent("SHUTDOWN", "guest-reset", true));
        }
    }

    [Fact]
    public async Task Execute_QemuRefuses_SaysWhy()
    {
        (QmpClient client, Socket qemu) = await JoinedAsync();
        await using (client)
        using (qemu)
        {
            Task<System.Text.Json.JsonElement> answer = client.ExecuteAsync("fly", _watchdog.Token);
            _ = await HearAsync(qemu);
            await SayAsync(qemu, """{"id": 2, "error": {"class": "CommandNotFound", "desc": "The command fly has not been found"}}""" + "\r\n");
            (await Should.ThrowAsync<MachineException>(() => answer)).Message.ShouldContain("The command fly has not been found");
        }
    }

    [Fact]
    public async Task Execute_QemuGoesAway_EndsTheWaitAndTheEvents()
    {
        (QmpClient client, Socket qemu) = await JoinedAsync();
        await using (client)
        {
            Task<System.Text.Json.JsonElement> answer = client.ExecuteAsync("quit", _watchdog.Token);
            _ = await HearAsync(qemu);
            qemu.Dispose();
            _ = await Should.ThrowAsync<MachineException>(() => answer);
            (await client.Events.WaitToReadAsync(_watchdog.Token)).ShouldBeFalse();
            _ = await Should.ThrowAsync<MachineException>(() => client.ExecuteAsync("quit", _watchdog.Token));
        }
    }

    [Theory]
    [InlineData("no json at all\n")]
    [InlineData("[1,2]\n")]
    [InlineData("{\"QMP\": \n")]
    [InlineData("")]
    public async Task Connect_WhatAnswersIsNotQemu_SaysSo(string words)
    {
        Task<QmpClient> connecting = Connect();
        using (Socket other = await _listener.AcceptAsync(_watchdog.Token)) await SayAsync(other, words);
        (await Should.ThrowAsync<MachineException>(() => connecting)).Message.ShouldContain("is not QEMU");
    }

    [Fact]
    public async Task Connect_EndlessLine_IsGivenUpAfterOneMebibyte()
    {
        Task<QmpClient> connecting = Connect();
        using Socket other = await _listener.AcceptAsync(_watchdog.Token);
        byte[] flood = Encoding.UTF8.GetBytes(new string('x', 1 << 16));
        try { while (!connecting.IsCompleted) _ = await other.SendAsync(flood, SocketFlags.None, _watchdog.Token); }
        catch (SocketException) { }   // the client hung up, as it should
        _ = await Should.ThrowAsync<MachineException>(() => connecting);
    }

    [Fact]
    public async Task Connect_NobodyListens_SaysWhere() =>
        (await Should.ThrowAsync<MachineException>(() => QmpClient.ConnectAsync(_folder["none"], _watchdog.Token))).Message.ShouldContain(_folder["none"]);
}
