// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Switching.Tests;

/// <summary>Nobody is woken who did not ask for it, driver or data thread, and who has nothing to do sleeps. The switch is turned by hand, its clock counts microseconds and stands still: what is asserted follows from the script.</summary>
public sealed class WakeUpTests
{
    private const int Spin = 50;   // microseconds, the default

    public static TheoryData<ulong> Kinds => new(0, ScriptedDriver.EventIndex, ScriptedDriver.Packed, ScriptedDriver.Packed | ScriptedDriver.EventIndex);

    private static SteppedSwitch Start(ulong kind) => new(2, driver: _ => new(ScriptedDriver.Version1 | ScriptedDriver.Mergeable | kind));

    [Theory, MemberData(nameof(Kinds))]
    public void Calls_ToAReceiverThatWantsNone_AreNotMade(ulong kind)
    {
        using SteppedSwitch rig = Start(kind);
        ScriptedDriver b = rig.Drivers[1];
        rig.Send(0, SwitchRig.FrameFor(1, 0, 0));   // the first is told always: nobody knows what the driver has heard
        rig.Received(1).Count.ShouldBe(1);
        b.QueueAt(0).WantNotice(false);
        (long calls, _) = (rig.Count(1, PortCounter.Calls), EventFd.TryRead(b.CallOf(0), out _));
        for (int i = 0; i < 200; i++)
        {
            rig.Send(0, SwitchRig.FrameFor(1, 0, i));
            rig.Received(1).Select(static one => SwitchRig.NumberOf(one.Frame)).ShouldBe([i]);
            b.QueueAt(0).WantNotice(false);
        }
        rig.Count(1, PortCounter.Calls).ShouldBe(calls);
        EventFd.TryRead(b.CallOf(0), out _).ShouldBeFalse("its eventfd was left alone");
        // It asks again, and is woken for the very next frame.
        b.QueueAt(0).WantNotice(true);
        rig.Send(0, SwitchRig.FrameFor(1, 0, 200));
        (rig.Count(1, PortCounter.Calls), EventFd.TryRead(b.CallOf(0), out ulong count), count).ShouldBe((calls + 1, true, 1UL));
    }

