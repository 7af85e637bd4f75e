// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using Tombolo.Linux;

namespace Tombolo.Switching.Tests;

/// <summary>A guest, or whoever runs it, does its worst: its own port suffers, the others lose no frame.</summary>
public sealed class HostileGuestTests
{
    private const ulong Plain = ScriptedDriver.Version1 | ScriptedDriver.Mergeable;
    private const ulong RingsStart = 4096;

    /// <summary>Any words over both rings of a driver, of every kind, again and again, while others talk.</summary>
    [Fact]
    public void Driver_LiesInEveryStructure_OthersLoseNothing()
    {
        Gen<(int, int)> any = from kind in Gen.Choose(0, 7) from seed in Gen.Choose(1, int.MaxValue - 1) select (kind, seed);
        Prop.ForAll(any.ToArbitrary(), given =>
        {
            (int kind, int seed) = given;
            ulong features = Plain | ((kind & 1) != 0 ? ScriptedDriver.Packed : 0) | ((kind & 2) != 0 ? ScriptedDriver.EventIndex : 0) | ((kind & 4) != 0 ? ScriptedDriver.Indirect : 0);
            Lie(features, new Random(seed));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    private static void Lie(ulong features, Random random)
    {
        using var rig = new SteppedSwitch(3, null, index => new(index == 2 ? features : Plain, size: 32));
        ScriptedDriver liar = rig.Drivers[2];
        ulong[] edges = [0, 1, 31, 32, 0x8000, 0xffff, RingsStart, liar.QueueAt(1).Descriptors, ulong.MaxValue, ulong.MaxValue - 15, 0x8000_0000, 1UL << 40];
        int ringBytes = (int)ScriptedRing.BytesFor(32);
        for (int round = 0; round < 30; round++)
        {
            for (int lies = random.Next(1, 6); lies > 0; lies--)
            {
                ulong at = liar.QueueAt(random.Next(2)).Descriptors + (ulong)random.Next(ringBytes);
                if (random.Next(2) == 0) liar.Memory.Write64(at & ~7UL, edges[random.Next(edges.Length)]);
                else liar.Memory.At(at, 1)[0] = (byte)random.Next(256);
            }
            if (random.Next(3) == 0) _ = liar.QueueAt(1).Post([new(edges[random.Next(edges.Length)], (uint)random.Next()), new(RingsStart, 100)]);
            _ = EventFd.Signal(liar.KickOf(random.Next(2)));
            byte[] frame = SwitchRig.FrameFor(1, 0, round, 60 + random.Next(1400)), all = SwitchRig.FrameFor(MacAddress.Broadcast, SwitchRig.MacOf(0), round);
            rig.Send(0, frame);
            rig.Send(0, all);
            rig.Send(0, SwitchRig.FrameFor(2, 0, round));
            List<byte[]> got = [.. rig.Received(1).Select(received => received.Frame).Where(received => received.AsSpan(6, 6).SequenceEqual(frame.AsSpan(6, 6)))];   // the liar may send, too
            got.ShouldBe([frame, all]);
        }
        (rig.Count(0, PortCounter.FramesFrom), rig.Count(1, PortCounter.ReceiverFull)).ShouldBe((90, 0));
    }

    [Theory, InlineData(Plain), InlineData(Plain | ScriptedDriver.Packed)]
    public async Task Memory_TakenBackWhileInUse_EndsThatSessionAlone(ulong features)
    {
        await using SwitchRig rig = SwitchRig.Start(3);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1), thief = rig.Attach(2, new(features, isSealable: false));
        thief.Memory.TakeBack();
        for (int i = 0; i < 50; i++)
        {
            SwitchRig.Send(a, SwitchRig.FrameFor(2, 0, i));   // its rings are touched
            _ = EventFd.Signal(thief.KickOf(1));
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i));
            SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(i);
        }
        Testing.Watchdog.Until(() => rig.Port(2).Result.LastEnd is not null, "the session ends");
        (await rig.Port(2)).LastEnd.ShouldNotBeNull().ShouldContain("took memory back");
        ((await rig.Port(0)).Lost, (await rig.Port(1)).Lost).ShouldBe((0, 0));
        thief.Detach();
        using var honest = new ScriptedDriver();
        _ = rig.Attach(2, honest);
        SwitchRig.Send(a, SwitchRig.FrameFor(2, 0, 99));
        SwitchRig.NumberOf(SwitchRig.Receive(honest).Frame).ShouldBe(99);
    }

