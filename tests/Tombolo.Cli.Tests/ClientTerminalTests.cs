// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text;
using Tombolo.Ivshmem;
using Tombolo.Mailbox;

namespace Tombolo.Cli.Tests;

/// <summary>The interactive client on a real terminal: the built program inside script(1), which gives it one. Source: script is part of Debian's essential bsdutils.</summary>
public sealed class ClientTerminalTests : IAsyncLifetime, IDisposable
{
    private readonly Programs _programs = new();
    private readonly StringBuilder _shown = new();
    private MailboxFabric? _fabric;
    private MailboxEndpoint? _guest;
    private Process? _terminal;

    public async Task InitializeAsync()
    {
        string socket = _programs.InFolder("genz.sock");
        _fabric = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = socket, SizeBytes = 4096 } });
        _guest = MailboxEndpoint.Connect(new() { SocketPath = socket }, new() { Name = "vm1" });
        _terminal = _programs.Start("script", "-qec", $"{Programs.Tombolo} client --name me --socket {socket}", "/dev/null");
        await ShownAsync("2> ");
    }

    public async Task DisposeAsync()
    {
        await _guest!.DisposeAsync();
        await _fabric!.DisposeAsync();
    }

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task Client_LineBeingTyped_SurvivesAMessageThatComes()
    {
        await TypeAsync("send vm1 hel");
        await ShownAsync("send vm1 hel");
        int before = _shown.Length;

        (await _guest!.SendAsync(new PeerId(2), "interrupting"u8.ToArray(), Programs.Watchdog)).ShouldBe(SendResult.Delivered);

        await ShownAsync("2> send vm1 hel", after: before);
        _shown.ToString()[before..].ShouldContain("\r\x1b[Kvm1 (1): interrupting");
        await TypeAsync("lo\r");
        (await HeardAsync()).ShouldBe("hello");
    }

    [Fact]
    public async Task Client_ArrowUp_RecallsTheLineAlsoInTheNextSession()
    {
        await TypeAsync("send vm1 again\r");
        (await HeardAsync()).ShouldBe("again");

        await TypeAsync("\x1b[A\r");

        (await HeardAsync()).ShouldBe("again");
        File.ReadAllText(_programs.InFolder("state/tombolo/client_history")).ShouldBe("send vm1 again\n");
    }

    [Fact]
    public async Task Client_Tab_CompletesCommandsAndNames()
    {
        await TypeAsync("sen\tv\tcompleted\r");

        (await HeardAsync()).ShouldBe("completed");
    }

    [Theory]
    [InlineData("quit\r")]
    [InlineData("\x04")]
    [InlineData("\x03")]
    public async Task Client_WayOut_EndsWithZero(string typed)
    {
        await TypeAsync(typed);

        await _terminal!.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        _terminal.ExitCode.ShouldBe(0);
    }

    private async Task TypeAsync(string keys)
    {
        await _terminal!.StandardInput.WriteAsync(keys);
        await _terminal.StandardInput.FlushAsync();
    }

    private async Task<string> HeardAsync()
    {
        using CancellationTokenSource watchdog = new(Programs.Watchdog);
        return (await _guest!.ReceiveAsync(watchdog.Token))!.Text;
    }

    private async Task ShownAsync(string text, int after = 0)
    {
        char[] buffer = new char[1024];
        while (_shown.ToString().IndexOf(text, after, StringComparison.Ordinal) < 0)
        {
            int count = await _terminal!.StandardOutput.ReadAsync(buffer).AsTask().WaitAsync(Programs.Watchdog);
            count.ShouldBeGreaterThan(0, $"the terminal ended before it showed '{text}'; it showed: {_shown}");
            _ = _shown.Append(buffer, 0, count);
        }
    }
}
