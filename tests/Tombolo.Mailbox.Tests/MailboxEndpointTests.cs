// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Ivshmem;
using Tombolo.Wire;

namespace Tombolo.Mailbox.Tests;

public sealed class MailboxEndpointTests : IAsyncLifetime, IDisposable
{
    private static readonly PeerId _one = new(1), _two = new(2);
    private readonly LocalFabric _fabric = new();
    private readonly List<MailboxEndpoint> _endpoints = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (MailboxEndpoint endpoint in _endpoints) await endpoint.DisposeAsync();
    }

    public void Dispose() => _fabric.Dispose();

    [Fact]
    public async Task SendAsync_ReceiverThere_IsDeliveredAndAcknowledged()
    {
        MailboxEndpoint one = Start(1), two = Start(2);
        (await Send(one, 2, "hello")).ShouldBe(SendResult.Delivered);
        MailboxMessage message = await Receive(two);
        (message.From, message.Text).ShouldBe((_one, "hello"));
        _fabric.Slots.LengthOf(_one).ShouldBe(0ul);
        (one.Counters.Sent, one.Counters.Acknowledged, two.Counters.Received).ShouldBe((1, 1, 1));
    }

    [Fact]
    public async Task SendAsync_LongestMessage_ArrivesWhole()
    {
        MailboxEndpoint one = Start(1), two = Start(2);
        string longest = new('x', one.MaxMessage);
        (await Send(one, 2, longest)).ShouldBe(SendResult.Delivered);
        (await Receive(two)).Text.ShouldBe(longest);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(384)]
    public void SendAsync_LengthOutOfRange_IsTheCallersBug(int length)
    {
        MailboxEndpoint one = Start(1);
        Should.Throw<ArgumentOutOfRangeException>(() => one.SendAsync(_two, new byte[length]).AsTask()).Message.ShouldContain("1 to 383");
        Should.Throw<ArgumentOutOfRangeException>(() => one.Post(_two, new byte[length]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(65535)]
    public async Task SendAsync_NoSuchSlotOrOneself_SaysSo(int to) => (await Send(Start(1), to, "hello")).ShouldBe(SendResult.NoSuchPeer);

    [Fact]
    public async Task SendAsync_NobodyTakesIt_IsWithdrawnAtTheTimeout()
    {
        MailboxEndpoint one = Start(1, options => options with { SendTimeout = TimeSpan.FromMilliseconds(20) });
        (await Send(one, 2, "lost")).ShouldBe(SendResult.TimedOut);
        _fabric.Slots.LengthOf(_one).ShouldBe(0ul);
        one.Counters.Timeouts.ShouldBe(1);
        MailboxEndpoint two = Start(2);
        (await Send(one, 2, "found")).ShouldBe(SendResult.Delivered);
        (await Receive(two)).Text.ShouldBe("found");
    }

    [Fact]
    public async Task SendAsync_UntakenLeave_StaysAndMayBeDeliveredLate()
    {
        MailboxEndpoint one = Start(1, options => options with { SendTimeout = TimeSpan.FromMilliseconds(20), Untaken = UntakenMail.Leave });
        (await Send(one, 2, "late")).ShouldBe(SendResult.TimedOut);
        _fabric.Slots.LengthOf(_one).ShouldBe(4ul);
        (await Receive(Start(2))).Text.ShouldBe("late");
    }

    [Fact]
    public async Task SendAsync_UntakenLeave_NextMessageStompsOverIt()
    {
        MailboxEndpoint one = Start(1, options => options with { SendTimeout = TimeSpan.FromMilliseconds(20), Untaken = UntakenMail.Leave });
        (await Send(one, 2, "late")).ShouldBe(SendResult.TimedOut);
        (await Send(one, 3, "later")).ShouldBe(SendResult.TimedOut);
        _fabric.Slots.ResponderOf(_one).ShouldBe(3ul);
        MailboxEndpoint three = Start(3), two = Start(2);
        (await Receive(three)).Text.ShouldBe("later");
        two.TryReceive(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task SendAsync_ReceiverStartsLater_FindsWhatWaited()
    {
        MailboxEndpoint one = Start(1, options => options with { SendTimeout = Watchdog.Limit });
        Task<SendResult> sending = Send(one, 2, "early");
        _fabric.HasRing(2, 1).ShouldBeTrue();   // and gone: as a ring before the driver is up
        MailboxEndpoint two = Start(2);
        (await Receive(two)).Text.ShouldBe("early");
        (await sending.Watched()).ShouldBe(SendResult.Delivered);
    }

    [Fact]
    public async Task SendAsync_ManyAtOnce_ArriveInOrderOnceEach()
    {
        MailboxEndpoint one = Start(1, options => options with { SendTimeout = Watchdog.Limit }), two = Start(2);
        Task<SendResult>[] all = [.. Enumerable.Range(0, 500).Select(i => Send(one, 2, $"{i}"))];
        for (int i = 0; i < all.Length; i++) (await Receive(two)).Text.ShouldBe($"{i}");
        (await Task.WhenAll(all).Watched()).ShouldAllBe(static result => result == SendResult.Delivered);
        two.TryReceive(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task SendAsync_ReceiverLeaves_DoesNotWaitForTheTimeout()
    {
        LocalFabric.Standing standing = _fabric.StandingOf(1);
        var one = MailboxEndpoint.Start(standing, LocalFabric.Quiet("one") with { SendTimeout = TimeSpan.FromHours(1) }, ownsParticipant: true);
        _endpoints.Add(one);
        Task<SendResult> sending = Send(one, 2, "hello");
        standing.Leave(_two);
        (await sending.Watched()).ShouldBe(SendResult.NoSuchPeer);
        _fabric.Slots.LengthOf(_one).ShouldBe(0ul);
        (await Send(one, 2, "again")).ShouldBe(SendResult.NoSuchPeer);
    }

    [Fact]
    public async Task SendAsync_DoorbellNotKnownYet_IsRungOnceItIs()
    {
        LocalFabric.Standing standing = _fabric.StandingOf(1);
        var one = MailboxEndpoint.Start(standing, LocalFabric.Quiet("one") with { SendTimeout = TimeSpan.FromHours(1) }, ownsParticipant: true);
        _endpoints.Add(one);
        MailboxEndpoint two = Start(2);
        standing.HasNoBells = true;
        Task<SendResult> sending = Send(one, 2, "hello");
        standing.HasNoBells = false;
        (await sending.Watched()).ShouldBe(SendResult.Delivered);
        (await Receive(two)).Text.ShouldBe("hello");
    }

    [Fact]
    public async Task SendAsync_GuestWhoseRingIsLostWithoutAWord_IsRungAgain()
    {
        MailboxEndpoint two = Start(2);
        var guest = MailboxEndpoint.Start(_fabric.GuestStandingOf(1, ringsLost: 3), LocalFabric.Quiet("guest") with { SendTimeout = TimeSpan.FromHours(1) }, ownsParticipant: true);
        _endpoints.Add(guest);
        (await Send(guest, 2, "hello").Watched()).ShouldBe(SendResult.Delivered);
        (await Receive(two)).Text.ShouldBe("hello");
    }

    [Fact]
    public async Task Guest_WhoIsNotToldOfPeers_FindsThemByTheirNames()
    {
        MailboxEndpoint two = Start(2), three = Start(3);
        var guest = MailboxEndpoint.Start(_fabric.GuestStandingOf(1), LocalFabric.Quiet("guest"), ownsParticipant: true);
        _endpoints.Add(guest);
        guest.Who().Select(static peer => (peer.Id.Value, peer.Name)).ShouldBe([((ushort)1, "guest"), (two.Id.Value, "node2"), (three.Id.Value, "node3"), (_fabric.Geometry.ServerId.Value, "")]);
        (await Send(guest, 3, "hello")).ShouldBe(SendResult.Delivered);
        (await Send(three, 1, "and back")).ShouldBe(SendResult.Delivered);
        (await Receive(guest)).Text.ShouldBe("and back");
    }

    [Fact]
    public async Task DisposeAsync_WithMessagesWaiting_TellsEverySenderAndLeavesTheSlotEmpty()
    {
        MailboxEndpoint one = Start(1, options => options with { SendTimeout = TimeSpan.FromHours(1) });
        Task<SendResult>[] all = [.. Enumerable.Range(0, 5).Select(i => Send(one, 2, $"{i}"))];
        Task<MailboxMessage?> receiving = one.ReceiveAsync().AsTask();
        await one.DisposeAsync();
        (await Task.WhenAll(all).Watched()).ShouldAllBe(static result => result == SendResult.Closed);
        (await receiving.Watched()).ShouldBeNull();
        _fabric.Slots.LengthOf(_one).ShouldBe(0ul);
        _fabric.Slots.NameOf(_one).ShouldBe("");
        (await Send(one, 2, "more")).ShouldBe(SendResult.Closed);
        Should.Throw<ObjectDisposedException>(() => one.Who());
        one.Post(_two, "more"u8);
    }

    [Fact]
    public async Task ReceiveAsync_InboxFull_HoldsBackTheSenderUntilThereIsRoom()
    {
        MailboxEndpoint one = Start(1, options => options with { SendTimeout = TimeSpan.FromHours(1) }), two = Start(2, options => options with { InboxCapacity = 2 });
        Task<SendResult>[] all = [.. Enumerable.Range(0, 4).Select(i => Send(one, 2, $"{i}"))];
        await Task.WhenAll(all[0], all[1]).Watched();
        Watchdog.Until(() => two.Counters.WakeUps > 0 && _fabric.Slots.LengthOf(_one) == 1, "the third message in its slot");
        all[2].IsCompleted.ShouldBeFalse();
        for (int i = 0; i < 4; i++) (await Receive(two)).Text.ShouldBe($"{i}");
        (await Task.WhenAll(all).Watched()).ShouldAllBe(static result => result == SendResult.Delivered);
    }

    [Fact]
    public async Task Endpoint_Idle_NeverWakesUp()
    {
        MailboxEndpoint one = Start(1), two = Start(2);
        (await Send(one, 2, "hello")).ShouldBe(SendResult.Delivered);
        _ = await Receive(two);
        (await Send(two, 1, "hello")).ShouldBe(SendResult.Delivered);
        _ = await Receive(one);
        // A wake-up by the clock would come within 2 ms of the last one, so it would show in the time that this thread's own timer takes.
        long before = 0, after = -1;
        Watchdog.Until(() => (before, after) is var (b, a) && b == a || Settle(), "two looks 50 ms apart without a wake-up in between");
        before.ShouldBe(after);

        bool Settle()
        {
            before = one.Counters.WakeUps + two.Counters.WakeUps;
            using var timer = new ManualResetEventSlim();
            _ = timer.Wait(50);
            after = one.Counters.WakeUps + two.Counters.WakeUps;
            return before == after;
        }
    }

    [Fact]
    public async Task Start_SlotFullOfADeadOwnersMail_ThrowsItAway()
    {
        _fabric.Slots.Publish(_one, _two, "from an earlier life"u8);
        MailboxEndpoint one = Start(1), two = Start(2);
        (await Send(one, 2, "new")).ShouldBe(SendResult.Delivered);
        (await Receive(two)).Text.ShouldBe("new");
    }

    [Fact]
    public async Task Start_KeepsOwnSlot_DeliversWhatWasOnItsWayFirst()
    {
        _fabric.Slots.Publish(_one, _two, "on its way"u8);
        MailboxEndpoint one = Start(1, options => options with { KeepsOwnSlot = true, SendTimeout = Watchdog.Limit });
        Task<SendResult> sending = Send(one, 2, "next");
        MailboxEndpoint two = Start(2);
        (await Receive(two)).Text.ShouldBe("on its way");
        (await Receive(two)).Text.ShouldBe("next");
        (await sending.Watched()).ShouldBe(SendResult.Delivered);
    }

    [Theory]
    [InlineData(384)]
    [InlineData(4096)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1ul << 63)]
    public async Task Receive_LyingLength_IsCountedAndFreed(ulong length)
    {
        MailboxEndpoint one = Start(1), two = Start(2);
        _fabric.Claim(3, 2, length);
        Watchdog.Until(() => two.Counters.Bad == 1, "the lie counted");
        _fabric.Slots.LengthOf(new(3)).ShouldBe(0ul);
        (await Send(one, 2, "after the lie")).ShouldBe(SendResult.Delivered);
        (await Receive(two)).Text.ShouldBe("after the lie");
    }

    [Fact]
    public async Task Receive_MessageForSomebodyElse_IsLeftAlone()
    {
        MailboxEndpoint two = Start(2), one = Start(1);
        _fabric.Slots.Publish(new(3), new(4), "for four"u8);
        _fabric.Ring(2, 3);
        (await Send(one, 2, "look around")).ShouldBe(SendResult.Delivered);
        _ = await Receive(two);
        two.TryReceive(out _).ShouldBeFalse();
        _fabric.Slots.LengthOf(new(3)).ShouldBe(8ul);
    }

    [Theory]
    [InlineData("ping", "pong")]
    [InlineData("ping!FZT=41", "pong!FZT=42")]
    [InlineData("Link CTL Peer-Attribute", "Link CTL ACK C-Class=Test,SID0=0,CID0=0")]
    public async Task Answers_FabricMessage_IsAnsweredAndNotShown(string question, string answer)
    {
        MailboxEndpoint one = Start(1, static options => options with { Answers = false }), two = Start(2, static options => options with { ClassText = "Test" });
        (await Send(one, 2, question)).ShouldBe(SendResult.Delivered);
        (await Receive(one)).Text.ShouldBe(answer);
        two.TryReceive(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Answers_AssignmentByTheManager_IsTakenShownAndAcknowledged()
    {
        MailboxEndpoint manager = Start(4, static options => options with { Answers = false }), two = Start(2);
        (await Send(manager, 2, "CTL-Write Space=0,PFMSID=27,PFMCID=400,SID=27,CID=200,Tag=9!FZT=1")).ShouldBe(SendResult.Delivered);
        (await Receive(manager)).Text.ShouldBe("Standalone Acknowledgment Tag=9,Reason=OK!FZT=2");
        two.Address.ShouldBe(new SidCid(27, 200));
        _fabric.Slots.AddressOf(_two).ShouldBe(new SidCid(27, 200));
    }

    [Fact]
    public async Task Answers_AssignmentBySomebodyElse_IsBad()
    {
        MailboxEndpoint one = Start(1), two = Start(2);
        (await Send(one, 2, "CTL-Write Space=0,SID=27,CID=200,Tag=9")).ShouldBe(SendResult.Delivered);
        Watchdog.Until(() => two.Counters.Bad == 1, "it counted");
        two.Address.ShouldBe(default);
    }

    [Fact]
    public async Task Answers_QuestionsWhoseAnswersNobodyTakes_HoldBackTheAsker()
    {
        MailboxEndpoint two = Start(2, static options => options with { SendTimeout = TimeSpan.FromHours(1) });
        MailboxEndpoint one = Start(1, static options => options with { SendTimeout = TimeSpan.FromHours(1) });
        int taken = 0;
        // Slot 3 asks again and again and never takes an answer.
        for (; taken < 200; taken++)
        {
            _fabric.Slots.Publish(new(3), _two, "ping"u8);
            _fabric.Ring(2, 3);
            if (taken < 64) Watchdog.Until(() => two.Counters.Received == taken + 1, "the question taken");
            else if (!SpinWait.SpinUntil(() => two.Counters.Received == taken + 1, TimeSpan.FromMilliseconds(100))) break;
        }
        taken.ShouldBeInRange(64, 66);
        _fabric.Slots.LengthOf(new(3)).ShouldBe(4ul);
        // Others are still heard: their data needs no place in the queue.
        (await Send(one, 2, "hello")).ShouldBe(SendResult.Delivered);
        (await Receive(two)).Text.ShouldBe("hello");
    }

    [Fact]
    public async Task Who_NamesAndAttributes_AreShownPrintable()
    {
        MailboxEndpoint one = Start(1), two = Start(2);
        _fabric.Slots.SetName(new(3), "a\u0007b");
        (await Send(two, 1, "Link CTL ACK C-Class=\u001b[2J,SID0=1,CID0=2")).ShouldBe(SendResult.Delivered);
        Watchdog.Until(() => one.Who().Any(static peer => peer.Attributes.Length > 0), "the attributes kept");
        one.Who().Select(static peer => $"{peer.Id} {peer.Name} {peer.Attributes}").ShouldBe(["1 node1 ", "2 node2 C-Class=?[2J,SID0=1,CID0=2", "3 a?b ", "4  "]);
    }

    [Fact]
    public async Task Forge_TextAndSource_ArrivesAsIfFromThere()
    {
        MailboxEndpoint one = Start(1), two = Start(2);
        one.Forge(_two, new(3), "who am I"u8).ShouldBeTrue();
        MailboxMessage message = await Receive(two);
        (message.From.Value, message.Text).ShouldBe(((ushort)3, "who am I"));
        one.Forge(_two, new(3), []).ShouldBeTrue();
        one.Forge(_two, new(9), "x"u8).ShouldBeFalse();
        one.Forge(new(9), _two, "x"u8).ShouldBeFalse();
    }

    [Fact]
    public async Task Handler_RepliesFromTheLoop_ArePublished()
    {
        MailboxEndpoint one = Start(1), two = null!;
        two = Start(2, options => options with { Handler = (from, bytes) => two.Post(from, bytes) });
        (await Send(one, 2, "echo")).ShouldBe(SendResult.Delivered);
        (await Receive(one)).Text.ShouldBe("echo");
    }

    [Fact]
    public async Task Trace_BothDirections_SeesEveryMessage()
    {
        var seen = new System.Collections.Concurrent.ConcurrentQueue<string>();
        MailboxEndpoint one = Start(1, options => options with { Trace = (isSent, peer, bytes) => seen.Enqueue($"{(isSent ? ">" : "<")}{peer} {Encoding.ASCII.GetString(bytes)}") }), two = Start(2);
        (await Send(one, 2, "ping")).ShouldBe(SendResult.Delivered);
        (await Receive(one)).Text.ShouldBe("pong");
        seen.ShouldBe([">2 ping", "<2 pong"]);
        two.Counters.Received.ShouldBe(1);
    }

    [Fact]
    public void Start_IdWithoutSlot_IsRefused()
    {
        using var larger = new LocalFabric(clients: 5);
        using LocalFabric.Standing standing = larger.StandingOf(6);
        var smaller = new MailboxSlots(standing.Window, MailboxGeometry.Create(512, 2));
        smaller.Format(clear: true);
        Should.Throw<ProtocolException>(() => MailboxEndpoint.Start(standing, LocalFabric.Quiet("x"))).Message.ShouldBe("This peer's ID is 6, but the mailbox has slots 1 to 3.");
    }

    [Fact]
    public void Start_OptionsWithProblems_NamesThemAll()
    {
        using LocalFabric.Standing standing = _fabric.StandingOf(1);
        string message = Should.Throw<ArgumentException>(() => MailboxEndpoint.Start(standing, new()
        {
            Name = "two words",
            ClassText = "a,b",
            SendTimeout = TimeSpan.Zero,
            InboxCapacity = 0,
            Spin = TimeSpan.FromSeconds(1),
        })).Message;
        foreach (string name in (string[])["Name is", "ClassText is", "SendTimeout is", "InboxCapacity is", "Spin is"]) message.ShouldContain(name);
    }

    [Fact]
    public async Task SendAsync_Busy_AllocatesNothing()
    {
        MailboxEndpoint one = Start(1, static options => options with { Spin = TimeSpan.FromMilliseconds(10) }), two = Start(2, static options => options with { Handler = static (_, _) => { } });
        byte[] message = new byte[100];
        // Where the receiver is not scheduled in time, the awaiting task costs memory; a message whose acknowledgement was seen at once costs none.
        bool free = false;
        for (int i = 0; i < 200 && !free; i++)
        {
            long? cost = LocalFabric.CostOfSending(one, _two, message, out ValueTask<SendResult> rest);
            if (cost is null) (await rest.AsTask().Watched()).ShouldBe(SendResult.Delivered);
            free = cost == 0;
        }
        free.ShouldBeTrue();
        two.Counters.Received.ShouldBeGreaterThan(0);
    }

    private MailboxEndpoint Start(int id, Func<MailboxEndpointOptions, MailboxEndpointOptions>? change = null)
    {
        MailboxEndpointOptions options = LocalFabric.Quiet($"node{id}") with { SendTimeout = Watchdog.Limit };
        MailboxEndpoint endpoint = _fabric.Endpoint(id, change is null ? options : change(options));
        _endpoints.Add(endpoint);
        return endpoint;
    }

    private static Task<SendResult> Send(MailboxEndpoint from, int to, string text) => from.SendAsync(new((ushort)to), Encoding.Latin1.GetBytes(text)).AsTask().Watched();

    private static async Task<MailboxMessage> Receive(MailboxEndpoint endpoint) => (await endpoint.ReceiveAsync().AsTask().Watched())!;
}