    /// <summary>With event indices a driver that is about to look is woken once, however many frames come before it looks.</summary>
    [Theory, InlineData(ScriptedDriver.EventIndex), InlineData(ScriptedDriver.Packed | ScriptedDriver.EventIndex)]
    public void Calls_WithEventIndex_AreOneForAllFramesUntilTheDriverLooks(ulong kind)
    {
        using SteppedSwitch rig = Start(kind);
        ScriptedDriver b = rig.Drivers[1];
        for (int round = 0; round < 5; round++)
        {
            b.QueueAt(0).WantNotice(true);
            long calls = rig.Count(1, PortCounter.Calls);
            for (int i = 0; i < 20; i++) rig.Send(0, SwitchRig.FrameFor(1, 0, i));
            rig.Count(1, PortCounter.Calls).ShouldBe(calls + 1);
            rig.Received(1).Count.ShouldBe(20);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Calls_ToASenderThatWantsNone_AreNotMade(ulong kind)
    {
        using SteppedSwitch rig = Start(kind);
        ScriptedDriver a = rig.Drivers[0];
        rig.Send(0, SwitchRig.FrameFor(1, 0, 0));   // the first is told always: nobody knows what the driver has heard
        long calls = rig.Count(0, PortCounter.Calls);
        for (int i = 0; i < 100; i++)
        {
            a.QueueAt(1).WantNotice(false);
            rig.Send(0, SwitchRig.FrameFor(1, 0, i));
            a.Unsent().ShouldBe(0, "it is given back all the same");
            _ = rig.Received(1);
        }
        rig.Count(0, PortCounter.Calls).ShouldBe(calls);
        a.QueueAt(1).WantNotice(true);
        rig.Send(0, SwitchRig.FrameFor(1, 0, 100));
        rig.Count(0, PortCounter.Calls).ShouldBe(calls + 1);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Kicks_WhileTheRingIsAwake_AreNotAskedFor_OnceAsleepEachIs(ulong kind)
    {
        using SteppedSwitch rig = Start(kind);
        ScriptedDriver a = rig.Drivers[0];
        rig.Send(0, SwitchRig.FrameFor(1, 0, 0));   // awake from now on: the clock stands still
        _ = rig.Received(1);
        (int sent, int spared, long kicks) = (a.KicksSent, a.KicksSpared, rig.Count(0, PortCounter.Kicks));
        for (int i = 0; i < 200; i++)
        {
            rig.Send(0, SwitchRig.FrameFor(1, 0, i));
            rig.Received(1).Count.ShouldBe(1);
        }
        (a.KicksSent, a.KicksSpared, rig.Count(0, PortCounter.Kicks)).ShouldBe((sent, spared + 200, kicks));
        for (int i = 0; i < 20; i++)
        {
            rig.Time.Now += Spin + 1;
            rig.Turn();   // asleep
            a.TrySend(SwitchRig.FrameFor(1, 0, i), kick: false).ShouldBeTrue();
            rig.Turn();
            rig.Received(1).ShouldBeEmpty("nobody looks at a ring that sleeps");
            a.Kick(1);
            rig.Turn();
            rig.Received(1).Count.ShouldBe(1);
            for (int more = 0; more < 3; more++) rig.Send(0, SwitchRig.FrameFor(1, 0, more));
            rig.Received(1).Count.ShouldBe(3, "it is awake again");
        }
        (a.KicksSent, a.KicksSpared, rig.Count(0, PortCounter.Kicks)).ShouldBe((sent + 20, spared + 260, kicks + 20));
    }

    /// <summary>A receiver with room is not asked for kicks; one without is asked for one, and gets what waits.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public void Kicks_OfAReceiver_AreAskedForOnlyWhereFramesWait(ulong kind)
    {
        using SteppedSwitch rig = Start(kind);
        ScriptedDriver b = rig.Drivers[1];
        int size = b.QueueAt(0).Size;
        for (int i = 0; i < size + 10; i++) rig.Send(0, SwitchRig.FrameFor(1, 0, i));
        rig.Count(1, PortCounter.Waited).ShouldBe(10);
        for (int i = 0; i < size; i++) SwitchRig.NumberOf(b.TryReceive()!.Value.Frame).ShouldBe(i);
        int sent = b.KicksSent;
        b.Refill().ShouldBe(size);
        b.KicksSent.ShouldBe(sent + 1);
        rig.Turn();
        for (int i = size; i < size + 10; i++) SwitchRig.NumberOf(b.TryReceive()!.Value.Frame).ShouldBe(i);
        (sent, int spared) = (b.KicksSent, b.KicksSpared);
        b.Refill().ShouldBe(10);
        (b.KicksSent, b.KicksSpared).ShouldBe((sent, spared + 1));
    }

    [Fact]
    public async Task DataThread_WithNothingToDo_SleepsAfterItsSpin_UntilItIsKicked()
    {
        using SteppedSwitch rig = Start(0);
        rig.Send(0, SwitchRig.FrameFor(1, 0, 0));
        _ = rig.Received(1);
        long sleeps = rig.Thread.Sleeps;
        for (int i = 0; i < 1000; i++) _ = rig.Thread.Turn(mayWait: true);
        rig.Thread.Sleeps.ShouldBe(sleeps, "it spins while its spin lasts: the clock stands still");
        rig.Time.Now += Spin + 1;
        Task asleep = rig.Sleep();
        rig.Thread.Sleeps.ShouldBe(sleeps + 1);
        rig.Drivers[0].TrySend(SwitchRig.FrameFor(1, 0, 1), kick: false).ShouldBeTrue();
        rig.Received(1).ShouldBeEmpty();
        asleep.IsCompleted.ShouldBeFalse("nobody has kicked");
        rig.Drivers[0].Kick(1);
        await asleep.WaitAsync(Testing.Watchdog.Limit);
        rig.Turn();
        rig.Received(1).Select(static one => SwitchRig.NumberOf(one.Frame)).ShouldBe([1]);
        rig.Thread.Sleeps.ShouldBe(sleeps + 1, "one sleep, and no other until it was kicked");
    }

    /// <summary>Long sleeps halve the spin, short ones double it, up to what was asked for.</summary>
    [Fact]
    public async Task Spin_AdaptsToHowSoonWorkComes()
    {
        using SteppedSwitch rig = Start(0);
        LastsTo(rig, Spin);
        for (int half = Spin / 2; half > 3; half /= 2)
        {
            await SleepAsync(rig, microseconds: 1_000_000);
            LastsTo(rig, half);
        }
        for (int i = 0; i < 7; i++) await SleepAsync(rig, microseconds: 1);
        LastsTo(rig, Spin);
    }

    // The thread sleeps so long by its clock, and is kicked.
    private static async Task SleepAsync(SteppedSwitch rig, int microseconds)
    {
        rig.Time.Now += Spin + 1;
        Task asleep = rig.Sleep();
        rig.Time.Now += microseconds;
        rig.Drivers[0].TrySend(SwitchRig.FrameFor(1, 0, 1)).ShouldBeTrue();
        await asleep.WaitAsync(Testing.Watchdog.Limit);
        rig.Turn();
        rig.Received(1).Count.ShouldBe(1);
    }

    // The ring is awake for so long after its last frame, and no longer.
    private static void LastsTo(SteppedSwitch rig, int microseconds)
    {
        ScriptedDriver a = rig.Drivers[0];
        rig.Send(0, SwitchRig.FrameFor(1, 0, 1));
        rig.Time.Now += microseconds - 1;
        rig.Turn();
        int sent = a.KicksSent;
        rig.Send(0, SwitchRig.FrameFor(1, 0, 2));
        a.KicksSent.ShouldBe(sent, $"it is awake for {microseconds} µs");
        rig.Time.Now += microseconds + 1;
        rig.Turn();
        rig.Send(0, SwitchRig.FrameFor(1, 0, 3));
        a.KicksSent.ShouldBe(sent + 1, $"and sleeps after {microseconds} µs");
        rig.Received(1).Count.ShouldBe(3);
    }
}
