// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Switching.Tests;

/// <summary>Plain frames in one piece go a way of their own: nobody but the clock may notice. Frames in two pieces go the long one, and say what must be.</summary>
public sealed class ShortWayTests
{
    private const ulong Plain = ScriptedDriver.Version1 | ScriptedDriver.Mergeable;
    private static readonly int[] _lengths = [13, 14, 15, 38, 60, 64, 65, 127, 512, 1513, 1514, 1522, 1523, 2000, 2036, 2037, 4000];

    [Theory]
    [InlineData(Plain)]
    [InlineData(Plain | ScriptedDriver.Packed)]
    [InlineData(Plain | ScriptedDriver.EventIndex)]
    [InlineData(0UL)]
    public void AnyFrames_InOnePieceOrTwo_HaveTheSameFate(ulong features) =>
        Prop.ForAll(Gen.ArrayOf(Gen.Choose(0, int.MaxValue - 1)).ToArbitrary(), seeds =>
        {
            using SteppedSwitch one = Rig(features), two = Rig(features);
            foreach (int[] burst in seeds.Chunk(12))
            {
                foreach (int seed in burst)
                {
                    (byte[] frame, byte[] header) = FrameOf(seed);
                    one.Drivers[0].TrySend(frame, header, pieces: 1).ShouldBeTrue();
                    two.Drivers[0].TrySend(frame, header, pieces: 2).ShouldBeTrue();
                }
                one.Turn();
                two.Turn();
                for (int port = 1; port < 3; port++)
                {
                    (byte[] Header, byte[] Frame)[] got = [.. one.Received(port)], wanted = [.. two.Received(port)];
                    got.Select(static item => Convert.ToHexString([.. item.Header, .. item.Frame])).ShouldBe(wanted.Select(static item => Convert.ToHexString([.. item.Header, .. item.Frame])));
                }
            }
            for (int port = 0; port < 3; port++)
                foreach (PortCounter counter in Enum.GetValues<PortCounter>())
                    if (counter is not (PortCounter.Kicks or PortCounter.Calls)) one.Count(port, counter).ShouldBe(two.Count(port, counter), $"{counter} of port {port}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    [Fact]
    public void TableChanges_NextFramesGoTheNewWay()
    {
        using SteppedSwitch rig = Rig(Plain);
        Burst(rig, 5);
        rig.Received(1).Count.ShouldBe(5);
        rig.Change(1, static port => port with { Macs = [new(0x0200_0000_0099)] });
        rig.Change(2, static port => port with { Macs = [SwitchRig.MacOf(1)] });
        Burst(rig, 5);
        (rig.Received(1).Count, rig.Received(2).Count).ShouldBe((0, 5));
        rig.Change(0, static port => port with { Macs = [new(0x0200_0000_0098)] });
        Burst(rig, 5);
        rig.Received(2).ShouldBeEmpty();
        rig.Count(0, PortCounter.WrongSource).ShouldBe(5);
    }

    [Fact]
    public void LinkAppears_NextFramesGoOverIt()
    {
        using SteppedSwitch rig = Rig(Plain);
        Burst(rig, 5);
        rig.Received(1).Count.ShouldBe(5);
        rig.Change(1, static port => port with { ToGuest = new() { Loss = 1 } });
        Burst(rig, 5);
        rig.Change(1, static port => port with { ToGuest = null });
        rig.Change(0, static port => port with { FromGuest = new() { Loss = 1 } });
        Burst(rig, 5);
        rig.Received(1).ShouldBeEmpty();
        (rig.Count(1, PortCounter.LinkLoss), rig.Count(0, PortCounter.LinkLoss)).ShouldBe((5, 5));
    }

    [Fact]
    public void ReceiverIsFull_FramesWaitInOrder()
    {
        using SteppedSwitch rig = Rig(Plain);
        const int Sent = 240;
        for (int i = 0; i < Sent; i++) Burst(rig, 1, i);
        var all = new List<int>();
        while (rig.Received(1) is { Count: > 0 } got)
        {
            all.AddRange(got.Select(static item => SwitchRig.NumberOf(item.Frame)));
            rig.Turn();
        }
        all.ShouldBe(Enumerable.Range(0, Sent));
        rig.Count(1, PortCounter.Waited).ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(Plain)]
    [InlineData(Plain | ScriptedDriver.Packed)]
    public void Turn_ManyFrames_AllocatesNothing(ulong features)
    {
        using SteppedSwitch rig = Rig(features);
        _ = Pass(1);
        Testing.Allocations.Fewest(() => Pass(50)).ShouldBe(0);

        long Pass(int rounds)
        {
            long allocated = 0;
            for (int round = 0; round < rounds; round++)
            {
                for (int i = 0; i < 20; i++) rig.Drivers[0].TrySend(SwitchRig.FrameFor(1, 0, i)).ShouldBeTrue();
                allocated += Testing.Allocations.Of(() => { for (int i = 0; i < 40; i++) _ = rig.Thread.Turn(mayWait: false); });
                rig.Received(1).Count.ShouldBe(20);
            }
            return allocated;
        }
    }

    private static SteppedSwitch Rig(ulong features) => new(3, static port => port with { Mtu = 1500 }, _ => new ScriptedDriver(features, bufferBytes: 2048));

    private static void Burst(SteppedSwitch rig, int count, int first = 0)
    {
        for (int i = 0; i < count; i++) rig.Drivers[0].TrySend(SwitchRig.FrameFor(1, 0, first + i)).ShouldBeTrue();
        rig.Turn();
    }

    // Mostly plain frames from port 0 to port 1; some for port 2, for nobody, for all, from another, with offloads that may be or may not.
    private static (byte[] Frame, byte[] Header) FrameOf(int seed)
    {
        var random = new Random(seed);
        int length = _lengths[random.Next(_lengths.Length)];
        byte[] frame = SwitchRig.FrameFor(
            random.Next(12) switch { 0 or 1 => SwitchRig.MacOf(2), 2 => MacAddress.Broadcast, 3 => SwitchRig.MacOf(7), 4 => SwitchRig.MacOf(0), _ => SwitchRig.MacOf(1) },
            random.Next(10) == 0 ? SwitchRig.MacOf(2) : SwitchRig.MacOf(0), seed, Math.Max(length, 18))[..length];
        byte[] header = new byte[12];
        random.NextBytes(header.AsSpan(2));
        if (random.Next(6) == 0) random.NextBytes(header.AsSpan(0, 2));
        return (frame, header);
    }
}
