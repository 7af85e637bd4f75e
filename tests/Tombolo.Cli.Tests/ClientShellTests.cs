// SPDX-License-Identifier: MIT
using Tombolo.Cli.Client;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Tests;

public sealed class ClientShellTests
{
    private readonly PretendMailbox _mailbox = new();
    private readonly List<string> _printed = [];

    private ClientShell Shell => new(_mailbox, _printed.Add);

    private async Task<string[]> RunAsync(string line)
    {
        (await Shell.ExecuteAsync(line, default)).ShouldBeTrue();
        return [.. _printed];
    }

    [Theory]
    [InlineData("send vm1 hello  there", "2 hello  there")]
    [InlineData("send 2 hello", "2 hello")]
    [InlineData("send 9 hello", "9 hello")]
    [InlineData("send server ping", "15 ping")]
    [InlineData("send all x", "1 x|2 x|15 x")]
    [InlineData("send other x", "2 x|15 x")]
    [InlineData("  send   vm1 x", "2 x")]
    [InlineData("link CTL Peer-Attribute", "15 Link CTL Peer-Attribute")]
    [InlineData("rfc", "15 Link RFC TTC=27us")]
    public async Task Execute_SendingCommands_SendWhatTheySay(string line, string sent)
    {
        (await RunAsync(line)).ShouldBeEmpty();

        string.Join('|', _mailbox.Sent).ShouldBe(sent);
    }

    [Theory]
    [InlineData("send vm7 hello", "There is no 'vm7' here; there is vm1 (2), Z-switch (15).")]
    [InlineData("send vm1", "Give: send <dest> <text>.")]
    [InlineData("send", "Give: send <dest> <text>.")]
    [InlineData("ping", "Give: ping <dest>.")]
    [InlineData("int 2", "Give: int <dest> <src> [text].")]
    [InlineData("int 2 all", "Only one can be the source of an interrupt.")]
    [InlineData("int 9 1", "9 has no doorbell for 1.")]
    [InlineData("link", "Give: link <words>.")]
    [InlineData("frob\x1b x", "'frob\\u{1b}' is not a command; help shows them.")]
    [InlineData("ping 2", "2 answered in 1.500 ms.")]
    [InlineData("ping 9", "9 gave no answer in 5 s.")]
    public async Task Execute_Commands_AnswerInOneLine(string line, string answer) => (await RunAsync(line)).ShouldBe([answer]);

    [Fact]
    public async Task Execute_Interrupt_RingsWithForgedSourceAndText()
    {
        _ = await RunAsync("int vm1 server some text");

        _mailbox.Rung.ShouldBe(["2 from 15: some text"]);
    }

    [Fact]
    public async Task Execute_Who_ShowsEverybody() =>
        (await RunAsync("who")).ShouldBe(["    1  host  (this client)", "    2  vm1", "   15  Z-switch  (server)"]);

    [Fact]
    public async Task Execute_Dump_ShowsNumbersAndAttributesHarmless() => (await RunAsync("dump")).ShouldBe(
    [
        "    1  host              27:100      -  (this client)",
        "    2  vm1               -           C-Class=\\u{1b}[31m",
        "   15  Z-switch          27:1500     -  (server)",
    ]);

    [Fact]
    public async Task Execute_Quit_IsTheLast() => (await Shell.ExecuteAsync("quit", default)).ShouldBeFalse();

    [Fact]
    public async Task Execute_BlankLine_DoesNothing() => (await RunAsync("   ")).ShouldBeEmpty();

    [Fact]
    public async Task Execute_SilentServer_SaysSo()
    {
        _mailbox.ServerId = null;

        (await RunAsync("rfc")).ShouldBe(["The server of this mailbox is silent: it serves, but takes no part."]);
    }

    [Theory]
    [InlineData("", "dump help int link list ping quit rfc send who")]
    [InlineData("se", "dump help int link list ping quit rfc send who")]
    [InlineData("send ", "host vm1 Z-switch all other server")]
    [InlineData("int vm1 ", "host vm1 Z-switch all other server")]
    [InlineData("send vm1 ", "")]
    [InlineData("who ", "")]
    public void Complete_Place_Decides(string before, string words) => string.Join(' ', Shell.Complete(before)).ShouldBe(words);

    [Fact]
    public void Complete_NameThatCannotBeTyped_OffersItsId()
    {
        _mailbox.Others = [new(2, "two words", false, false, null, null, null), new(3, "esc\x1b", false, false, null, null, null)];

        string.Join(' ', Shell.Complete("ping ")).ShouldBe("2 3 all other server");
    }

    [Fact]
    public void Describe_HostileMessage_IsOneHarmlessLine() => ClientShell.Describe(new Received(2, "a\nb", "\x1b]0;x\a\nfake (1): y")).ShouldBe("a\\nb (2): \\u{1b}]0;x\\u{7}\\nfake (1): y");

    [Fact]
    public void Resolve_NameOfSeveral_AsksForTheId()
    {
        _mailbox.Others = [new(2, "twin", false, false, null, null, null), new(3, "twin", false, false, null, null, null)];

        Should.Throw<CommandException>(() => Destination.Resolve("twin", _mailbox)).Message.ShouldBe("'twin' is the name of several: 2, 3; give the ID");
    }

    private sealed class PretendMailbox : IMailboxSession
    {
        public List<string> Sent { get; } = [];
        public List<string> Rung { get; } = [];
        public Participant[] Others { get; set; } = [new(1, "host", true, false, 27, 100, null), new(2, "vm1", false, false, null, null, "C-Class=\x1b[31m"), new(15, "Z-switch", false, true, 27, 1500, null)];
        public int OwnId => 1;
        public bool ShowsFabric { get; set; }
        public int? ServerId { get; set; } = 15;

        public IReadOnlyList<Participant> Participants() => Others;

        public Task SendAsync(int destination, string text, CancellationToken stop)
        {
            Sent.Add($"{destination} {text}");
            return Task.CompletedTask;
        }

        public Task<TimeSpan?> PingAsync(int destination, TimeSpan timeout, CancellationToken stop) =>
            Task.FromResult<TimeSpan?>(destination == 9 ? null : TimeSpan.FromMilliseconds(1.5));

        public bool Interrupt(int destination, int source, string? text)
        {
            if (destination == 9) return false;
            Rung.Add($"{destination} from {source}: {text}");
            return true;
        }
    }
}
