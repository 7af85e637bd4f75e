// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Switching.Tests;

/// <summary>A driver that lies: the ring has a fault, and nothing outside the guest's memory is touched.</summary>
public sealed class RingFaultTests
{
    private const ulong Good = RingRig.BuffersAt;

    [Theory]
    [InlineData(RingFault.OutsideMemory, RingRig.MemoryBytes, 1u)]
    [InlineData(RingFault.OutsideMemory, RingRig.MemoryBytes - 10, 11u)]
    [InlineData(RingFault.OutsideMemory, ulong.MaxValue - 3, 8u)]
    [InlineData(RingFault.OutsideMemory, Good, 0x7fff_fff0u)]
    [InlineData(RingFault.TooManyBytes, Good, 0x8000_0000u)]
    public void TryTake_BadAddressOrLength_IsAFault(RingFault expected, ulong address, uint length)
    {
        foreach (bool isPacked in new[] { false, true })
        {
            using var rig = new RingRig(isPacked);
            _ = rig.Driver.Post([new(Good, 10), new(address, length)]);
            Expect(rig, expected);
        }
    }

    [Fact]
    public void TryTake_ReadableAfterWritable_IsAFault()
    {
        foreach (bool isPacked in new[] { false, true })
        {
            using var rig = new RingRig(isPacked);
            _ = rig.Driver.Post([new(Good, 10, IsWritable: true), new(Good, 10)]);
            Expect(rig, RingFault.ReadAfterWrite);
        }
    }

    [Fact]
    public void TryTake_IndexJumps_IsAFault()
    {
        using var rig = new RingRig(isPacked: false);
        rig.Memory.Write16(rig.Driver.Driver + 2, 17);
        Expect(rig, RingFault.IndexJumped);
    }

    [Fact]
    public void TryTake_HeadBeyondTheTable_IsAFault()
    {
        using var rig = new RingRig(isPacked: false);
        ((ScriptedSplitRing)rig.Driver).PostHead(16);
        Expect(rig, RingFault.NoSuchDescriptor);
    }

    [Fact]
    public void TryTake_NextBeyondTheTable_IsAFault()
    {
        using var rig = new RingRig(isPacked: false);
        var driver = (ScriptedSplitRing)rig.Driver;
        driver.WriteRaw(driver.Descriptors, 3, Good, 1, flags: 1, next: 99);
        driver.PostHead(3);
        Expect(rig, RingFault.NoSuchDescriptor);
    }

    [Fact]
    public void TryTake_Loop_IsAFault()
    {
        using var rig = new RingRig(isPacked: false);
        var driver = (ScriptedSplitRing)rig.Driver;
        driver.WriteRaw(driver.Descriptors, 3, Good, 1, flags: 1, next: 4);
        driver.WriteRaw(driver.Descriptors, 4, Good, 1, flags: 1, next: 3);
        driver.PostHead(3);
        Expect(rig, RingFault.ChainTooLong);
    }

    [Fact]
    public void TryTake_LoopOfEmptyDescriptorsInATable_IsAFault()
    {
        using var rig = new RingRig(isPacked: false);
        var driver = (ScriptedSplitRing)rig.Driver;
        driver.WriteRaw(0x20000, 0, Good, 0, flags: 1, next: 0);
        driver.WriteRaw(driver.Descriptors, 0, 0x20000, 16, flags: 4, next: 0);
        driver.PostHead(0);
        Expect(rig, RingFault.ChainTooLong);
    }

    [Fact]
    public void TryTake_PackedChainWithoutEnd_IsAFault()
    {
        using var rig = new RingRig(isPacked: true);
        var driver = (ScriptedPackedRing)rig.Driver;
        for (int i = 0; i < 16; i++) driver.Put(Good, 1, 0, flags: 1);
        driver.Show();
        Expect(rig, RingFault.ChainTooLong);
    }

    [Theory]
    [InlineData(RingFault.IndirectLength, 0u, 4)]
    [InlineData(RingFault.IndirectLength, 17u, 4)]
    [InlineData(RingFault.IndirectLength, 16u * 1025, 4)]
    [InlineData(RingFault.IndirectNested, 16u, 5)]
    public void TryTake_BadTable_IsAFault(RingFault expected, uint length, int flags)
    {
        using var split = new RingRig(isPacked: false);
        var driver = (ScriptedSplitRing)split.Driver;
        driver.WriteRaw(driver.Descriptors, 0, 0x20000, length, (ushort)flags, 0);
        driver.PostHead(0);
        Expect(split, expected);

        using var packed = new RingRig(isPacked: true);
        var other = (ScriptedPackedRing)packed.Driver;
        other.Put(0x20000, length, 0, (ushort)flags);
        other.Show();
        Expect(packed, expected);
    }

    [Fact]
    public void TryTake_TableInATable_IsAFault()
    {
        using var split = new RingRig(isPacked: false);
        var driver = (ScriptedSplitRing)split.Driver;
        driver.WriteRaw(0x20000, 0, 0x20100, 16, flags: 4, next: 0);
        driver.WriteRaw(driver.Descriptors, 0, 0x20000, 16, flags: 4, next: 0);
        driver.PostHead(0);
        Expect(split, RingFault.IndirectNested);

        using var packed = new RingRig(isPacked: true);
        var other = (ScriptedPackedRing)packed.Driver;
        other.WriteRaw(0x20000, 0x20100, 16, 0, flags: 4);
        other.Put(0x20000, 16, 0, 4);
        other.Show();
        Expect(packed, RingFault.IndirectNested);
    }

