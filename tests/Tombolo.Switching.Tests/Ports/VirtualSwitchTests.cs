// SPDX-License-Identifier: MIT
namespace Tombolo.Switching.Tests;

public sealed class VirtualSwitchTests
{
    public static TheoryData<ulong> Kinds =>
    [
        ScriptedDriver.Version1, ScriptedDriver.Version1 | ScriptedDriver.Mergeable, 0, ScriptedDriver.Version1 | ScriptedDriver.Mergeable | ScriptedDriver.EventIndex,
        ScriptedDriver.Version1 | ScriptedDriver.Mergeable | ScriptedDriver.Packed, ScriptedDriver.Version1 | ScriptedDriver.Mergeable | ScriptedDriver.Packed | ScriptedDriver.EventIndex,
    ];

    [Theory, MemberData(nameof(Kinds))]
    public async Task Unicast_KnownAddress_ReachesItsPortAlone(ulong features)
    {
        await using SwitchRig rig = SwitchRig.Start(3);
        ScriptedDriver a = rig.Attach(0, new(features)), b = rig.Attach(1, new(features)), c = rig.Attach(2, new(features));
        for (int i = 0; i < 300; i++)
        {
            byte[] frame = SwitchRig.FrameFor(to: 1, from: 0, i, 60 + (i * 4));
            SwitchRig.Send(a, frame, pieces: 1 + (i % 3));
            (byte[] header, byte[] got) = SwitchRig.Receive(b);
            got.ShouldBe(frame);
            header[..10].ShouldAllBe(part => part == 0);
            if (header.Length == 12) header[10].ShouldBe((byte)1);
        }
        c.TryReceive().ShouldBeNull();
        PortSnapshot from = await rig.Port(0), to = await rig.Port(1);
        (from[PortCounter.FramesFrom], to[PortCounter.FramesTo], from.Lost, to.Lost).ShouldBe((300, 300, 0, 0));
    }

