// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;

namespace Tombolo.Channels.Tests;

/// <summary>Channels between peers of a real doorbell server.</summary>
public sealed class FabricTests : IDisposable
{
    private static readonly EndOptions _noSpin = new() { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromHours(1) };   // a lost wake-up shows as a hang
    private static readonly FabricPartyOptions _patient = new() { DeathAfter = TimeSpan.FromHours(1) };                    // only the fabric's news tells of deaths

    private readonly TemporaryFolder _folder = new();
    private readonly DoorbellServer _server;

    private sealed record Peer(IvshmemClient Client, FabricParty Party, ChannelArea Area)
    {
        public void Leave()
        {
            Area.Dispose();
            Party.Dispose();
        }
    }

    public FabricTests() => _server = DoorbellServer.Start(new() { SocketPath = _folder["s"], SizeBytes = 1 << 20, Vectors = 2 });

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().Wait(Watchdog.Limit).ShouldBeTrue();
        _folder.Dispose();
    }

    [Fact]
    public void Peers_ThatSleep_PassEverythingBothWays()
    {
        const int Count = 20_000;
        Peer one = Join(_patient), two = Join(_patient);
        one.Area.Create("there", new() { CapacityBytes = 4096 });
        one.Area.Create("back", new() { CapacityBytes = 4096 });
        using RingProducer there = one.Area.OpenProducer("there", _noSpin), back = two.Area.OpenProducer("back", _noSpin);
        using RingConsumer hears = two.Area.OpenConsumer("there", _noSpin), gets = one.Area.OpenConsumer("back", _noSpin);
        var echo = new Thread(() =>
        {
            for (int i = 0; i < Count; i++)
            {
                hears.WaitForMessage(Timeout.InfiniteTimeSpan);
                hears.TryRead(out int value);
                back.TryWrite(value);
            }
        });
        echo.Start();
        Watchdog.Run(() =>
        {
            for (int i = 0; i < Count; i++)
            {
                there.TryWrite(i).ShouldBeTrue();
                gets.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
                gets.TryRead(out int value).ShouldBeTrue();
                if (value != i) throw new InvalidOperationException($"{value} came in place of {i}.");
            }
        });
        echo.Join();
        gets.Sleeps.ShouldBeGreaterThan(0);
        one.Leave();
        two.Leave();
    }

    [Fact]
    public async Task WaitAsync_RungFromAnotherPeer_Ends()
    {
        Peer one = Join(_patient), two = Join(_patient);
        one.Area.Create("c", new() { CapacityBytes = 4096 });
        using RingProducer producer = one.Area.OpenProducer("c", _noSpin);
        using RingConsumer consumer = two.Area.OpenConsumer("c", _noSpin);
        for (int i = 0; i < 100; i++)
        {
            ValueTask<ChannelWait> wait = consumer.WaitForMessageAsync(Timeout.InfiniteTimeSpan);
            producer.TryWrite(i).ShouldBeTrue();
            (await wait.AsTask().WaitAsync(Watchdog.Limit)).ShouldBe(ChannelWait.Ready);
            consumer.TryRead(out int _).ShouldBeTrue();
        }
        (await consumer.WaitForMessageAsync(TimeSpan.FromMilliseconds(5))).ShouldBe(ChannelWait.TimedOut);
        one.Leave();
        two.Leave();
    }

    [Fact]
    public void Peer_ThatLeavesWithoutAWord_IsDeadForOthers_AndSucceeded()
    {
        Peer one = Join(new() { Beat = TimeSpan.FromMinutes(1), DeathAfter = TimeSpan.FromHours(1) }), two = Join(_patient);
        one.Area.Create("c", new() { CapacityBytes = 4096 });
        RingProducer producer = one.Area.OpenProducer("c", _noSpin);
        using RingConsumer consumer = two.Area.OpenConsumer("c", _noSpin);
        producer.TryWrite([1]).ShouldBeTrue();
        consumer.Producer.ShouldBe(PeerState.Open);
        Task<ChannelWait> wait = Task.Factory.StartNew(() =>
        {
            consumer.TryRead(out byte[]? _);
            return consumer.WaitForMessage(Timeout.InfiniteTimeSpan);
        }, TaskCreationOptions.LongRunning);
        Watchdog.Until(() => consumer.Sleeps > 0, "the consumer sleeps");
        one.Client.Control.Dispose();   // its connection breaks, as when its machine is killed
        Watchdog.Run(() => wait.Result.ShouldBe(ChannelWait.PeerDied));
        Peer three = Join(new() { Beat = TimeSpan.FromMilliseconds(5), DeathAfter = TimeSpan.FromHours(1) });   // never saw the dead one: its heartbeat must tell
        RingProducer? successor = null;
        Watchdog.Until(() => TryOpenProducer(three, out successor), "the dead peer's end is free");
        successor!.Epoch.ShouldBe(2u);
        one.Leave();
        two.Leave();
        three.Leave();
    }

    [Fact]
    public void Peer_WhoseHeartbeatStops_IsDeadForOthers()
    {
        var brief = new FabricPartyOptions { Beat = TimeSpan.FromMilliseconds(5), DeathAfter = TimeSpan.FromMilliseconds(200) };
        var still = new FabricPartyOptions { Beat = TimeSpan.FromMinutes(1), DeathAfter = TimeSpan.FromMinutes(4) };
        Peer one = Join(still), two = Join(brief);
        one.Area.Create("c", new() { CapacityBytes = 4096 });
        using RingProducer producer = one.Area.OpenProducer("c", _noSpin);
        using RingConsumer consumer = two.Area.OpenConsumer("c", _noSpin);
        ChannelWait result = ChannelWait.TimedOut;
        Watchdog.Run(() => result = consumer.WaitForMessage(Timeout.InfiniteTimeSpan));
        result.ShouldBe(ChannelWait.PeerDied);
        one.Leave();
        two.Leave();
    }

    private static bool TryOpenProducer(Peer peer, out RingProducer? producer)
    {
        producer = null;
        try { producer = peer.Area.OpenProducer("c", _noSpin); }
        catch (ChannelException exception) when (exception.Fault == ChannelFault.EndTaken) { }
        return producer is not null;
    }

    private Peer Join(FabricPartyOptions options)
    {
        IvshmemClient client = IvshmemClient.Connect(new() { SocketPath = _folder["s"] });
        var party = new FabricParty(new IvshmemFabric(client, ownsParticipant: true), options, ownsFabric: true);
        return new(client, party, ChannelArea.Open(client.Window, party));
    }
}