    [Fact]
    public void TryTake_TableNotAgreedOn_IsAFault()
    {
        foreach (bool isPacked in new[] { false, true })
        {
            using var rig = new RingRig(isPacked, features: VirtioFeatures.None);
            _ = rig.Driver.Post([new(Good, 1)], table: 0x20000);
            Expect(rig, RingFault.IndirectNotAgreed);
        }
    }

    [Fact]
    public void TryTake_TableOutsideMemory_IsAFault()
    {
        using var rig = new RingRig(isPacked: false);
        var driver = (ScriptedSplitRing)rig.Driver;
        driver.WriteRaw(driver.Descriptors, 0, RingRig.MemoryBytes - 16, 32, flags: 4, next: 0);
        driver.PostHead(0);
        Expect(rig, RingFault.OutsideMemory);
    }

    [Fact]
    public void TryTake_BufferOverTwoRegions_ComesInPieces()
    {
        using var rig = new RingRig(false, 16, VirtioFeatures.None, false, (0, 0x40000), (0x40000, 0x10000), (0x80000, 0x1000));
        _ = rig.Driver.Post([new(0x3fff0, 0x20)]);
        rig.Device.TryTake(rig.Buffers, out Chain chain).ShouldBeTrue();
        (rig.Buffers.Readable.Length, chain.ReadableBytes).ShouldBe((2, 0x20));
        _ = rig.Driver.Post([new(0x4fff0, 0x20)]);   // after it lies a hole
        Expect(rig, RingFault.OutsideMemory);
    }

    [Theory]
    [InlineData(0, "1 to 32768")]
    [InlineData(65536, "1 to 32768")]
    [InlineData(24, "power of two")]
    public void TryCreate_BadSize_SaysSo(int size, string part)
    {
        using var rig = new RingRig(isPacked: false);
        Virtqueue.TryCreate(rig.Guest, rig.Setup with { Size = size }, out _, out string? problem).ShouldBeFalse();
        problem.ShouldContain(part);
    }

    [Fact]
    public void TryCreate_MisalignedOrOutside_SaysSo()
    {
        using var rig = new RingRig(isPacked: false);
        RingSetup good = rig.Setup;
        foreach (RingSetup bad in new[]
        {
            good with { Descriptors = new(good.Descriptors.Value + 8) }, good with { Driver = new(good.Driver.Value + 1) }, good with { Device = new(good.Device.Value + 2) },
            good with { Descriptors = new(0) }, good with { Driver = new(ScriptedMemory.UserOffset + RingRig.MemoryBytes - 2) }, good with { Device = new(ulong.MaxValue - 3) }, good with { Base = 0x10000 },
        })
            Virtqueue.TryCreate(rig.Guest, bad, out _, out _).ShouldBeFalse(bad.ToString());
    }

    /// <summary>Random words over every structure of a ring that works: whatever is taken lies in the guest's memory, and nothing throws or hangs.</summary>
    [Fact]
    public void Ring_AnyMemory_TouchesOnlyTheGuestsMemory()
    {
        Gen<(bool, int)> any = from isPacked in Gen.Elements(false, true) from seed in Gen.Choose(1, int.MaxValue - 1) select (isPacked, seed);
        Prop.ForAll(any.ToArbitrary(), given => Scribble(given.Item1, new Random(given.Item2))).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    private static void Scribble(bool isPacked, Random random)
    {
        using var rig = new RingRig(isPacked, 16, VirtioFeatures.IndirectDescriptors | VirtioFeatures.EventIndex, true, (0, 0x20000), (0x20000, 0x1000), (0x40000, 0x10000));
        ulong[] edges = [0, 1, 0xffff, 0x10000, 0x1fff0, 0x20ff8, 0x21000, 0x40000, 0x4ffff, 0x50000, ulong.MaxValue, ulong.MaxValue - 15, 0x8000_0000, 0x1000_0000_0000];
        int ringBytes = (int)ScriptedRing.BytesFor(16);
        for (int step = 0; step < 200 && rig.Device.Fault == RingFault.None; step++)
        {
            _ = rig.Driver.Post([new(0x40000, (uint)random.Next(1, 100)), new(0x41000, 100, random.Next(2) == 0)], random.Next(3) == 0 ? 0x11000u : 0);
            for (int lies = random.Next(3); lies > 0; lies--)
            {
                ulong at = random.Next(4) == 0 ? 0x11000 + (ulong)random.Next(32) : 0x1000 + (ulong)random.Next(ringBytes);
                if (random.Next(2) == 0) rig.Memory.Write64(at & ~7UL, edges[random.Next(edges.Length)]);
                else rig.Memory.At(at, 1)[0] = (byte)random.Next(256);
            }
            rig.Buffers.Clear();
            for (int takes = 0; takes < 20 && rig.Device.TryTake(rig.Buffers, out Chain chain); takes++)
            {
                foreach (GuestBuffer buffer in rig.Buffers.Writable) buffer.Bytes.Fill(0xEE);
                if (random.Next(5) == 0) rig.Device.PutBack(chain);
                else rig.Device.Complete(chain, 1);
            }
            rig.Device.Publish();
            _ = rig.Device.TakeNotice();
            _ = rig.Device.EnableKicks();
            _ = rig.Device.Position;
        }
        if (rig.Device.Fault != RingFault.None) rig.Device.TryTake(rig.Buffers, out _).ShouldBeFalse();
    }

    private static void Expect(RingRig rig, RingFault fault)
    {
        rig.Buffers.Clear();
        rig.Device.TryTake(rig.Buffers, out _).ShouldBeFalse();
        rig.Device.Fault.ShouldBe(fault);
        (rig.Buffers.Readable.Length + rig.Buffers.Writable.Length).ShouldBe(0);
        _ = rig.PostNumber(1);
        rig.Device.TryTake(rig.Buffers, out _).ShouldBeFalse("a ring with a fault gives nothing any more");
    }
}
