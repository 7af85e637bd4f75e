// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Testing;
using Tombolo.Wire;

namespace Tombolo.Mailbox.Tests;

/// <summary>The mailbox on a real doorbell server, with real connections.</summary>
public sealed class MailboxFabricTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private MailboxOptions Options => new() { Doorbell = new() { SocketPath = _folder["m"], SizeBytes = 4096 }, Clients = 4 };

    private MailboxEndpoint Connect(string name, Func<MailboxEndpointOptions, MailboxEndpointOptions>? change = null)
    {
        var options = new MailboxEndpointOptions { Name = name, SendTimeout = Watchdog.Limit };
        return MailboxEndpoint.Connect(new() { SocketPath = _folder["m"], Timeout = Watchdog.Limit }, change is null ? options : change(options));
    }

    [Fact]
    public async Task Connect_TwoClients_TalkToEachOtherAndTheServer()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options);
        await using MailboxEndpoint one = Connect("one"), two = Connect("two");
        (one.Id.Value, two.Id.Value, one.Geometry).ShouldBe(((ushort)1, (ushort)2, fabric.Geometry));
        (await one.SendAsync(two.Id, "hello"u8).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        (await two.ReceiveAsync().AsTask().Watched())!.Text.ShouldBe("hello");
        (await two.SendAsync(fabric.Geometry.ServerId, "ping"u8).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        (await two.ReceiveAsync().AsTask().Watched())!.Text.ShouldBe("pong");
        one.Who().Select(static peer => peer.Name).ShouldBe(["one", "two", "Z-switch"]);
    }

    [Fact]
    public async Task Join_BothSides_LearnEachOthersAttributes()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options);
        await using MailboxEndpoint one = Connect("one", static options => options with { ClassText = "Test" });
        Watchdog.Until(() => fabric.Part!.KnownOf(one.Id).Attributes == "C-Class=Test,SID0=0,CID0=0", "the server knows the client");
        Watchdog.Until(() => one.Who().Single(static peer => peer.Id.Value == 5).Attributes == "C-Class=Z-switch,SID0=27,CID0=500", "the client knows the server");
    }

    [Fact]
    public async Task Request_ToTheManager_GivesAnAddressThatEverybodySees()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options);
        await using MailboxEndpoint one = Connect("one"), two = Connect("two");
        two.Post(fabric.Geometry.ServerId, FabricMessage.RequestWithin(1000));
        Watchdog.Until(() => fabric.Part!.KnownOf(two.Id).Attributes.EndsWith("SID0=27,CID0=200", StringComparison.Ordinal), "the server asked again after the address");
        two.Address.ShouldBe(new SidCid(27, 200));
        MailboxMember member = (await fabric.SnapshotAsync().Watched()).Peers.Single(peer => peer.Id == two.Id);
        (member.Name, member.Address, member.ProcessId).ShouldBe(("two", new SidCid(27, 200), Environment.ProcessId));
        one.Who().Single(peer => peer.Id == two.Id).Address.ShouldBe(new SidCid(27, 200));
    }

    [Theory]
    [InlineData(true, "Link RFC TTC=1ms", "Link CTL NAK TTC is not a number of microseconds (us)")]
    [InlineData(false, "Link RFC TTC=1us", "Link CTL NAK this server manages nothing")]
    [InlineData(false, "Link CTL Peer-Attribute", "Link CTL ACK C-Class=Z-server,SID0=0,CID0=0")]
    [InlineData(true, "ping!FZT=1", "pong!FZT=2")]
    public async Task Server_Asked_Answers(bool isManager, string question, string answer)
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options with { IsManager = isManager });
        await using MailboxEndpoint one = Connect("one", static options => options with { Answers = false, AsksServer = false });
        (await one.SendAsync(fabric.Geometry.ServerId, System.Text.Encoding.ASCII.GetBytes(question)).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        string text;
        do text = (await one.ReceiveAsync().AsTask().Watched())!.Text;
        while (text == "Link CTL Peer-Attribute");   // the server's own question
        text.ShouldBe(answer);
    }

    [Theory]
    [InlineData("Standalone Acknowledgment Tag=1,Reason=OK")]
    [InlineData("Standalone Acknowledgment Tag=0,Reason=OK")]
    public async Task Acknowledgment_OfNothing_GivesNoAddress(string text)
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options);
        await using MailboxEndpoint one = Connect("one", static options => options with { AsksServer = false });
        (await one.SendAsync(fabric.Geometry.ServerId, System.Text.Encoding.ASCII.GetBytes(text)).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        (await one.SendAsync(fabric.Geometry.ServerId, "ping"u8).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        _ = await one.ReceiveAsync().AsTask().Watched();
        fabric.Part!.KnownOf(one.Id).Address.ShouldBe(default);
    }

    [Fact]
    public async Task Leave_Recycled_NextOwnerFindsAnEmptySlotAndTheSameId()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options);
        await using MailboxEndpoint one = Connect("one");
        for (int round = 0; round < 20; round++)
        {
            // A raw client that dies with its name, its address and a message in its slot.
            using (ScriptedClient dying = ScriptedClient.Connect(_folder["m"]))
            using (ScriptedHandshake handshake = dying.ReadHandshake(fabric.Geometry.Events))
            {
                handshake.Id.ShouldBe(2);
                handshake.Peers.Keys.ShouldBe([1, 3, 4, 5]);
                using var window = Memory.Window.Map(handshake.Memory);
                var slots = new MailboxSlots(window, fabric.Geometry);
                slots.NameOf(new(2)).ShouldBe("");
                slots.LengthOf(new(2)).ShouldBe(0ul);
                slots.AddressOf(new(2)).ShouldBe(default);
                slots.NumberOf(new(2)).ShouldBe(2ul);
                slots.SetName(new(2), "dying");
                slots.SetAddress(new(2), new(27, 200));
                slots.Publish(new(2), new(3), "unread"u8);
            }
            Watchdog.Until(() => one.Who().All(static peer => peer.Name != "dying"), "the slot vacated");
        }
        await using MailboxEndpoint two = Connect("two");
        two.Id.Value.ShouldBe((ushort)2);
        (await one.SendAsync(two.Id, "welcome"u8).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        (await two.ReceiveAsync().AsTask().Watched())!.Text.ShouldBe("welcome");
    }

    [Fact]
    public async Task Leave_NotRecycled_IsToldAndTheIdReturnsOnlyWhenNobodyRemembersIt()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options with { Recycle = false });
        await using MailboxEndpoint one = Connect("one");
        await using (MailboxEndpoint two = Connect("two"))
        {
            Watchdog.Until(() => one.Participant.Peers.Contains(two.Id), "two is known");
        }
        Watchdog.Until(() => one.Participant.Peers.All(static id => id.Value != 2), "two is gone");
        await using MailboxEndpoint three = Connect("three"), four = Connect("four");
        (three.Id.Value, four.Id.Value).ShouldBe(((ushort)3, (ushort)4));
        Should.Throw<ProtocolException>(() => Connect("five")).Message.ShouldContain("refuses this client");
    }

    [Fact]
    public async Task Start_Silent_IsNoPeerButKeepsTheMailbox()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options with { IsSilent = true });
        await using MailboxEndpoint one = Connect("one"), two = Connect("two");
        one.Participant.Peers.ShouldBe([new(2), new(3), new(4)]);
        (await one.SendAsync(fabric.Geometry.ServerId, "ping"u8).AsTask().Watched()).ShouldBe(SendResult.NoSuchPeer);
        (await one.SendAsync(two.Id, "hello"u8).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        MailboxSnapshot snapshot = await fabric.SnapshotAsync().Watched();
        (snapshot.IsSilent, snapshot.ClassText, snapshot.Peers.Count).ShouldBe((true, "", 2));
    }

    [Theory]
    [InlineData(136, 1, false)]
    [InlineData(512, 14, true)]
    [InlineData(4096, 30, true)]
    [InlineData(65536, 3, true)]
    public async Task Start_AnySize_ClientsLearnItFromTheGlobals(int slotSize, int clients, bool hasRoomForWords)
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options with { SlotSize = slotSize, Clients = clients });
        await using MailboxEndpoint one = Connect("one");
        (one.Geometry.SlotSize, one.Geometry.Clients, one.Participant.Vectors.Count, one.MaxMessage).ShouldBe((slotSize, clients, clients + 2, slotSize - 129));
        byte[] longest = new byte[one.MaxMessage];
        (await one.SendAsync(fabric.Geometry.ServerId, longest).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        if (hasRoomForWords) Watchdog.Until(() => fabric.Part!.KnownOf(one.Id).Attributes.Length > 0, "the server knows the client");
    }

    [Fact]
    public async Task Connect_Full_IsRefusedInOneSentence()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options with { Clients = 1 });
        await using MailboxEndpoint one = Connect("one");
        Should.Throw<ProtocolException>(() => Connect("two")).Message.ShouldContain("refuses this client");
    }

    [Fact]
    public async Task Connect_NoMailboxBehindTheSocket_SaysSo()
    {
        await using DoorbellServer server = DoorbellServer.Start(new() { SocketPath = _folder["m"], SizeBytes = 4096 });
        Should.Throw<ProtocolException>(() => Connect("one")).Message.ShouldContain("holds no mailbox");
    }

    [Fact]
    public async Task Dispose_Server_ClientsGoOnTalking()
    {
        MailboxFabric fabric = await MailboxFabric.StartAsync(Options);
        await using MailboxEndpoint one = Connect("one"), two = Connect("two");
        await fabric.DisposeAsync();
        Watchdog.Until(() => !one.HasServer && !two.HasServer, "both saw the server go");
        one.ServerFault.ShouldBeNull();
        (await one.SendAsync(two.Id, "still here"u8).AsTask().Watched()).ShouldBe(SendResult.Delivered);
        (await two.ReceiveAsync().AsTask().Watched())!.Text.ShouldBe("still here");
        await Should.ThrowAsync<ObjectDisposedException>(fabric.SnapshotAsync());
        File.Exists(_folder["m"]).ShouldBeFalse();
    }

    [Fact]
    public void Problems_ImpossibleOptions_AreNamed()
    {
        (Options with { Clients = 0 }).Problems().ShouldHaveSingleItem().ShouldContain("Clients is 0");
        (Options with { Clients = 2047 }).Problems().ShouldHaveSingleItem().ShouldContain("Clients is 2047");
        (Options with { SlotSize = 100 }).Problems().ShouldHaveSingleItem().ShouldContain("SlotSize is 100");
        Options.Problems().ShouldBeEmpty();
    }

    [Fact]
    public async Task Server_Idle_NeverWakesUp()
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(Options);
        await using MailboxEndpoint one = Connect("one");
        Watchdog.Until(() => fabric.Part!.KnownOf(one.Id).Attributes.Length > 0, "the server knows the client");
        using var timer = new ManualResetEventSlim();
        Watchdog.Until(() =>
        {
            long before = one.Counters.WakeUps + fabric.Part!.Endpoint.Counters.WakeUps;
            _ = timer.Wait(50);
            return one.Counters.WakeUps + fabric.Part.Endpoint.Counters.WakeUps == before;
        }, "two looks 50 ms apart without a wake-up in between");
    }
}
