// SPDX-License-Identifier: MIT
using Tombolo.Regions.Tests.Client;
using Tombolo.Regions.Tests.Layout;
using Tombolo.Testing;

namespace Tombolo.Regions.Tests.Server;

/// <summary>Server, clients and VM are real processes or connections, and are killed: who is left must not be able to tell.</summary>
[Trait("Speed", "slow")]
public sealed class KillTests : IDisposable
{
    private const int Input = 1;
    private readonly Place _place = new();
    private readonly List<Child> _children = [];

    private static string Program => Path.Combine(AppContext.BaseDirectory, "tombolo-test-server");

    private Child StartServer(string says, string? layout = null)
    {
        string file = Path.Combine(_place.Folder, "layout.json");
        File.WriteAllText(file, layout ?? LayoutFileTests.File(
            LayoutFileTests.Region("hwcomposer", "\"region_size\": 65536", """, "managed_by": "fb_manager" """),
            LayoutFileTests.Region("input", "\"region_size\": 16384"),
            LayoutFileTests.Region("fb_manager", "\"region_size\": 8192")));
        Child server = Track(new(Program, "regions", _place.Qemu, _place.Clients, file));
        server.ReadLine().ShouldBe(says);
        return server;
    }

    private Child Track(Child child)
    {
        _children.Add(child);
        return child;
    }

    private static string Ask(Child server, string question)
    {
        server.WriteLine(question);
        return server.ReadLine().ShouldNotBeNull();
    }

    [Fact]
    public async Task ServerKilledManyTimes_MachineAndClientsGoOn_AndLaterOnesAreServed()
    {
        Child server = StartServer("ready");
        using var guest = new GuestStandIn(_place.Qemu, Input);
        using RegionClient early = _place.Open();
        for (uint round = 0; round < 5; round++)
        {
            server.Kill();
            Task waiting = early.WaitAsync(early.DataOffset, round);
            guest.Word(early.DataOffset).WriteRelease32(0, round + 1);
            guest.Signal(early.DataOffset);                       // no server is there
            await waiting.Watched();
            early.Signal(early.DataOffset);
            TestPeers.Watchdog.TakeRing(guest.OwnBell);
            using var waiter = new RawClient(_place.Clients);     // who comes now waits for the next server
            server = StartServer("ready again");
            _ = waiter.Ask("input");
            using RegionClient late = _place.Open();
            late.View(late.DataOffset, 4).ReadAcquire32(0).ShouldBe(round + 1);
            using ScriptedClient second = ScriptedClient.Connect(_place.Qemu);
            Should.Throw<InvalidDataException>(() => second.ReadHandshake(vectors: 3)).Message.ShouldContain("version -1");
            Ask(server, "machine").ShouldBe($"{Environment.ProcessId}");
        }
        guest.Dispose();
        TestPeers.Watchdog.Until(() => Ask(server, "machine") == "none", "the machine is seen to have gone");
        using ScriptedClient next = ScriptedClient.Connect(_place.Qemu);
        next.ReadHandshake(vectors: 3).Id.ShouldBe(1);
    }

    [Fact]
    public void ServerKilled_ReaderIsServedAgain_EvenWhatWasSignalledMeanwhile()
    {
        Child server = StartServer("ready");
        using var guest = new GuestStandIn(_place.Qemu, Input);
        using RegionClient reader = RegionClient.Open("input", _place.ClientOptions with { ReadOnly = true });
        for (uint round = 0; round < 3; round++)
        {
            server.Kill();
            guest.Word(reader.DataOffset).WriteRelease32(0, round + 1);
            guest.Signal(reader.DataOffset);
            server = StartServer("ready again");
            reader.Wait(reader.DataOffset, round, TestPeers.Watchdog.Limit).ShouldBeTrue();
            TestPeers.Watchdog.Until(() => guest.Signalled(toHost: true) == 0, "the server took what the reader cannot");
        }
    }

    [Fact]
    public void ServerKilled_MachineThatDiedMeanwhile_LeavesEmptyTables()
    {
        Child server = StartServer("ready");
        using RegionClient client = _place.Open();
        using (new GuestStandIn(_place.Qemu, Input))
        {
            client.Signal(client.DataOffset);
            server.Kill();
        }
        server = StartServer("ready again");
        TestPeers.Watchdog.Until(() => Ask(server, "machine") == "none", "the machine is seen to have gone");
        using var next = new GuestStandIn(_place.Qemu, Input);
        (next.Taken, next.Signalled(toHost: false)).ShouldBe((0, 0u));
    }

