// SPDX-License-Identifier: MIT
namespace Tombolo.Switching.Tests;

/// <summary>Links that are slow, lossy and out of order: what a frame meets follows from the seed and the clock alone.</summary>
public sealed class LinkTests
{
    private static readonly LinkConditions _good = new();

    [Fact]
    public void Delay_FrameArrivesWhenItsTimeHasCome()
    {
        using SteppedSwitch rig = To(new() { Delay = TimeSpan.FromMilliseconds(10) });
        rig.Send(0, SwitchRig.FrameFor(1, 0, 1));
        rig.Time.Now += 9_999;
        rig.Turn();
        rig.Received(1).ShouldBeEmpty();
        rig.Time.Now += 1;
        rig.Turn();
        SwitchRig.NumberOf(rig.Received(1).ShouldHaveSingleItem().Frame).ShouldBe(1);
    }

    [Fact]
    public void Rate_FramesAreSpaced()
    {
        using SteppedSwitch rig = To(new() { BitsPerSecond = 8_000_000 });   // a byte each microsecond
        for (int i = 0; i < 5; i++) rig.Send(0, SwitchRig.FrameFor(1, 0, i, 1000));
        for (int i = 0; i < 5; i++)
        {
            rig.Time.Now += 999;
            rig.Turn();
            rig.Received(1).ShouldBeEmpty();
            rig.Time.Now += 1;
            rig.Turn();
            SwitchRig.NumberOf(rig.Received(1).ShouldHaveSingleItem().Frame).ShouldBe(i);
        }
    }

    [Fact]
    public void Loss_SameSeed_LosesTheSameFrames()
    {
        int[] first = Survivors(seed: 7), again = Survivors(seed: 7), other = Survivors(seed: 8);
        first.ShouldBe(again);
        first.ShouldNotBe(other);
        first.Length.ShouldBeInRange(100, 200);

        static int[] Survivors(int seed)
        {
            using SteppedSwitch rig = To(new() { Loss = 0.5, Seed = seed });
            var all = new List<int>();
            for (int i = 0; i < 300; i++)
            {
                rig.Send(0, SwitchRig.FrameFor(1, 0, i));
                all.AddRange(rig.Received(1).Select(got => SwitchRig.NumberOf(got.Frame)));
            }
            rig.Count(1, PortCounter.LinkLoss).ShouldBe(300 - all.Count);
            return [.. all];
        }
    }

    /// <summary>Everything at once, on a clock that goes on by itself: the same seed gives the same frames, in the same order, at the same times.</summary>
    [Fact]
    public void Everything_SameSeed_HappensAgain()
    {
        (int, long)[] first = Arrivals(seed: 7), other = Arrivals(seed: 8);
        Arrivals(seed: 7).ShouldBe(first);
        first.ShouldNotBe(other);
        int[] numbers = [.. first.Select(static one => one.Item1)];
        numbers.ShouldNotBe([.. numbers.Order()], "some overtook others");
        numbers.Length.ShouldNotBe(numbers.Distinct().Count(), "some came twice");
        numbers.Distinct().Count().ShouldBeLessThan(300, "some were lost");

        static (int, long)[] Arrivals(int seed)
        {
            using SteppedSwitch rig = To(new() { Delay = TimeSpan.FromMilliseconds(1), Jitter = TimeSpan.FromMilliseconds(2), Loss = 0.1, Duplicate = 0.1, Reorder = 0.2, BitsPerSecond = 50_000_000, Seed = seed });
            var all = new List<(int, long)>();
            for (int i = 0; i < 400; i++)
            {
                if (i < 300) rig.Send(0, SwitchRig.FrameFor(1, 0, i));
                rig.Time.Now += 100;
                rig.Turn();
                all.AddRange(rig.Received(1).Select(got => (SwitchRig.NumberOf(got.Frame), rig.Time.Now)));
            }
            return [.. all];
        }
    }

    [Fact]
    public void Duplicate_Always_ComesTwice()
    {
        using SteppedSwitch rig = To(new() { Duplicate = 1 });
        rig.Send(0, SwitchRig.FrameFor(1, 0, 1));
        rig.Received(1).Count.ShouldBe(2);
    }

    [Fact]
    public void Reorder_SomeOvertakeOthers_NoneIsLost()
    {
        using SteppedSwitch rig = To(new() { Delay = TimeSpan.FromMilliseconds(1), Reorder = 0.3 });
        var all = new List<int>();
        for (int i = 0; i < 50; i++)
        {
            rig.Send(0, SwitchRig.FrameFor(1, 0, i));
            rig.Time.Now += 100;
            rig.Turn();
            all.AddRange(rig.Received(1).Select(got => SwitchRig.NumberOf(got.Frame)));
        }
        rig.Time.Now += 2000;
        rig.Turn();
        all.AddRange(rig.Received(1).Select(got => SwitchRig.NumberOf(got.Frame)));
        all.Order().ShouldBe(Enumerable.Range(0, 50));
        all.ShouldNotBe(Enumerable.Range(0, 50));
    }

    [Fact]
    public void Queue_Full_LosesAndCounts()
    {
        using SteppedSwitch rig = To(new() { Delay = TimeSpan.FromSeconds(1), QueueFrames = 3 });
        for (int i = 0; i < 5; i++) rig.Send(0, SwitchRig.FrameFor(1, 0, i));
        rig.Count(1, PortCounter.LinkFull).ShouldBe(2);
        rig.Time.Now += 1_000_000;
        rig.Turn();
        rig.Received(1).Count.ShouldBe(3);
        rig.Send(0, SwitchRig.FrameFor(1, 0, 9));
        rig.Count(1, PortCounter.LinkFull).ShouldBe(2, "those that arrived made room");
    }

    [Fact]
    public void FromGuest_Delayed_IsSwitchedWhenItArrives()
    {
        using var rig = new SteppedSwitch(3, port => port.Name == "a" ? port with { FromGuest = _good with { Delay = TimeSpan.FromMilliseconds(5) } } : port);
        rig.Send(0, SwitchRig.FrameFor(MacAddress.Broadcast, SwitchRig.MacOf(0), 1));
        rig.Received(1).ShouldBeEmpty();
        rig.Time.Now += 5000;
        rig.Turn();
        rig.Received(1).ShouldHaveSingleItem();
        rig.Received(2).ShouldHaveSingleItem();
    }

    private static SteppedSwitch To(LinkConditions conditions) => new(2, port => port.Name == "b" ? port with { ToGuest = conditions } : port);
}