    /// <summary>A bell whose counter is full, and on which a write waits until somebody empties it: the data thread that rings it is not held up.</summary>
    [Theory, InlineData(0), InlineData(1)]
    public async Task Bell_FullAndBlocking_HoldsNobodyUp(int ring)
    {
        await using SwitchRig rig = SwitchRig.Start(3);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1), liar = new();
        Testing.Descriptor.FillCounter(liar.CallOf(ring));
        Testing.Descriptor.MakeBlocking(liar.CallOf(ring));
        try
        {
            _ = rig.Attach(2, liar);
            for (int i = 0; i < 20; i++)
            {
                SwitchRig.Send(liar, SwitchRig.FrameFor(0, 2, i));
                SwitchRig.NumberOf(SwitchRig.Receive(a).Frame).ShouldBe(i);
                SwitchRig.Send(a, SwitchRig.FrameFor(2, 0, i));
                SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i));
                SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(i);
            }
            (await rig.Port(2))[PortCounter.Calls].ShouldBeGreaterThan(0);
        }
        finally { _ = EventFd.TryRead(liar.CallOf(ring), out _); }   // whom it holds up goes on, so that this test can fail
    }

    /// <summary>A driver that has lied is looked at until the control loop comes to stop its port: that costs nothing, however long it takes.</summary>
    [Theory, InlineData(Plain), InlineData(Plain | ScriptedDriver.Packed)]
    public void Lie_WhileTheControlLoopIsBusy_IsToldOnce(ulong features)
    {
        using var rig = new SteppedSwitch(2, null, index => new(index == 1 ? features : Plain));
        rig.Drivers[1].QueueAt(1).Post([new(1UL << 60, 64)]).ShouldBeGreaterThanOrEqualTo(0);
        _ = EventFd.Signal(rig.Drivers[1].KickOf(1));
        for (int i = 0; i < 10; i++) _ = rig.Thread.Turn(mayWait: false);
        Testing.Allocations.Fewest(() => Testing.Allocations.Of(() => { for (int i = 0; i < 1000; i++) _ = rig.Thread.Turn(mayWait: false); })).ShouldBe(0);
        rig.Port(1).Fault.ShouldBeNull();
        rig.Turn();
        rig.Port(1).Fault.ShouldNotBeNull().ShouldContain("OutsideMemory");
    }

    [Fact]
    public void Kicks_WithoutEnd_AreNotListenedTo_AndItsFramesStillCome()
    {
        using var rig = new SteppedSwitch(2);
        for (int i = 0; i < 1000; i++)
        {
            _ = EventFd.Signal(rig.Drivers[0].KickOf(1));
            _ = EventFd.Signal(rig.Drivers[0].KickOf(0));
            rig.Turn();
        }
        rig.Count(0, PortCounter.Kicks).ShouldBeInRange(2 * 64, 2 * 70);
        rig.Drivers[0].TrySend(SwitchRig.FrameFor(1, 0, 7), kick: false).ShouldBeTrue();
        rig.Turn();
        SwitchRig.NumberOf(rig.Received(1).ShouldHaveSingleItem().Frame).ShouldBe(7);
        rig.Send(1, SwitchRig.FrameFor(0, 1, 8));
        rig.Received(0).Count.ShouldBe(1);
    }

    [Fact]
    public void Kicks_OneForEveryFrame_AreAllHeard()
    {
        using var rig = new SteppedSwitch(2);
        for (int i = 0; i < 300; i++)
        {
            rig.Time.Now += 1_000_000;   // it is asleep again
            rig.Turn();
            rig.Send(0, SwitchRig.FrameFor(1, 0, i));
            rig.Received(1).Count.ShouldBe(1);
        }
        rig.Count(0, PortCounter.Kicks).ShouldBeGreaterThan(200);
    }

    [Fact]
    public async Task UnknownAddress_IsSaidOnceForEach_AndNotWithoutEnd()
    {
        var log = new RecordedLog();
        await using SwitchRig rig = SwitchRig.Start(2, log: log);
        ScriptedDriver a = rig.Attach(0);
        for (int i = 0; i < 3 * 400; i++) SwitchRig.Send(a, SwitchRig.FrameFor(new MacAddress(0x0200_0000_9000UL + (uint)(i % 400)), SwitchRig.MacOf(0), i));
        SwitchRig.Settle(a);
        (await rig.Port(0))[PortCounter.UnknownDestination].ShouldBe(1200);
        string[] said = [.. log.Lines.Where(static line => line.Contains("nobody that it reaches", StringComparison.Ordinal))];
        said.Length.ShouldBe(256);
        said.ShouldBeUnique();
        log.Lines.Count(static line => line.Contains("the rest is only counted", StringComparison.Ordinal)).ShouldBe(1);
    }

    /// <summary>UDP segmentation is not offered, and so cannot be agreed on or sent.</summary>
    [Fact]
    public async Task UdpSegmentation_IsNeitherOfferedNorTaken()
    {
        const ulong Ufo = (1UL << 10) | (1UL << 14);
        ((ulong)VhostDeviceOptions.AllFeatures & Ufo).ShouldBe(0UL);
        await using SwitchRig rig = SwitchRig.Start(2);
        using var wants = new ScriptedDriver(Plain | Ufo);
        _ = Should.Throw<Exception>(() => rig.Attach(0, wants));
        Testing.Watchdog.Until(() => rig.Port(0).Result.LastEnd is not null, "its session ends");
        (await rig.Port(0)).LastEnd.ShouldNotBeNull().ShouldContain("not offered");
        using var stepped = new SteppedSwitch(2, null, _ => new(Plain | 1 | 2, size: 64));
        byte[] header = [1, 3, 42, 0, 0xc8, 5, 34, 0, 6, 0, 0, 0];
        stepped.Send(0, SwitchRig.FrameFor(1, 0, 1, 3000), header);
        stepped.Received(1).ShouldBeEmpty();
        stepped.Count(0, PortCounter.BadOffload).ShouldBe(1);
    }
}