    [Fact]
    public void ServerKilled_SuccessorWithAnotherLayout_IsRefused_AndNothingIsLost()
    {
        StartServer("ready").Kill();
        using (Child other = new(Program, "regions", _place.Qemu, _place.Clients, WriteLayout("other.json")))
            other.ReadLine().ShouldNotBeNull().ShouldContain("or with other contents");
        _ = StartServer("ready again");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OwnerKilled_ItsAreaComesBack(bool whileNoServerIsThere)
    {
        Child server = StartServer("ready");
        using RegionClient manager = _place.Open("fb_manager"), managed = _place.Open("hwcomposer");
        uint owner = manager.DataOffset;
        for (int round = 0; round < 5; round++)
        {
            Child doomed = StartOwner();
            manager.View(owner, 4).ReadAcquire32(0).ShouldBe(5u);
            Should.Throw<RegionPermissionException>(() => manager.CreatePermission(managed, 4096, 8192, owner, 6)).Fault.ShouldBe(PermissionFault.Busy);
            if (whileNoServerIsThere) server.Kill();
            doomed.Kill();
            if (whileNoServerIsThere) server = StartServer("ready again");
            TestPeers.Watchdog.Until(() => manager.View(owner, 4).ReadAcquire32(0) == 0, "the area came back");
        }
        using RegionPermission mine = manager.CreatePermission(managed, 4096, 8192, owner, 6);
        manager.View(owner, 4).ReadAcquire32(0).ShouldBe(6u);
    }

    [Fact]
    public void ServerKilled_OwnersGoOnOwning_AndGiveBackInOrder()
    {
        Child server = StartServer("ready");
        using RegionClient manager = _place.Open("fb_manager");
        Child holder = StartOwner();
        server.Kill();
        _ = StartServer("ready again");
        manager.View(manager.DataOffset, 4).ReadAcquire32(0).ShouldBe(5u);
        holder.CloseInput().ShouldBe(0);
        manager.View(manager.DataOffset, 4).ReadAcquire32(0).ShouldBe(0u);
    }

    private Child StartOwner()
    {
        Child owner = Track(new(Program, "region-owner", _place.Clients));
        owner.ReadLine().ShouldBe("owning");
        return owner;
    }

    private string WriteLayout(string name)
    {
        string file = Path.Combine(_place.Folder, name);
        File.WriteAllText(file, LayoutFileTests.File(
            LayoutFileTests.Region("hwcomposer", "\"region_size\": 61440", """, "managed_by": "fb_manager" """), LayoutFileTests.Region("input", "\"region_size\": 16384"), LayoutFileTests.Region("fb_manager", "\"region_size\": 8192")));
        return file;
    }

    // A survivor and the guest play ping-pong; beside them, clients signal as fast as they can and are killed in the middle, and so is the server.
    [Fact]
    public void ClientsAndServerKilledWhileSignalsFlow_TheSurvivorLosesNone()
    {
        Child server = StartServer("ready");
        uint answered = 0;
        GuestStandIn? guest = null;
        using var known = new ManualResetEventSlim();
        using RegionClient survivor = _place.Open();
        uint ping = survivor.DataOffset, pong = ping + 4, theirs = survivor.DataOffset + 4 * 19;   // word 9 of those who are killed
        guest = new GuestStandIn(_place.Qemu, Input, offset =>
        {
            known.Wait();
            if (offset == ping)
            {
                guest!.Word(pong).WriteRelease32(0, guest.Word(ping).ReadAcquire32(0));
                guest.Signal(pong);
                answered++;
            }
            else if (answered % 4 == 0)
            {
                guest!.Word(theirs).WriteRelease32(0, guest.Word(theirs).ReadAcquire32(0) + 1);
                guest.Signal(theirs);
            }
        });
        known.Set();
        using (guest)
        {
            var random = new Random(20261121);
            List<Child> doomed = [StartClient(), StartClient()];
            int kills = 0;
            for (uint round = 1; round <= 3000; round++)
            {
                survivor.View(ping, 4).WriteRelease32(0, round);
                survivor.Signal(ping);
                survivor.Wait(pong, round - 1, TestPeers.Watchdog.Limit).ShouldBeTrue($"round {round}, after {kills} kills");
                if (random.Next(60) == 0)
                {
                    int which = random.Next(doomed.Count);
                    doomed[which].Kill();
                    doomed[which] = StartClient();
                    kills++;
                }
                if (round % 700 == 0)
                {
                    server.Kill();
                    server = StartServer("ready again");
                }
            }
            kills.ShouldBeGreaterThan(20);
        }
    }

    private Child StartClient()
    {
        Child client = Track(new(Program, "region-client", _place.Clients, "input", "10"));
        client.ReadLine().ShouldBe("going");
        return client;
    }

    public void Dispose()
    {
        foreach (Child child in _children) child.Dispose();
        LeftKeeper.End(_place.Qemu + ".keeper");
        _place.Dispose();
    }
}
