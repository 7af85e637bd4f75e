// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text.Json;
using Tombolo.Cli.Output;
using Tombolo.Ivshmem;
using Tombolo.Mailbox;

namespace Tombolo.Cli.Tests;

/// <summary>The participant's commands against a real mailbox: a server, and an endpoint that stands for a guest.</summary>
public sealed class MailboxCommandTests : IAsyncLifetime, IDisposable
{
    private readonly Programs _programs = new();
    private MailboxFabric? _fabric;
    private MailboxEndpoint? _guest;

    private string Socket => _programs.InFolder("genz.sock");

    public async Task InitializeAsync()
    {
        _fabric = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = Socket, SizeBytes = 4096 } });
        _guest = MailboxEndpoint.Connect(new() { SocketPath = Socket }, new() { Name = "vm1" });
    }

    public async Task DisposeAsync()
    {
        await _guest!.DisposeAsync();
        await _fabric!.DisposeAsync();
    }

    public void Dispose() => _programs.Dispose();

    private Task<CommandLine> RunAsync(string line, string? input = null) =>
        CommandLine.RunAsync($"{line} --socket {Socket}", input: input is null ? null : new StringReader(input)).WaitAsync(Programs.Watchdog);

    private async Task<string> HeardAsync()
    {
        using CancellationTokenSource watchdog = new(Programs.Watchdog);
        return (await _guest!.ReceiveAsync(watchdog.Token))!.Text;
    }

    [Theory]
    [InlineData("send vm1 hello")]
    [InlineData("send 1 hello")]
    [InlineData("send other hello --name somebody")]
    public async Task Send_Destination_IsDelivered(string line)
    {
        (await RunAsync(line)).ShouldBe(new(ExitCode.Done, "", ""));

        (await HeardAsync()).ShouldBe("hello");
    }

    [Theory]
    [InlineData("send nobody hello", "There is no 'nobody' here; there is vm1 (1), Z-switch (15).")]
    [InlineData("send 7 hello", "Nobody took the message to 7, where no name is shown; it was withdrawn.")]
    [InlineData("send 99 hello", "There is no peer 99.")]
    [InlineData("who --name far-too-long-for-a-node-name-of-a-slot", "Name is 'far-too-long-for-a-node-name-of-a-slot'; a node name has 1 to 31 printable ASCII characters without spaces.")]
    [InlineData("ping --count -1", "--count is -1; it must be 0 or more.")]
    [InlineData("ping -W 0", "--timeout must be more than 0.")]
    [InlineData("ping -i -3", "--interval is -3; it must be 0 to 1000000 seconds.")]
    [InlineData("listen -t NaN", "--timeout is NaN; it must be 0 to 1000000 seconds.")]
    public async Task Command_CannotBe_SaysWhy(string line, string sentence)
    {
        CommandLine ran = await RunAsync(line);

        ran.ExitCode.ShouldNotBe(ExitCode.Done);
        ran.Error.ShouldBe($"tombolo {line.Split(' ')[0]}: {sentence}\n");
    }

    [Fact]
    public async Task Send_TooLong_SaysTheLimit() =>
        (await RunAsync($"send vm1 {new string('x', 384)}")).Error.ShouldBe("tombolo send: The message is 384 bytes long; this mailbox takes 1 to 383.\n");

    [Fact]
    public async Task Send_NoServer_SaysSo() =>
        (await CommandLine.RunAsync("who --socket /nonexistent/sock")).ShouldBe(new(ExitCode.Failed, "", "tombolo who: No mailbox server listens at /nonexistent/sock; start one with 'tombolo up'.\n"));

    [Fact]
    public async Task Who_InAPipe_IsATable()
    {
        CommandLine ran = await RunAsync("who");

        ran.Out.ShouldBe("ID  NAME      SID:CID  IS\n1   vm1       -        client\n15  Z-switch  27:1500  server\n");
    }

    [Fact]
    public async Task Who_Json_IsOneDocument()
    {
        CommandLine ran = await RunAsync("who --json");

        using JsonDocument document = JsonDocument.Parse(ran.Out);
        document.RootElement.EnumerateArray().Select(one => one.GetProperty("name").GetString()).ShouldBe(["vm1", "Z-switch"]);
    }

    [Fact]
    public async Task Ping_Everybody_ReportsEach()
    {
        CommandLine ran = await RunAsync("ping other -c 3 -i 0");

        ran.ExitCode.ShouldBe(ExitCode.Done);
        ran.Out.ShouldMatch(@"pong from vm1 \(1\): seq=3 time=[0-9.]+ ms");
        ran.Out.ShouldMatch(@"--- Z-switch \(15\) ---\n3 sent, 3 answered, 0% lost\nround trip min/avg/max/mdev = [0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms");
    }

    [Fact]
    public async Task Ping_NobodyAnswers_HasFailed()
    {
        using IvshmemClient deaf = IvshmemClient.Connect(new() { SocketPath = Socket, VectorCount = MailboxGeometry.VectorCountIn });

        CommandLine ran = await RunAsync($"ping {deaf.Id} -c 1 -W 0.05");

        ran.ExitCode.ShouldBe(ExitCode.Failed);
        ran.Out.ShouldBe("no answer from 2: seq=1\n--- 2 ---\n1 sent, 0 answered, 100% lost\n");
    }

    [Fact]
    public async Task Ping_Json_IsADocumentALine()
    {
        CommandLine ran = await RunAsync("ping vm1 -c 2 -i 0 --json");

        string[] lines = ran.Out.TrimEnd().Split('\n');
        lines.Length.ShouldBe(2);
        using JsonDocument second = JsonDocument.Parse(lines[1]);
        second.RootElement.GetProperty("sequence").GetInt32().ShouldBe(2);
        second.RootElement.GetProperty("milliseconds").GetDouble().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Listen_Count_EndsWithTheLastAndPrintsItHarmless()
    {
        using Process listener = _programs.Start(Programs.Tombolo, "listen", "--socket", Socket, "--count", "2", "--name", "logger");
        (await Programs.LineWithAsync(listener.StandardError, "Listening")).ShouldBe("Listening as 2.");
        PeerId to = new(2);

        (await _guest!.SendAsync(to, "one"u8.ToArray())).ShouldBe(SendResult.Delivered);
        (await _guest.SendAsync(to, "two\x1b[2J\nthree"u8.ToArray())).ShouldBe(SendResult.Delivered);

        string said = await listener.StandardOutput.ReadToEndAsync().WaitAsync(Programs.Watchdog);
        await listener.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        said.ShouldBe("vm1 (1): one\nvm1 (1): two\\u{1b}[2J\\nthree\n");
        listener.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Listen_TimeRunsOut_HasFailed()
    {
        CommandLine ran = await RunAsync("listen --count 1 --timeout 0.05");

        ran.ExitCode.ShouldBe(ExitCode.Failed);
        ran.Error.ShouldEndWith("tombolo listen: 0 of 1 messages came in 0.05 s.\n");
    }

    [Fact]
    public async Task Listen_TimeRunsOutWithoutACount_IsDone() => (await RunAsync("listen --timeout 0.05")).ExitCode.ShouldBe(ExitCode.Done);

    [Fact]
    public async Task Int_WithText_ForgesTheSource()
    {
        (await RunAsync("int vm1 9 I am nine")).ShouldBe(new(ExitCode.Done, "", ""));

        using CancellationTokenSource watchdog = new(Programs.Watchdog);
        MailboxMessage heard = (await _guest!.ReceiveAsync(watchdog.Token))!;
        (heard.From, heard.Text).ShouldBe((new PeerId(9), "I am nine"));
    }

    [Fact]
    public async Task Client_InAPipe_RunsCommandsLineByLine()
    {
        CommandLine ran = await RunAsync("client", "who\nsend vm1 hello there\nsend 2 to myself\nfrob\nquit\nsend vm1 never\n");

        ran.ExitCode.ShouldBe(ExitCode.Done);
        ran.Out.ShouldStartWith("Joined as 2; the server is 15. Type help for the commands.\n    1  vm1\n    2  ");
        ran.Out.ShouldContain("(2): to myself\n");
        ran.Out.ShouldContain("'frob' is not a command; help shows them.\n");
        ran.Out.ShouldNotContain("\x1b");
        (await HeardAsync()).ShouldBe("hello there");
        _guest!.TryReceive(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Client_Rfc_GetsAnAddressFromTheManager()
    {
        using Process client = _programs.Start(Programs.Tombolo, "client", "--socket", Socket);
        _ = await Programs.LineWithAsync(client.StandardOutput, "Joined as 2");

        await client.StandardInput.WriteLineAsync("rfc");

        (await Programs.LineWithAsync(client.StandardOutput, "CTL-Write")).ShouldContain("SID=27,CID=200");
        _ = await Programs.LineWithAsync(client.StandardOutput, "Link CTL Peer-Attribute");   // asked only of who has acknowledged its address
        await client.StandardInput.WriteLineAsync("dump");
        (await Programs.LineWithAsync(client.StandardOutput, "(this client)")).ShouldContain("27:200");
    }
}
