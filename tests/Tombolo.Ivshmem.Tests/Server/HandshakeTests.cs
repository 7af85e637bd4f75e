// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Ivshmem.Tests.Server;

public sealed class HandshakeTests : IDisposable
{
    private readonly Place _place = new();

    [Fact]
    public async Task Join_FirstClient_IsToldVersionIdMemoryAndOwnVectors()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options);
        using RawPeer peer = RawPeer.Join(_place.Socket);
        peer.Id.ShouldBe(0);
        SharedFile.SizeOf(peer.Memory!).ShouldBe(1 << 16);
        peer.Told.Select(entry => entry.Value).ShouldBe([0, 0]);
        peer.Told.Select(entry => entry.EventFd).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task Join_SecondClient_AndFirst_HearOfEachOtherWithTheSameEventFds()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options);
        using RawPeer first = RawPeer.Join(_place.Socket);
        using RawPeer second = RawPeer.Join(_place.Socket);
        second.Told.Select(entry => entry.Value).ShouldBe([0, 0, 1, 1]);
        second.Told.Take(2).Select(entry => entry.EventFd).ShouldBe(first.Told.Select(entry => entry.EventFd));
        first.ReadNotice().ShouldBe((1, second.Told[2].EventFd));
        first.ReadNotice().ShouldBe((1, second.Told[3].EventFd));
    }

    [Fact]
    public async Task Leave_IsToldOnceWithoutDescriptor()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options);
        using RawPeer first = RawPeer.Join(_place.Socket);
        using (RawPeer second = RawPeer.Join(_place.Socket))
        {
            _ = first.ReadNotice();
            _ = first.ReadNotice();
        }
        first.ReadNotice().ShouldBe((1, null));
        using RawPeer third = RawPeer.Join(_place.Socket);
        first.ReadNotice().Id.ShouldBe(2);   // nothing in between: the leave came once
        third.Told.Select(entry => entry.Value).ShouldBe([0, 0, 2, 2]);
    }

    [Fact]
    public async Task Ids_AreNotUsedAgain()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { FirstId = 40000 });
        using RawPeer witness = RawPeer.Join(_place.Socket);
        for (int id = 40001; id < 40030; id++)
        {
            using RawPeer passing = RawPeer.Join(_place.Socket);
            passing.Id.ShouldBe(id);
        }
    }

    [Fact]
    public async Task VectorsOf_PeersMayHaveDifferentCounts()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { VectorsOf = new Dictionary<int, int> { [1] = 5 } });
        using RawPeer first = RawPeer.Join(_place.Socket);
        using RawPeer second = RawPeer.Join(_place.Socket, ownVectors: 5);
        second.Told.Select(entry => entry.Value).ShouldBe([0, 0, 1, 1, 1, 1, 1]);
        for (int i = 0; i < 5; i++) first.ReadNotice().Id.ShouldBe(1);
        first.HasUnread().ShouldBeFalse();
    }

    [Fact]
    public async Task Doorbell_RungByOnePeer_IsHeardByTheOther()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options);
        using RawPeer first = RawPeer.Join(_place.Socket);
        using RawPeer second = RawPeer.Join(_place.Socket);
        EventFd.Signal(second.Held(first.Told[1].EventFd)).ShouldBeTrue();
        EventFd.TryRead(first.Held(first.Told[1].EventFd), out ulong count).ShouldBeTrue();
        count.ShouldBe(1ul);
        EventFd.TryRead(first.Held(first.Told[0].EventFd), out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Memory_CannotBeResizedByAPeer()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options);
        using RawPeer peer = RawPeer.Join(_place.Socket);
        Memfd.SealsOf(peer.Memory!).ShouldBe(Seals.Shrink | Seals.Grow | Seals.Seal);
    }

    [Fact]
    public async Task Resident_IsOnePeerMore_AndHearsAndRings()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { ResidentId = 15 });
        IParticipant own = server.Resident.ShouldNotBeNull();
        using RawPeer peer = RawPeer.Join(_place.Socket);
        peer.Told.Select(entry => entry.Value).ShouldBe([15, 15, 0, 0]);
        EventFd.Signal(peer.Held(peer.Told[1].EventFd)).ShouldBeTrue();
        EventFd.TryRead(own.Vectors[1], out _).ShouldBeTrue();
        own.Ring(new(0), 1).ShouldBeTrue();
        EventFd.TryRead(peer.Held(peer.Told[3].EventFd), out _).ShouldBeTrue();
        own.Ring(new(0), 2).ShouldBeFalse();
        own.Ring(new(7), 0).ShouldBeFalse();
    }

    [Fact]
    public async Task Resident_HearsOfJoinsAndLeaves()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { ResidentId = 15 });
        IParticipant own = server.Resident.ShouldNotBeNull();
        var heard = new List<string>();
        own.Joined += id => heard.Add($"+{id}");
        own.Left += id => heard.Add($"-{id}");
        RawPeer.Join(_place.Socket).Dispose();
        while (heard.Count < 2)
        {
            UnixSocket.Wait(own.Control, forReading: true, TimeSpan.FromSeconds(60)).ShouldBeTrue();
            own.ProcessControl().ShouldBeTrue();
        }
        heard.ShouldBe(["+0", "-0"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task RandomIds_FollowTheSeed(int seed)
    {
        var seen = new List<int>[] { [], [] };
        foreach (List<int> ids in seen)
        {
            await using DoorbellServer server = DoorbellServer.Start(_place.Options with { Ids = IdPolicy.Random, Seed = seed });
            using RawPeer first = RawPeer.Join(_place.Socket), second = RawPeer.Join(_place.Socket), third = RawPeer.Join(_place.Socket);
            ids.AddRange([first.Id, second.Id, third.Id]);
        }
        seen[0].ShouldBe(seen[1]);
        seen[0].Distinct().Count().ShouldBe(3);
    }

    public void Dispose() => _place.Dispose();
}
