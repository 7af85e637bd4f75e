// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Ivshmem.Tests.Server;

public sealed class StickyTests : IDisposable
{
    private readonly Place _place = new();

    private DoorbellServerOptions Options => _place.Options with { Ids = IdPolicy.Sticky, FirstId = 1, MaxPeers = 3, ResidentId = 4 };

    [Fact]
    public async Task Join_IsToldEverySlotAndOwnVectorsLast()
    {
        await using DoorbellServer server = DoorbellServer.Start(Options);
        using RawPeer peer = RawPeer.Join(_place.Socket);
        peer.Id.ShouldBe(1);
        peer.Told.Select(entry => entry.Value).ShouldBe([4, 4, 2, 2, 3, 3, 1, 1]);
    }

    [Fact]
    public async Task JoinsAndLeaves_AreNeverTold()
    {
        await using DoorbellServer server = DoorbellServer.Start(Options);
        using RawPeer witness = RawPeer.Join(_place.Socket);
        for (int i = 0; i < 20; i++) RawPeer.Join(_place.Socket).Dispose();
        (await server.SnapshotAsync()).Counters.Joins.ShouldBe(21);   // the loop has dealt with all of them
        witness.HasUnread().ShouldBeFalse();
    }

    [Fact]
    public async Task Slot_TakenAgain_HasTheSameEventFds()
    {
        await using DoorbellServer server = DoorbellServer.Start(Options);
        using RawPeer witness = RawPeer.Join(_place.Socket);
        using RawPeer before = RawPeer.Join(_place.Socket);
        before.Id.ShouldBe(2);
        int[] eventFds = [.. before.Told.Where(entry => entry.Value == 2).Select(entry => entry.EventFd)];
        before.Dispose();
        using RawPeer after = await JoinWhenFree();
        after.Id.ShouldBe(2);
        after.Told.Where(entry => entry.Value == 2).Select(entry => entry.EventFd).ShouldBe(eventFds);
        witness.Told.Where(entry => entry.Value == 2).Select(entry => entry.EventFd).ShouldBe(eventFds);
        async Task<RawPeer> JoinWhenFree()
        {
            while ((await server.SnapshotAsync()).Peers.Count > 1) await Task.Yield();
            return RawPeer.Join(_place.Socket);
        }
    }

    [Fact]
    public async Task Slot_TakenAgain_IsNotWokenForTheDead()
    {
        await using DoorbellServer server = DoorbellServer.Start(Options);
        using RawPeer witness = RawPeer.Join(_place.Socket);
        RawPeer before = RawPeer.Join(_place.Socket);
        int bell = before.Told.First(entry => entry.Value == 2).EventFd;
        EventFd.Signal(witness.Held(bell)).ShouldBeTrue();
        before.Dispose();
        while ((await server.SnapshotAsync()).Peers.Count > 1) await Task.Yield();
        EventFd.TryRead(witness.Held(bell), out _).ShouldBeFalse();
    }

    [Fact]
    public async Task PreferredId_IsGivenIfItIsFree()
    {
        await using DoorbellServer server = DoorbellServer.Start(Options with { PreferredId = _ => new PeerId(3) });
        using RawPeer first = RawPeer.Join(_place.Socket), second = RawPeer.Join(_place.Socket);
        first.Id.ShouldBe(3);
        second.Id.ShouldBe(1);
    }

    public void Dispose() => _place.Dispose();
}
