// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Regions.Tests.Client;

public sealed class RegionClientTests : IDisposable
{
    private const int Input = 1;
    private readonly Place _place = new();
    private RegionServer _server;

    public RegionClientTests() => _server = RegionServer.StartAsync(_place.Options).GetAwaiter().GetResult();

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _place.Dispose();
    }

    private static uint Word(RegionClient client, int index) => client.DataOffset + (uint)(4 * index);

    [Fact]
    public void Open_GivesTheRegionAsTheLayoutHasIt()
    {
        using RegionClient client = _place.Open();
        (client.Name, client.Index, client.DataOffset, client.LengthBytes, client.IsReadOnly, client.IsManaged).ShouldBe(("input", 1, 136u, 16384u, false, false));
        client.Data().LengthBytes.ShouldBe(16384 - 136);
        client.View(136, 4).WriteRelease32(0, 99);
        using RegionClient other = _place.Open();
        other.View(136, 4).ReadAcquire32(0).ShouldBe(99u);
    }

    [Theory]
    [InlineData(0u, 4)]
    [InlineData(132u, 4)]
    [InlineData(16384u, 4)]
    [InlineData(16380u, 5)]
    [InlineData(uint.MaxValue, 4)]
    [InlineData(136u, -1)]
    public void View_OutsideTheData_IsRefused(uint offset, int length)
    {
        using RegionClient client = _place.Open();
        Should.Throw<ArgumentOutOfRangeException>(() => { _ = client.View(offset, length); });
    }

    [Fact]
    public void Open_NobodyServes_NoSuchRegion_BadName_EachSaySo()
    {
        Should.Throw<RegionException>(() => RegionClient.Open("input", _place.ClientOptions with { Socket = _place.Clients + "x" })).Message.ShouldContain("Nobody serves regions at");
        Should.Throw<RegionException>(() => _place.Open("nosuch")).Message.ShouldContain("has no region 'nosuch' for this user");
        Should.Throw<ArgumentException>(() => _place.Open("a/b")).Message.ShouldContain("cannot name a region");
    }

    [Fact]
    public void Open_WindowThatTheGuestScribbledOn_IsRefused_AndTheServerGoesOn()
    {
        using var guest = new GuestStandIn(_place.Qemu, Input);
        guest.Scribble(16 + 60 + 4, [0, 0x20]);
        Should.Throw<RegionException>(() => _place.Open()).Message.ShouldContain("cannot be opened");
        guest.Scribble(0, [9]);
        Should.Throw<RegionException>(() => _place.Open()).Message.ShouldContain("no layout of version 2");
    }

    [Fact]
    public void Signal_PutsTheOffsetIntoItsSlot_SetsTheWord_AndRingsOnce()
    {
        using RegionClient client = _place.Open();
        using var guest = new GuestStandIn(_place.Qemu, Input);
        for (int times = 0; times < 3; times++) client.Signal(Word(client, 0));   // nobody takes the first: the others are it
        (guest.Taken, guest.Signalled(toHost: false)).ShouldBe((1, 1u));
        EventFd.TryRead(guest.OwnBell, out ulong rings).ShouldBeTrue();
        rings.ShouldBe(1ul);
        client.Signal(Word(client, 0));   // the ring was taken, and nothing came of it: whoever takes rings may have died
        EventFd.TryRead(guest.OwnBell, out _).ShouldBeTrue();
    }

    [Fact]
    public void Signal_OffsetsThatCollide_AndWrapRound_AllGetASlot()
    {
        using RegionClient client = _place.Open();
        using var guest = new GuestStandIn(_place.Qemu, Input);
        for (int index = 0; index < 16; index++) client.Signal(client.DataOffset + 4 + (uint)(64 * index));   // all begin at the same slot, near the table's end
        guest.Taken.ShouldBe(16);
    }

    [Fact]
    public void Signal_FullTable_WaitsForRoom_AndLosesNothing()
    {
        using RegionClient client = _place.Open();
        var woken = new System.Collections.Concurrent.ConcurrentBag<uint>();
        using var guest = new GuestStandIn(_place.Qemu, Input, woken.Add);
        Parallel.For(0, 4, thread =>
        {
            for (int index = 0; index < 500; index++) client.Signal(Word(client, (thread * 500) + index));
        });
        Watchdog.Until(() => woken.Distinct().Count() == 2000, "every offset was taken");
    }

    [Fact]
    public void Signal_FullTableThatNobodyEmpties_SaysSo()
    {
        using RegionClient client = RegionClient.Open("input", _place.ClientOptions with { RoomTimeout = TimeSpan.FromMilliseconds(50) });
        for (int index = 0; index < 16; index++) client.Signal(Word(client, index));
        client.TrySignal(Word(client, 3)).ShouldBeTrue("it is there already");
        client.TrySignal(Word(client, 16)).ShouldBeFalse();
        Should.Throw<RegionException>(() => client.Signal(Word(client, 16))).Message.ShouldContain("found no room in 16 slots for 0.05 s: the guest takes no signals");
        client.TrySignal(Word(client, 16), SignalSides.Host).ShouldBeTrue();
    }

    [Theory]
    [InlineData(138u)]
    [InlineData(0u)]
    [InlineData(16382u)]
    public void SignalAndWait_NoPlaceForAWord_AreRefused(uint offset)
    {
        using RegionClient client = _place.Open();
        Should.Throw<ArgumentOutOfRangeException>(() => client.Signal(offset));
        Should.Throw<ArgumentOutOfRangeException>(() => client.Wait(offset, 0, TimeSpan.Zero));
        Should.Throw<ArgumentOutOfRangeException>(() => { _ = client.WaitAsync(offset, 0); });
    }

    [Fact]
    public void Wait_ValueDiffersAlready_OrTimeRunsOut()
    {
        using RegionClient client = _place.Open();
        client.Wait(Word(client, 0), 1, TimeSpan.Zero).ShouldBeTrue();
        client.Wait(Word(client, 0), 0, TimeSpan.FromMilliseconds(30)).ShouldBeFalse();
    }

    [Fact]
    public async Task WaitAsync_GuestSignals_Completes_AndSpuriousRingsDoNot()
    {
        using var heard = new ManualResetEventSlim();
        using RegionClient client = _place.Open();
        using var guest = new GuestStandIn(_place.Qemu, Input);
        Task waiting = client.WaitAsync(Word(client, 5), 0), other = client.WaitAsync(Word(client, 6), 0);
        for (int ring = 0; ring < 50; ring++) guest.RingHost();
        guest.Signal(Word(client, 5));   // a signal without a change is none
        client.Rung += heard.Set;
        guest.RingHost();
        heard.Wait(Watchdog.Limit).ShouldBeTrue();
        waiting.IsCompleted.ShouldBeFalse();
        Change(guest, Word(client, 5));
        guest.Signal(Word(client, 5));
        await waiting.Watched();
        other.IsCompleted.ShouldBeFalse();
    }

    private static void Change(GuestStandIn guest, uint offset) => guest.Word(offset).WriteRelease32(0, guest.Word(offset).ReadAcquire32(0) + 1);

    [Fact]
    public async Task WaitAsync_AnotherHostClientSignals_Completes()
    {
        using RegionClient one = _place.Open(), two = _place.Open();
        Task waiting = one.WaitAsync(Word(one, 0), 0);
        Set(two, Word(two, 0), 1);
        two.Signal(Word(two, 0), SignalSides.Host);
        await waiting.Watched();
    }

    private static void Set(RegionClient client, uint offset, uint value) => client.View(offset, 4).WriteRelease32(0, value);

    [Fact]
    public async Task WaitAsync_AThousandAtOnce_EachCompletesByItsOwnWord()
    {
        using RegionClient client = _place.Open();
        Task[] waiting = [.. Enumerable.Range(0, 1000).Select(index => client.WaitAsync(Word(client, index), 0))];
        for (int index = 0; index < 1000; index += 2)
        {
            Set(client, Word(client, index), 1);
            client.Signal(Word(client, index), SignalSides.Host);
        }
        await Task.WhenAll(waiting.Where((_, index) => index % 2 == 0)).Watched();
        waiting.Where((_, index) => index % 2 == 1).ShouldAllBe(task => !task.IsCompleted);
    }

    [Fact]
    public async Task WaitAsync_Cancelled_EndsAsCancelled_AndOthersGoOn()
    {
        using RegionClient client = _place.Open();
        using var cancel = new CancellationTokenSource();
        Task given = client.WaitAsync(Word(client, 0), 0, cancel.Token), kept = client.WaitAsync(Word(client, 0), 0);
        await cancel.CancelAsync();
        await Should.ThrowAsync<TaskCanceledException>(() => given);
        Set(client, Word(client, 0), 1);
        client.Signal(Word(client, 0), SignalSides.Host);
        await kept.Watched();
    }

    [Fact]
    public async Task Dispose_WhileThreadsAndTasksWait_EndsThemAll()
    {
        RegionClient client = _place.Open();
        uint offset = Word(client, 0);
        Task waiting = client.WaitAsync(offset, 0);
        Task[] blocked = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() => client.Wait(offset, 0, Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning))];
        client.Dispose();
        foreach (Task one in blocked.Append(waiting)) await Should.ThrowAsync<ObjectDisposedException>(() => one.Watched());
        Should.Throw<ObjectDisposedException>(() => { _ = client.WaitAsync(offset, 0); });
    }

    [Fact]
    public void RoundTrip_ComesBack()
    {
        using RegionClient client = _place.Open();
        var woken = new System.Collections.Concurrent.ConcurrentBag<uint>();
        using var guest = new GuestStandIn(_place.Qemu, Input, woken.Add);
        client.Listen();
        guest.Signal(Word(client, 9), roundTrip: true);   // vSoC's way of waking both sides
        Watchdog.Until(() => woken.Contains(Word(client, 9)), "it came back");
    }

    // Whoever asks for round trips and takes none must not fill our memory with what we owe; and an honest guest that is only slow gets them all.
    [Theory]
    [InlineData(RegionRights.Write)]
    [InlineData(RegionRights.Read)]   // then the server takes them
    public async Task RoundTrips_ThatFindNoRoom_StayInTheGuestsSlots_AndComeBackOnceThereIs(RegionRights rights)
    {
        await _server.DisposeAsync();
        _server = await RegionServer.StartAsync(_place.Options with { Access = [new() { Users = [LinuxProcess.EffectiveUserId], Rights = rights }] });
        using RegionClient client = _place.Open();
        using var guest = new GuestStandIn(_place.Qemu, Input);
        client.Listen();
        // 16 go back into the table, 16 are owed, and 16 stay.
        HashSet<uint> asked = [.. Enumerable.Range(0, 48).Select(index => Word(client, index))];
        foreach (uint offset in asked)
        {
            Watchdog.Until(() => guest.Waiting < 16, "the host takes what it can");
            guest.Signal(offset, roundTrip: true);
        }
        Watchdog.Until(() => guest.Taken == 16, "the way back is full");
        for (int ring = 0; ring < 20; ring++)   // it looks again, and takes no more
        {
            guest.Scribble(Place.Phone.Regions[Input].BeginOffset + Place.Phone.Regions[Input].GuestToHost.SignalledOffset, [1]);
            guest.RingHost();
            Watchdog.Until(() => guest.Signalled(toHost: true) == 0, "the host looks");
        }
        guest.Waiting.ShouldBe(16);
        HashSet<uint> back = [];
        Watchdog.Until(() =>
        {
            back.UnionWith(guest.TakeAll());
            return back.Count == 48;
        }, "all came back");
        back.ShouldBe(asked, ignoreOrder: true);
        Watchdog.Until(() => guest.Waiting == 0, "no slot stays taken");
    }

    [Fact]
    public void HostileTable_AnyValuesInTheSlots_HarmNobody()
    {
        using var heard = new AutoResetEvent(false);
        using RegionClient client = _place.Open();
        using var guest = new GuestStandIn(_place.Qemu, Input);
        client.Listen();
        client.Rung += () => heard.Set();
        var random = new Random(5);
        byte[] table = new byte[68];
        for (int round = 0; round < 500; round++)
        {
            random.NextBytes(table);
            if (round % 2 == 0) table.AsSpan().Fill(0xff);
            guest.Scribble(Place.Phone.Regions[Input].BeginOffset, table);
            guest.RingHost();
            heard.WaitOne(Watchdog.Limit).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task Reader_WaitsForTheGuest_WithoutAnyOtherClientThere()
    {
        await _server.DisposeAsync();
        _server = await RegionServer.StartAsync(_place.Options with { Access = [new() { Users = [LinuxProcess.EffectiveUserId] }] });
        using RegionClient reader = _place.Open();
        reader.IsReadOnly.ShouldBeTrue();
        Should.Throw<RegionException>(() => reader.Signal(Word(reader, 0))).Message.ShouldContain("opened for reading only");
        using var guest = new GuestStandIn(_place.Qemu, Input);
        for (uint round = 0; round < 20; round++)   // the server takes what readers cannot, so the guest keeps ringing
        {
            Task waiting = reader.WaitAsync(Word(reader, 0), round);
            Change(guest, Word(reader, 0));
            guest.Signal(Word(reader, 0));
            await waiting.Watched();
        }
    }

    [Fact]
    public async Task TenThousandSignalsEachWay_NoneLost()
    {
        using RegionClient client = _place.Open();
        uint ping = Word(client, 0), pong = Word(client, 1);
        GuestStandIn? guest = null;
        using var known = new ManualResetEventSlim();
        guest = new GuestStandIn(_place.Qemu, Input, offset =>
        {
            known.Wait();
            if (offset != ping) return;
            guest!.Word(pong).WriteRelease32(0, guest.Word(ping).ReadAcquire32(0));
            guest.Signal(pong);
        });
        known.Set();
        using (guest)
        {
            for (uint round = 1; round <= 10_000; round++)
            {
                Set(client, ping, round);
                client.Signal(ping);
                if (round % 2 == 0) client.Wait(pong, round - 1, Watchdog.Limit).ShouldBeTrue($"round {round}");
                else await client.WaitAsync(pong, round - 1).Watched();
            }
        }
    }

    [Fact]
    public void ManyThreadsManyClients_EachWordIsHeard()
    {
        const int Pairs = 8, Rounds = 500;
        RegionClient[] clients = [.. Enumerable.Range(0, Pairs).Select(_ => _place.Open())];
        using var guest = new GuestStandIn(_place.Qemu, Input, static _ => { });
        Thread[] threads = [.. Enumerable.Range(0, 2 * Pairs).Select(index => new Thread(() =>
        {
            RegionClient client = clients[(index / 2 + index) % Pairs];   // two of a pair are mostly not in one client
            uint mine = Word(client, index), others = Word(client, index ^ 1);
            for (uint round = 1; round <= Rounds; round++)
            {
                if (index % 2 == 0 || client.Wait(others, round - 1, Watchdog.Limit))
                {
                    Set(client, mine, round);
                    client.Signal(mine);
                }
                if (index % 2 == 0) client.Wait(others, round - 1, Watchdog.Limit).ShouldBeTrue();
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        for (int index = 0; index < 2 * Pairs; index++) clients[0].View(Word(clients[0], index), 4).ReadAcquire32(0).ShouldBe((uint)Rounds);
        foreach (RegionClient client in clients) client.Dispose();
    }

    // ---- permissions

    [Fact]
    public void Permission_ClaimsTheOwnerWord_ShowsTheArea_AndIsGivenBack()
    {
        using RegionClient manager = _place.Open("fb_manager"), managed = _place.Open("hwcomposer");
        uint owner = Word(manager, 2);
        Should.Throw<RegionException>(() => { _ = managed.View(4096, 4); }).Message.ShouldContain("is managed by 'fb_manager'");
        using (RegionPermission permission = manager.CreatePermission(managed, 4096, 12288, owner, 77))
        {
            manager.View(owner, 4).ReadAcquire32(0).ShouldBe(77u);
            managed.Data().LengthBytes.ShouldBe(8192);
            managed.View(4096, 4).WriteRelease32(0, 5);
            Should.Throw<ArgumentOutOfRangeException>(() => { _ = managed.View(12288, 4); });
            using RegionClient second = _place.Open("hwcomposer");
            Should.Throw<RegionPermissionException>(() => manager.CreatePermission(second, 4096, 12288, owner, 78)).Fault.ShouldBe(PermissionFault.Busy);
            Should.Throw<RegionPermissionException>(() => manager.CreatePermission(managed, 12288, 16384, Word(manager, 3), 1)).Fault.ShouldBe(PermissionFault.Exists);
            manager.View(Word(manager, 3), 4).ReadAcquire32(0).ShouldBe(0u, "a claim that is refused claims nothing");
        }
        manager.View(owner, 4).ReadAcquire32(0).ShouldBe(0u);
        Should.Throw<RegionException>(() => { _ = managed.View(4096, 4); });
    }

    [Fact]
    public void Permission_GoesWithTheManagedClient()
    {
        using RegionClient manager = _place.Open("fb_manager");
        using (RegionClient managed = _place.Open("hwcomposer")) _ = manager.CreatePermission(managed, 4096, 8192, Word(manager, 0), 1);
        manager.View(Word(manager, 0), 4).ReadAcquire32(0).ShouldBe(0u);
    }

    [Theory]
    [InlineData(8192u, 8192u, 136u, 1u)]
    [InlineData(12288u, 8192u, 136u, 1u)]
    [InlineData(4096u, 69632u, 136u, 1u)]
    [InlineData(0u, 4096u, 136u, 1u)]
    [InlineData(4097u, 8192u, 136u, 1u)]
    [InlineData(4096u, 8190u, 136u, 1u)]
    [InlineData(4096u, 8192u, 137u, 1u)]
    [InlineData(4096u, 8192u, 132u, 1u)]
    [InlineData(4096u, 8192u, 8192u, 1u)]
    [InlineData(4096u, 8192u, uint.MaxValue - 3, 1u)]
    [InlineData(4096u, 8192u, 136u, 0u)]
    public void Permission_Malformed_IsInvalid(uint begin, uint end, uint owner, uint value)
    {
        using RegionClient manager = _place.Open("fb_manager"), managed = _place.Open("hwcomposer");
        Should.Throw<RegionPermissionException>(() => manager.CreatePermission(managed, begin, end, owner, value)).Fault.ShouldBe(PermissionFault.Invalid);
    }

    [Fact]
    public void Permission_OfARegionThatIsNotManagedByThis_IsRefused()
    {
        using RegionClient input = _place.Open(), manager = _place.Open("fb_manager"), managed = _place.Open("hwcomposer");
        Should.Throw<RegionPermissionException>(() => manager.CreatePermission(input, 4096, 8192, 136, 1)).Fault.ShouldBe(PermissionFault.NotManaged);
        Should.Throw<RegionPermissionException>(() => input.CreatePermission(managed, 4096, 8192, 136, 1)).Fault.ShouldBe(PermissionFault.NotManaged);
    }

    [Fact]
    public void Permission_ManyWantIt_OneHasItAtATime()
    {
        using RegionClient manager = _place.Open("fb_manager");
        int inside = 0, given = 0;
        Parallel.For(0, 8, _ =>
        {
            using RegionClient managed = _place.Open("hwcomposer");
            for (int round = 0; round < 200; round++)
            {
                try
                {
                    using RegionPermission permission = manager.CreatePermission(managed, 4096, 8192, 136, 9);
                    Interlocked.Increment(ref inside).ShouldBe(1);
                    _ = Interlocked.Increment(ref given);
                    _ = Interlocked.Decrement(ref inside);
                }
                catch (RegionPermissionException exception) { exception.Fault.ShouldBe(PermissionFault.Busy); }
            }
        });
        given.ShouldBeGreaterThan(0);
        manager.View(136, 4).ReadAcquire32(0).ShouldBe(0u);
    }
}
