// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions.Tests.Server;

/// <summary>QEMU's side: what a VM is told, that there is one at a time, and what becomes of its signals when it goes.</summary>
public sealed class RegionServerTests : ServedPlace
{
    [Fact]
    public void Machine_IsPeer1_ThePretendedPeerIs0_AndVectorsAreRegions()
    {
        using ScriptedClient qemu = ScriptedClient.Connect(_place.Qemu);
        ScriptedHandshake told = qemu.ReadHandshake(vectors: 3);
        told.Id.ShouldBe(1);
        told.Peers.Keys.ShouldBe([0L]);
        told.Peers[0].Count.ShouldBe(3);
        for (int region = 0; region < 3; region++)
        {
            EventFd.Signal(told.Peers[0][region]);
            EventFd.TryRead(_server.FromGuest[region], out _).ShouldBeTrue();
            EventFd.Signal(_server.ToGuest[region]);
            EventFd.TryRead(told.Own[region], out _).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task Driver_IsThere_OnceTheMachineThatIsThereRings()
    {
        EventFd.Signal(_server.FromGuest[1]);   // nobody's: there is no machine yet
        for (int life = 0; life < 2; life++)
        {
            _server.DriverIsThere.IsCompleted.ShouldBeFalse();
            using (ScriptedClient qemu = ScriptedClient.Connect(_place.Qemu))
            {
                ScriptedHandshake told = qemu.ReadHandshake(vectors: 3);
                (await _server.SnapshotAsync()).HasDriver.ShouldBeFalse();
                EventFd.Signal(told.Peers[0][2]);
                await _server.DriverIsThere.WaitAsync(TestPeers.Watchdog.Limit);
                (await _server.SnapshotAsync()).HasDriver.ShouldBeTrue();
                EventFd.TryRead(_server.FromGuest[2], out _).ShouldBeTrue("the ring is still there for who reads it");
            }
            TestPeers.Watchdog.Until(() => _server.SnapshotAsync().GetAwaiter().GetResult().Machine is null && !_server.DriverIsThere.IsCompleted, "the machine is seen to have gone");
        }
    }

    [Fact]
    public void Machine_SeesTheLayout_WithItsFirstByteOfMemory()
    {
        using ScriptedClient qemu = ScriptedClient.Connect(_place.Qemu);
        using Window window = Window.Map(qemu.ReadHandshake(vectors: 3).Memory);
        RegionLayout.TryRead(window, out RegionLayout? layout, out string fault).ShouldBeTrue(fault);
        layout!.Regions.ShouldBe(Place.Phone.Regions);
    }

    [Fact]
    public async Task SecondMachine_IsRefusedInWords_TheFirstGoesOn_AndTheNextOneIsServed()
    {
        using (ScriptedClient first = ScriptedClient.Connect(_place.Qemu))
        {
            _ = first.ReadHandshake(vectors: 3);
            using ScriptedClient second = ScriptedClient.Connect(_place.Qemu);
            Should.Throw<InvalidDataException>(() => second.ReadHandshake(vectors: 3)).Message.ShouldContain("refused with version -1");   // QEMU ends with a clear message, and does not hang
            RegionSnapshot snapshot = await _server.SnapshotAsync();
            snapshot.Doorbell.Counters.RefusedFull.ShouldBe(1);
            snapshot.Machine.ShouldNotBeNull().Id.ShouldBe(new PeerId(1));
        }
        using ScriptedClient next = ScriptedClient.Connect(_place.Qemu);
        next.ReadHandshake(vectors: 3).Id.ShouldBe(1);
    }

    [Fact]
    public void NextMachine_HearsClientsThatWereThereBefore()
    {
        using RegionClient client = _place.Open();
        using (ScriptedClient first = ScriptedClient.Connect(_place.Qemu)) _ = first.ReadHandshake(vectors: 3);
        using ScriptedClient next = ScriptedClient.Connect(_place.Qemu);
        ScriptedHandshake told = next.ReadHandshake(vectors: 3);
        client.Signal(client.DataOffset);
        Watchdog.TakeRing(told.Own[1]);
    }

    [Fact]
    public async Task MachineThatDies_LeavesItsSignalsDelivered_AndEmptyTables()
    {
        RegionDescriptor region = Place.Phone.Regions[1];
        using RegionClient client = _place.Open();
        Task waiting = client.WaitAsync(region.DataOffset, 0);
        using (ScriptedClient first = ScriptedClient.Connect(_place.Qemu))
        {
            DieInTheMiddleOfASignal(first, region);
            client.Signal(region.DataOffset, SignalSides.Guest);   // and nobody there to take it
        }
        await waiting.WaitAsync(Watchdog.Limit);
        using ScriptedClient next = ScriptedClient.Connect(_place.Qemu);
        using Window again = Window.Map(next.ReadHandshake(vectors: 3).Memory);
        byte[] tables = new byte[region.DataOffset];
        again.View(region.BeginOffset, tables.Length).CopyOut(0, tables);
        tables.ShouldAllBe(value => value == 0);
    }

    private static void DieInTheMiddleOfASignal(ScriptedClient guest, RegionDescriptor region)
    {
        using Window window = Window.Map(guest.ReadHandshake(vectors: 3).Memory);
        SharedView memory = window.View(region.BeginOffset, (int)region.LengthBytes);
        memory.WriteRelease32((int)region.DataOffset, 1);
        memory.WriteRelease32((int)region.GuestToHost.SlotsOffset, region.DataOffset);
        memory.WriteRelease32((int)region.GuestToHost.SignalledOffset, 1);   // and no ring any more
    }

    [Fact]
    public async Task TwoServers_InOneProcess_HaveWindowsAndDoorbellsOfTheirOwn()
    {
        using var place = new Place();
        await using RegionServer other = await RegionServer.StartAsync(place.Options);
        using RegionClient here = _place.Open(), there = place.Open();
        here.View(here.DataOffset, 4).WriteRelease32(0, 7);
        there.View(there.DataOffset, 4).ReadAcquire32(0).ShouldBe(0u);
        here.Signal(here.DataOffset);
        EventFd.TryRead(_server.ToGuest[1], out _).ShouldBeTrue();
        EventFd.TryRead(other.ToGuest[1], out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Start_WhereAServerLives_IsRefused_ByEitherSocket()
    {
        (await Should.ThrowAsync<IvshmemException>(() => RegionServer.StartAsync(_place.Options))).Message.ShouldContain("serves");
        (await Should.ThrowAsync<IvshmemException>(() => RegionServer.StartAsync(_place.Options with { ClientSocket = _place.Clients + "2" }))).Message.ShouldContain("serves");
        _place.Files().ShouldBe(["c", "c.lock", "q", "q.lock"]);
    }

    [Fact]
    public async Task Start_AmongWhatADeadServerLeft_NeedsNoRemovingByHand()
    {
        await _server.DisposeAsync();
        UnixSocket.Listen(_place.Clients, UnixSocketKind.Stream).Dispose();   // a socket file that nobody listens on
        UnixSocket.Listen(_place.Qemu, UnixSocketKind.Stream).Dispose();
        File.WriteAllText(_place.Clients + ".lock", "1\n");
        string name = $"tombolo-stale-{Environment.ProcessId}";
        SharedFile.Open(SharedFile.PosixPath(name), 4096, create: true).Dispose();
        _server = await RegionServer.StartAsync(_place.Options with { Doorbell = _place.Options.Doorbell with { Backing = MemoryBacking.Posix, MemoryName = name } });
        using (RegionClient client = _place.Open()) client.Layout.WindowBytes.ShouldBe(Place.Phone.WindowBytes);
        await _server.DisposeAsync();
        _place.Files().ShouldBeEmpty();
        File.Exists(SharedFile.PosixPath(name)).ShouldBeFalse();
    }

    [Fact]
    public void Options_ThatCannotBe_AreNamed()
    {
        RegionServerOptions options = _place.Options with { ClientSocket = _place.Qemu, StepTimeout = TimeSpan.Zero, MaxConversations = 0, Access = [new() { Region = "nosuch" }] };
        string.Join('\n', options.Problems()).ShouldBe($"""
            StepTimeout is 00:00:00; it must be more than 0.
            MaxConversations is 0; it must be 1 to 65536.
            ClientSocket and the doorbell's socket are both '{_place.Qemu}'; they are two sockets.
            A rule names the region 'nosuch', which the layout does not have.
            """);
    }
}
