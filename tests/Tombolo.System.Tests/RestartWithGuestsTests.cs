// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text;
using Shouldly;
using Tombolo.Mailbox;

namespace Tombolo.System.Tests;

/// <summary>What QEMU's specification says cannot be done: the server is killed and started again, and its guests do not notice.</summary>
public sealed class RestartWithGuestsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-").FullName;
    private Process? _server;

    private string Socket => Path.Combine(_folder, "s");

    [Fact]
    public async Task ServerKilledFiveTimes_GuestsExchangeNumberedMessagesAllTheWhile_NoneLostNoneDoubled()
    {
        await StartServerAsync("ready");
        await using var guests = new TalkingGuests(_folder, Socket, vectors: 16);
        await guests.StartAsync();
        await guests.HearMoreAsync(20);
        for (int kill = 0; kill < 5; kill++)
        {
            _server!.Kill();
            await _server.WaitForExitAsync();
            await guests.HearMoreAsync(20);   // without a server
            await StartServerAsync("ready again");
            await guests.HearMoreAsync(20);
        }
        // A newcomer can ring them, they can ring it, and the server's own part answers it.
        await using MailboxEndpoint host = Join();
        (await host.SendAsync(new(15), Encoding.ASCII.GetBytes("ping"))).ShouldBe(SendResult.Delivered);
        foreach (ushort id in new ushort[] { 1, 2 })
        {
            (await host.SendAsync(new(id), Encoding.ASCII.GetBytes("hello"), TimeSpan.FromSeconds(30))).ShouldBe(SendResult.Delivered);
            await ReceiveAsync(host, "welcome from vm");
            (await host.SendAsync(new(id), Encoding.ASCII.GetBytes("stop"), TimeSpan.FromSeconds(30))).ShouldBe(SendResult.Delivered);
        }
        await guests.JudgeAsync();
    }

    [Fact]
    public async Task PeerKilledFiftyTimes_AndBackInItsSlot_SurvivorsGoOn()
    {
        // Freed memory is overwritten and checked in every QEMU: the fault of telling a leave and giving the ID again would show at the second return.
        Environment.SetEnvironmentVariable("MALLOC_CHECK_", "3");
        Environment.SetEnvironmentVariable("MALLOC_PERTURB_", "165");
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = Socket } });
        await using var guests = new TalkingGuests(_folder, Socket, vectors: 16);
        await guests.StartAsync();
        for (int time = 0; time < 50; time++)
        {
            using Process visitor = StartQemu();
            while (!(await fabric.Server.SnapshotAsync()).Peers.Any(peer => peer.Id.Value == 3 && peer.IsJoined))
            {
                visitor.HasExited.ShouldBeFalse($"the visitor ended at visit {time}");
                await Task.Delay(10);
            }
            visitor.Kill();
            await visitor.WaitForExitAsync();
            while ((await fabric.Server.SnapshotAsync()).Peers.Count > 2) await Task.Delay(10);
            if (time % 10 == 0) await guests.HearMoreAsync(5);
        }
        await guests.HearMoreAsync(20);
        await using MailboxEndpoint host = Join();
        foreach (ushort id in new ushort[] { 1, 2 }) (await host.SendAsync(new(id), Encoding.ASCII.GetBytes("stop"), TimeSpan.FromSeconds(30))).ShouldBe(SendResult.Delivered);
        await guests.JudgeAsync();
    }

    private MailboxEndpoint Join() => MailboxEndpoint.Connect(new() { SocketPath = Socket }, new() { Name = "host", SendTimeout = TimeSpan.FromSeconds(30) });

    private static async Task ReceiveAsync(MailboxEndpoint host, string beginning)
    {
        using var watchdog = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            MailboxMessage message = (await host.ReceiveAsync(watchdog.Token)).ShouldNotBeNull();
            if (Encoding.ASCII.GetString(message.Bytes.Span).StartsWith(beginning, StringComparison.Ordinal)) return;
        }
    }

    private async Task StartServerAsync(string says)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tombolo-test-server"), ["mailbox", Socket]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        _server = Process.Start(start)!;
        using var watchdog = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        (await _server.StandardOutput.ReadLineAsync(watchdog.Token)).ShouldBe(says);
    }

    // A QEMU whose processor never starts: it joins and takes its doorbells as any other.
    private Process StartQemu() => Process.Start(new ProcessStartInfo("qemu-system-x86_64",
        ["-accel", "tcg", "-nodefaults", "-display", "none", "-m", "16M", "-S", "-chardev", $"socket,path={Socket},id=c", "-device", "ivshmem-doorbell,vectors=16,chardev=c"]))!;

    public void Dispose()
    {
        if (_server is { HasExited: false })
        {
            _server.StandardInput.Close();   // an orderly stop: the keeper ends too
            _server.WaitForExit(TimeSpan.FromSeconds(30)).ShouldBeTrue();
        }
        _server?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