    [Fact]
    public async Task Frame_LargerThanABuffer_FillsSeveral()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0, new(bufferBytes: 4096, size: 64)), b = rig.Attach(1, new(bufferBytes: 1536, size: 128));
        for (int i = 0; i < 50; i++)
        {
            byte[] frame = SwitchRig.FrameFor(1, 0, i, 9000 + (i * 1000));
            SwitchRig.Send(a, frame, pieces: 20);
            SwitchRig.Receive(b).Frame.ShouldBe(frame);
        }
    }

    [Theory, InlineData(0xffff_ffff_ffff), InlineData(0x3333_0000_0001), InlineData(0x0100_5e00_00fb)]
    public async Task Group_ReachesAllOthers(ulong group)
    {
        await using SwitchRig rig = SwitchRig.Start(4);
        ScriptedDriver[] all = rig.AttachAll(4);
        byte[] frame = SwitchRig.FrameFor(new MacAddress(group), SwitchRig.MacOf(2), 7);
        SwitchRig.Send(all[2], frame);
        foreach (int other in new[] { 0, 1, 3 }) SwitchRig.Receive(all[other]).Frame.ShouldBe(frame);
        all[2].TryReceive().ShouldBeNull();
    }

    [Fact]
    public async Task Unicast_UnknownAddress_IsDroppedAndCounted()
    {
        await using SwitchRig rig = SwitchRig.Start(3);
        ScriptedDriver[] all = rig.AttachAll(3);
        for (int i = 0; i < 5; i++) SwitchRig.Send(all[0], SwitchRig.FrameFor(new MacAddress(0x0200_0000_9999), SwitchRig.MacOf(0), i));
        SwitchRig.Send(all[0], SwitchRig.FrameFor(to: 0, from: 0, 6));
        SwitchRig.Settle(all[0]);
        all[1].TryReceive().ShouldBeNull();
        all[2].TryReceive().ShouldBeNull();
        PortSnapshot port = await rig.Port(0);
        (port[PortCounter.UnknownDestination], port[PortCounter.ToItself]).ShouldBe((5, 1));
    }

    [Fact]
    public async Task Source_NotItsOwn_IsDroppedUnlessAllowed()
    {
        await using SwitchRig rig = SwitchRig.Start(3, port => port.Name == "b" ? port with { AllowsAnySource = true } : port);
        ScriptedDriver[] all = rig.AttachAll(3);
        MacAddress stranger = new(0x0200_0000_7777);
        SwitchRig.Send(all[0], SwitchRig.FrameFor(SwitchRig.MacOf(2), stranger, 1));
        SwitchRig.Send(all[1], SwitchRig.FrameFor(SwitchRig.MacOf(2), SwitchRig.MacOf(0), 2));   // another's address is never allowed
        SwitchRig.Send(all[1], SwitchRig.FrameFor(SwitchRig.MacOf(2), MacAddress.Broadcast, 3));
        SwitchRig.Send(all[1], SwitchRig.FrameFor(SwitchRig.MacOf(2), stranger, 4));
        SwitchRig.NumberOf(SwitchRig.Receive(all[2]).Frame).ShouldBe(4);
        SwitchRig.Settle(all[0]);
        (await rig.Port(0))[PortCounter.WrongSource].ShouldBe(1);
        (await rig.Port(1))[PortCounter.WrongSource].ShouldBe(2);
    }

    [Fact]
    public async Task Learning_AddressBehindAPort_IsFoundUntilItMoves()
    {
        await using SwitchRig rig = SwitchRig.Start(3, port => port.Name == "a" ? port : port with { AllowsAnySource = true, Learns = true });
        ScriptedDriver[] all = rig.AttachAll(3);
        MacAddress behind = new(0x0200_0000_7777);
        SwitchRig.Send(all[1], SwitchRig.FrameFor(SwitchRig.MacOf(0), behind, 1));
        _ = SwitchRig.Receive(all[0]);
        SwitchRig.Send(all[0], SwitchRig.FrameFor(behind, SwitchRig.MacOf(0), 2));
        SwitchRig.NumberOf(SwitchRig.Receive(all[1]).Frame).ShouldBe(2);
        SwitchRig.Send(all[2], SwitchRig.FrameFor(SwitchRig.MacOf(0), behind, 3));   // it moved
        _ = SwitchRig.Receive(all[0]);
        SwitchRig.Send(all[0], SwitchRig.FrameFor(behind, SwitchRig.MacOf(0), 4));
        SwitchRig.NumberOf(SwitchRig.Receive(all[2]).Frame).ShouldBe(4);
        LearnedMac learned = (await rig.Switch.SnapshotAsync()).Learned.ShouldHaveSingleItem();
        (learned.Mac, learned.Port).ShouldBe((behind, "c"));
    }

    [Fact]
    public void Learning_AddressNotHeardOf_IsForgotten()
    {
        using var rig = new SteppedSwitch(2, Learning);
        MacAddress behind = new(0x0200_0000_7777);
        Say(1, behind);
        foreach ((int seconds, bool isKnown) in new[] { (299, true), (2, false) })   // the default is 300
        {
            rig.Time.Now += seconds * 1_000_000L;
            rig.Send(0, SwitchRig.FrameFor(behind, SwitchRig.MacOf(0), seconds));
            rig.Received(1).Count.ShouldBe(isKnown ? 1 : 0);
        }
        rig.Count(0, PortCounter.UnknownDestination).ShouldBe(1);
        // Who goes on sending stays known.
        for (int i = 0; i < 5; i++)
        {
            Say(1, behind);
            rig.Time.Now += 200 * 1_000_000L;
        }
        rig.Send(0, SwitchRig.FrameFor(behind, SwitchRig.MacOf(0), 5));
        rig.Received(1).Count.ShouldBe(1);

        void Say(int from, MacAddress source)
        {
            rig.Send(from, SwitchRig.FrameFor(SwitchRig.MacOf(0), source, 1));
            rig.Received(0).Count.ShouldBe(1);
        }
    }

    [Fact]
    public void Learning_MoreThanItMay_IsNotNoted()
    {
        using var rig = new SteppedSwitch(2, static port => Learning(port) with { MostLearned = 3 });
        for (uint i = 0; i < 5; i++) rig.Send(1, SwitchRig.FrameFor(SwitchRig.MacOf(0), new MacAddress(0x0200_0000_7700UL + i), (int)i));
        rig.Received(0).Count.ShouldBe(5, "they are sent all the same");
        for (uint i = 0; i < 5; i++) rig.Send(0, SwitchRig.FrameFor(new MacAddress(0x0200_0000_7700UL + i), SwitchRig.MacOf(0), (int)i));
        rig.Received(1).Count.ShouldBe(3);
    }

    /// <summary>Who knows how addresses are kept could choose some that leave no room for another's: nobody knows.</summary>
    [Fact]
    public void Learning_AddressesChosenToCollide_LeaveRoomForOthers()
    {
        ulong[] chosen = [.. Enumerable.Range(1, 1 << 20).Select(static i => 0x0200_0000_0000UL + (ulong)i).Where(static mac => (ForwardingTable.Hash(mac) & 1023) == 5).Take(40)];
        using var rig = new SteppedSwitch(3, Learning);
        for (int i = 0; i < chosen.Length; i++) rig.Send(1, SwitchRig.FrameFor(SwitchRig.MacOf(0), new MacAddress(chosen[i]), i));
        rig.Received(0).Count.ShouldBe(chosen.Length);
        for (int i = 0; i < chosen.Length; i++) rig.Send(0, SwitchRig.FrameFor(new MacAddress(chosen[i]), SwitchRig.MacOf(0), i));
        rig.Received(1).Count.ShouldBe(chosen.Length);
    }

    private static PortOptions Learning(PortOptions port) => port.Name == "a" ? port : port with { AllowsAnySource = true, Learns = true };

    [Fact]
    public async Task Topologies_CutPartitionedAndShared_DecideWhoReachesWhom()
    {
        await using SwitchRig rig = SwitchRig.Start(4);
        ScriptedDriver[] all = rig.AttachAll(4);
        var whole = new TopologyOptions { Name = "lan", Members = ["a", "b", "c"] };
        await rig.Switch.SetTopologiesAsync([whole]);
        Reached(all, 4).ShouldBe(["ab", "ac", "ba", "bc", "ca", "cb"]);
        await rig.Switch.SetTopologiesAsync([whole with { Cut = [("c", "a")] }]);
        Reached(all, 4).ShouldBe(["ab", "ba", "bc", "cb"]);
        await rig.Switch.SetTopologiesAsync([whole with { Members = ["a", "b", "c", "d"], Partitions = [["a", "b"]] }]);
        Reached(all, 4).ShouldBe(["ab", "ba", "cd", "dc"]);
        await rig.Switch.SetTopologiesAsync([new() { Name = "one", Members = ["a", "b"] }, new() { Name = "two", Members = ["b", "c"] }]);
        Reached(all, 4).ShouldBe(["ab", "ba", "bc", "cb"]);
        await rig.Switch.SetTopologiesAsync([]);
        Reached(all, 4).Length.ShouldBe(12);
    }

    // Everybody sends to everybody, to one and to all: who got something of whom.
    private static string[] Reached(ScriptedDriver[] all, int ports)
    {
        for (int from = 0; from < ports; from++)
        {
            for (int to = 0; to < ports; to++)
                if (to != from) SwitchRig.Send(all[from], SwitchRig.FrameFor(to, from, (from * 16) + to));
            SwitchRig.Send(all[from], SwitchRig.FrameFor(MacAddress.Broadcast, SwitchRig.MacOf(from), (from * 16) + 15));
        }
        foreach (ScriptedDriver driver in all) SwitchRig.Settle(driver);
        var one = new List<string>();
        var any = new List<string>();
        for (int to = 0; to < ports; to++)
        {
            while (all[to].TryReceive() is { } got)
            {
                int number = SwitchRig.NumberOf(got.Frame);
                string pair = SwitchRig.NameOf(number / 16) + SwitchRig.NameOf(to);
                if (number % 16 == 15) any.Add(pair);
                else
                {
                    (number % 16).ShouldBe(to, "no member gets what is meant for another");
                    one.Add(pair);
                }
            }
            _ = all[to].Refill();
        }
        any.Order().ShouldBe(one.Order());
        return [.. one.Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task Ports_AddedRemovedAndChanged_DisturbNobody()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        for (int i = 0; i < 60; i++)
        {
            if (i % 3 == 0) await rig.Switch.AddPortAsync(rig.PortAt(2));
            if (i % 3 == 1) await rig.Switch.SetPortAsync(rig.PortAt(2) with { Macs = [new(0x0200_0000_4444)] });
            using (ScriptedDriver guest = new())
            {
                if (i % 3 != 2)
                {
                    guest.Attach(rig.PathOf(2));
                    _ = guest.Refill();
                    MacAddress mac = i % 3 == 0 ? SwitchRig.MacOf(2) : new(0x0200_0000_4444);
                    SwitchRig.Send(a, SwitchRig.FrameFor(mac, SwitchRig.MacOf(0), i));
                    SwitchRig.NumberOf(SwitchRig.Receive(guest).Frame).ShouldBe(i);
                }
            }
            if (i % 3 == 2) await rig.Switch.RemovePortAsync("c");
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i));
            SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(i);
        }
        (await rig.Port(0)).Lost.ShouldBe(0);
        (await rig.Port(1)).Lost.ShouldBe(0);
        await Should.ThrowAsync<SwitchException>(() => rig.Switch.RemovePortAsync("c"));
        await Should.ThrowAsync<SwitchException>(() => rig.Switch.SetPortAsync(rig.PortAt(1) with { QueuePairs = 2 }));
        await Should.ThrowAsync<SwitchException>(() => rig.Switch.AddPortAsync(rig.PortAt(1)));
    }

    [Fact]
    public async Task SlowReceiver_LosesItsOwnFramesAlone()
    {
        await using SwitchRig rig = SwitchRig.Start(3, port => port with { BacklogBytes = 1 << 17 });
        ScriptedDriver a = rig.Attach(0), slow = rig.Attach(1), quick = rig.Attach(2);
        const int Frames = 400;
        for (int i = 0; i < Frames; i++)
        {
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i, 1500));
            SwitchRig.Send(a, SwitchRig.FrameFor(2, 0, i, 1500));
            SwitchRig.NumberOf(SwitchRig.Receive(quick).Frame).ShouldBe(i);
        }
        SwitchRig.Settle(a);
        PortSnapshot port = await rig.Port(1);
        port[PortCounter.ReceiverFull].ShouldBeGreaterThan(0);
        (await rig.Port(0)).Lost.ShouldBe(0);
        (await rig.Port(2)).Lost.ShouldBe(0);
        // What it got and what waited for it comes in order, without a hole, once it makes room.
        for (int i = 0; i < Frames - port[PortCounter.ReceiverFull]; i++) SwitchRig.NumberOf(SwitchRig.Receive(slow).Frame).ShouldBe(i);
        slow.TryReceive().ShouldBeNull();
    }

    /// <summary>A frame for which the receiver's whole ring has no room would be waited for in vain, and all others behind it.</summary>
    [Theory, InlineData(ScriptedDriver.Version1 | ScriptedDriver.Mergeable), InlineData(ScriptedDriver.Version1 | ScriptedDriver.Mergeable | ScriptedDriver.Packed)]
    public void Frame_LargerThanTheWholeRing_IsLostAlone(ulong features)
    {
        using var rig = new SteppedSwitch(2, null, index => index == 0 ? new() : new(features, size: 8, bufferBytes: 512));
        rig.Send(0, SwitchRig.FrameFor(1, 0, 1, 5000));
        rig.Send(0, SwitchRig.FrameFor(1, 0, 2, 4000));
        SwitchRig.NumberOf(rig.Received(1).ShouldHaveSingleItem().Frame).ShouldBe(2);
        rig.Count(1, PortCounter.TooLong).ShouldBe(1);
    }

    [Fact]
    public async Task LyingDriver_StopsItsPortWithAReason_OthersLoseNothing()
    {
        await using SwitchRig rig = SwitchRig.Start(3);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1), liar = rig.Attach(2);
        liar.QueueAt(1).Post([new(1UL << 60, 64)]).ShouldBeGreaterThanOrEqualTo(0);
        liar.Kick(1);
        for (int i = 0; i < 200; i++)
        {
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i));
            SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(i);
        }
        string? fault = null;
        Testing.Watchdog.Until(() => (fault = rig.Port(2).Result.Fault) is not null, "the port stops");
        fault.ShouldNotBeNull().ShouldContain("OutsideMemory");
        (await rig.Port(2)).IsUp.ShouldBeFalse();
        SwitchRig.Send(a, SwitchRig.FrameFor(2, 0, 1));
        SwitchRig.Settle(a);
        (await rig.Port(2))[PortCounter.NotAttached].ShouldBe(1);
        (await rig.Port(0)).Lost.ShouldBe(0);
        (await rig.Port(1)).Lost.ShouldBe(0);
        liar.Detach();
        using var honest = new ScriptedDriver();
        _ = rig.Attach(2, honest);
        SwitchRig.Send(a, SwitchRig.FrameFor(2, 0, 5));
        SwitchRig.NumberOf(SwitchRig.Receive(honest).Frame).ShouldBe(5);
        (await rig.Port(2)).Fault.ShouldBeNull();
    }

    [Fact]
    public async Task Restart_UnderItsGuests_LosesNothing()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        int received = 0;
        for (int i = 0; i < 100; i++)
        {
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i));
            if (i % 25 == 24)
            {
                rig.Restart();
                SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, ++i));   // while nobody is there
                a.Detach();
                b.Detach();
                b.Attach(rig.PathOf(1));   // first: what comes for a port to which nobody is attached is lost
                a.Attach(rig.PathOf(0));
            }
            while (received <= i) SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(received++);
        }
    }

    [Fact]
    public async Task ClientMode_FrontEndListens_IsFoundAndFoundAgain()
    {
        using var folder = new Testing.TemporaryFolder();
        await using SwitchRig rig = SwitchRig.Start(1, null, options => options with
        {
            Reconnect = TimeSpan.FromMilliseconds(10),
            Ports = [.. options.Ports, new PortOptions { Name = "b", SocketPath = folder["b.sock"], IsClient = true, Macs = [SwitchRig.MacOf(1)] }],
        });
        ScriptedDriver a = rig.Attach(0);
        using Linux.SafeFd listener = Linux.UnixSocket.Listen(folder["b.sock"], Linux.UnixSocketKind.Stream);
        using var b = new ScriptedDriver();
        for (int i = 0; i < 3; i++)
        {
            Linux.SafeFd? socket = null;
            Testing.Watchdog.Until(() => (socket = Linux.UnixSocket.TryAccept(listener, out _)) is not null, "the switch connects");
            b.Attach(new ScriptedFrontEnd(socket!));
            _ = b.Refill();
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i));
            SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(i);
            b.Detach();
        }
    }

    [Theory, InlineData(1), InlineData(2)]
    public async Task MultiQueue_EveryPairSendsAndReceives(int threads)
    {
        await using SwitchRig rig = SwitchRig.Start(3, null, options => options with { DataThreads = threads });
        ScriptedDriver a = rig.Attach(0, new(pairs: 4)), b = rig.Attach(1, new(pairs: 4)), c = rig.Attach(2);
        for (int pair = 1; pair < 4; pair++)
        {
            _ = a.Refill(pair);
            _ = b.Refill(pair);
        }
        var pairs = new HashSet<int>();
        for (int i = 0; i < 80; i++)
        {
            byte[] frame = SwitchRig.FrameFor(1, 0, i);
            SwitchRig.Send(a, frame, pair: i % 4);
            byte[]? got = null;
            Testing.Watchdog.Until(() =>
            {
                for (int pair = 0; pair < 4 && got is null; pair++)
                    if (b.TryReceive(pair) is { } came)
                    {
                        got = came.Frame;
                        _ = pairs.Add(pair);
                        _ = b.Refill(pair);
                    }
                return got is not null;
            }, "the frame comes");
            got.ShouldBe(frame);
            SwitchRig.Send(b, SwitchRig.FrameFor(2, 1, i), pair: i % 4);
            SwitchRig.NumberOf(SwitchRig.Receive(c).Frame).ShouldBe(i);
        }
        pairs.Count.ShouldBe(4);
    }

    [Fact]
    public async Task Idle_SleepsUntilItIsKicked()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, 1));
        _ = SwitchRig.Receive(b);
        // Once asleep, it asks for a kick, and nothing happens to a frame without one.
        Testing.Watchdog.Until(() => a.Memory.Read16(a.QueueAt(1).Device) == 0, "the switch asks for a kick");
        a.TrySend(SwitchRig.FrameFor(1, 0, 2), kick: false).ShouldBeTrue();
        a.QueueAt(1).NeedsKick().ShouldBeTrue();
        _ = Linux.EventFd.Signal(a.KickOf(1));
        SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(2);
        (await rig.Port(0))[PortCounter.Kicks].ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Disabled_TakesAndGivesNothing_UntilEnabled()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        a.FrontEnd!.Do(ScriptedFrontEnd.SetVringEnable, ScriptedFrontEnd.State(1, 0)).ShouldBe(0UL);
        a.TrySend(SwitchRig.FrameFor(1, 0, 1)).ShouldBeTrue();
        SwitchRig.Send(b, SwitchRig.FrameFor(0, 1, 2));
        SwitchRig.NumberOf(SwitchRig.Receive(a).Frame).ShouldBe(2);
        a.Unsent().ShouldBe(1);
        a.FrontEnd.Do(ScriptedFrontEnd.SetVringEnable, ScriptedFrontEnd.State(1, 1)).ShouldBe(0UL);
        SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(1);
    }

    [Fact]
    public async Task MemoryTable_ChangedUnderWay_FramesGoOn()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        using var more = new ScriptedMemory(1 << 16);
        byte[] slot = [.. new byte[8], .. ScriptedDriver.Region(1UL << 40, 1 << 16, 0)];
        for (int i = 0; i < 60; i++)
        {
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i));
            uint request = (i % 3) switch { 0 => ScriptedFrontEnd.AddMemReg, 1 => ScriptedFrontEnd.RemMemReg, _ => ScriptedFrontEnd.SetMemTable };
            ulong answer = request switch
            {
                ScriptedFrontEnd.AddMemReg => b.FrontEnd!.Do(request, slot, more.Descriptor),
                ScriptedFrontEnd.RemMemReg => b.FrontEnd!.Do(request, slot),
                _ => b.FrontEnd!.Do(request, b.MemoryTable(), b.Memory.Descriptor),
            };
            answer.ShouldBe(0UL);
            SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(i);
        }
        (await rig.Port(1)).Lost.ShouldBe(0);
    }

    /// <summary>QEMU 7.2 tells of a region, and of its end, once for each queue pair.</summary>
    [Fact]
    public async Task MemoryRegion_ToldTwice_IsThereOnce()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        using var more = new ScriptedMemory(1 << 16);
        byte[] slot = [.. new byte[8], .. ScriptedDriver.Region(1UL << 40, 1 << 16, 0)];
        string inode = $" {Linux.SharedFile.IdentityOf($"/proc/self/fd/{more.Descriptor.Number}").ShouldNotBeNull().Inode} ";
        int before = Mappings();
        foreach (int expected in new[] { before + 1, before + 1 })
        {
            b.FrontEnd!.Do(ScriptedFrontEnd.AddMemReg, slot, more.Descriptor).ShouldBe(0UL);
            Mappings().ShouldBe(expected);
        }
        foreach (int _ in new[] { 1, 2 })
        {
            b.FrontEnd!.Do(ScriptedFrontEnd.RemMemReg, slot).ShouldBe(0UL);
            Mappings().ShouldBe(before);
        }
        SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, 7));
        SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(7);

        int Mappings() => File.ReadLines("/proc/self/maps").Count(line => line.Contains(inode, StringComparison.Ordinal));
    }

    [Fact]
    public void RingStandsStillForAMoment_FramesWaitAndArriveInOrder()
    {
        using var rig = new SteppedSwitch(2);
        VhostPort port = rig.Port(1);
        Vring ring = port.Device.Rings[0];
        port.RingStopping(ring, isBrief: true);
        ring.Pause(isBrief: true);
        for (int i = 0; i < 3; i++) rig.Send(0, SwitchRig.FrameFor(1, 0, i));
        rig.Received(1).ShouldBeEmpty();
        port.Device.SetVringAddresses(ring.Addresses!.Value).ShouldBeNull();
        rig.Turn();
        rig.Received(1).Select(static frame => SwitchRig.NumberOf(frame.Frame)).ShouldBe([0, 1, 2]);
        rig.Count(1, PortCounter.NotAttached).ShouldBe(0);
    }

    [Fact]
    public void RingStops_WhatWaitsIsForgotten()
    {
        using var rig = new SteppedSwitch(2);
        VhostPort port = rig.Port(1);
        Vring ring = port.Device.Rings[0];
        port.RingStopping(ring, isBrief: false);
        ring.Pause();
        rig.Send(0, SwitchRig.FrameFor(1, 0, 1));
        rig.Count(1, PortCounter.NotAttached).ShouldBe(1);
        port.Device.SetVringAddresses(ring.Addresses!.Value).ShouldBeNull();
        rig.Turn();
        rig.Received(1).ShouldBeEmpty();
    }

    [Fact]
    public async Task Rarp_FromTheFrontEnd_IsBroadcast()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0, new(protocolFeatures: ScriptedDriver.ReplyAck | ScriptedDriver.RarpFeature)), b = rig.Attach(1);
        a.FrontEnd!.Do(ScriptedFrontEnd.SendRarp, [2, 0, 0, 0, 0, 1, 0, 0]).ShouldBe(0UL);
        byte[] frame = SwitchRig.Receive(b).Frame;
        frame[..14].ShouldBe([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 0x80, 0x35]);
    }

    [Fact]
    public async Task Start_SocketServedByAnother_SaysSo()
    {
        using var folder = new Testing.TemporaryFolder();
        var options = new SwitchOptions { Ports = [new() { Name = "a", SocketPath = folder["a.sock"] }] };
        VirtualSwitch first = VirtualSwitch.Start(options);
        Should.Throw<SwitchException>(() => VirtualSwitch.Start(options)).Message.ShouldContain(folder["a.sock"]);
        await first.DisposeAsync();
        File.WriteAllText(folder["a.sock"], "no socket");
        Should.Throw<SwitchException>(() => VirtualSwitch.Start(options)).Message.ShouldContain("is not a socket");
        Should.Throw<ArgumentException>(() => VirtualSwitch.Start(options with { DataThreads = 0 })).Message.ShouldContain("DataThreads");
    }
}
