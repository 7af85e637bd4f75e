// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Switching.Tests;

public sealed class VirtqueueTests
{
    public static TheoryData<bool, bool> Kinds => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    private static VirtioFeatures Features(bool hasEvents) => VirtioFeatures.IndirectDescriptors | (hasEvents ? VirtioFeatures.EventIndex : 0);

    [Theory, MemberData(nameof(Kinds))]
    public void TryTake_ChainOfThree_GivesItsBytesInOrder(bool isPacked, bool hasEvents)
    {
        using var rig = new RingRig(isPacked, features: Features(hasEvents));
        "abcdefgh"u8.CopyTo(rig.Memory.At(RingRig.BuffersAt, 8));
        int id = rig.Driver.Post([new(RingRig.BuffersAt + 4, 4), new(RingRig.BuffersAt, 2), new(RingRig.BuffersAt + 100, 50, IsWritable: true)]);
        rig.Device.TryTake(rig.Buffers, out Chain chain).ShouldBeTrue();
        rig.Read().ShouldBe("efghab"u8.ToArray());
        chain.ShouldBe(new Chain((ushort)id, isPacked ? (ushort)3 : (ushort)1, 6, 50));
        rig.Buffers.Writable[0].Bytes[0] = 42;
        rig.Memory.At(RingRig.BuffersAt + 100, 1)[0].ShouldBe((byte)42);
        rig.Device.TryTake(rig.Buffers, out _).ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Kinds))]
    public void TryTake_Table_GivesItsBytesInOrder(bool isPacked, bool hasEvents)
    {
        using var rig = new RingRig(isPacked, features: Features(hasEvents));
        "abcdefgh"u8.CopyTo(rig.Memory.At(RingRig.BuffersAt, 8));
        _ = rig.Driver.Post([new(RingRig.BuffersAt, 1), new(RingRig.BuffersAt + 7, 1), new(RingRig.BuffersAt + 3, 2), new(RingRig.BuffersAt + 64, 10, true)], table: 0x20000);
        rig.Device.TryTake(rig.Buffers, out Chain chain).ShouldBeTrue();
        rig.Read().ShouldBe("ahde"u8.ToArray());
        (chain.Descriptors, chain.ReadableBytes, chain.WritableBytes).ShouldBe(((ushort)1, 4, 10));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Publish_Batch_IsSeenWholeAndInOrder(bool isPacked, bool hasEvents)
    {
        using var rig = new RingRig(isPacked, features: Features(hasEvents));
        int[] ids = [.. Enumerable.Range(0, 5).Select(rig.PostNumber)];
        for (uint i = 0; i < 5; i++)
        {
            rig.Device.TryTake(rig.Buffers, out Chain chain).ShouldBeTrue();
            rig.Device.Complete(chain, i);
            rig.Driver.TryGetUsed(out _, out _).ShouldBeFalse();
        }
        rig.Device.Publish();
        for (uint i = 0; i < 5; i++)
        {
            rig.Driver.TryGetUsed(out ushort id, out uint length).ShouldBeTrue();
            (id, length).ShouldBe(((ushort)ids[i], i));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void PutBack_AcrossTheWrap_GivesTheSameAgain(bool isPacked, bool hasEvents)
    {
        using var rig = new RingRig(isPacked, size: 8, Features(hasEvents));
        for (int round = 0; round < 50; round++)
        {
            for (int i = 0; i < 3; i++) rig.PostNumber((round * 3) + i).ShouldNotBe(-1);
            var chains = new Chain[3];
            for (int i = 0; i < 3; i++) rig.Device.TryTake(rig.Buffers, out chains[i]).ShouldBeTrue();
            for (int i = 2; i >= 0; i--) rig.Device.PutBack(chains[i]);
            for (int i = 0; i < 3; i++)
            {
                rig.Buffers.Clear();
                rig.Device.TryTake(rig.Buffers, out Chain again).ShouldBeTrue();
                again.ShouldBe(chains[i]);
                RingRig.NumberIn(rig.Buffers).ShouldBe((round * 3) + i);
                rig.Device.Complete(again, 0);
            }
            rig.Device.Publish();
            while (rig.Driver.TryGetUsed(out _, out _)) { }
        }
        rig.Driver.Outstanding.ShouldBe(0);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Kicks_DisabledAndEnabled_AreAskedForOnlyThen(bool isPacked, bool hasEvents)
    {
        using var rig = new RingRig(isPacked, features: Features(hasEvents));
        rig.Device.EnableKicks().ShouldBeFalse();
        _ = rig.PostNumber(1);
        rig.Driver.NeedsKick().ShouldBeTrue();
        rig.Device.DisableKicks();
        _ = rig.PostNumber(2);
        rig.Driver.NeedsKick().ShouldBeFalse();
        rig.Device.EnableKicks().ShouldBeTrue("a buffer came before");
        while (rig.Device.TryTake(rig.Buffers, out _)) { }
        rig.Device.EnableKicks().ShouldBeFalse();
        _ = rig.PostNumber(3);
        rig.Driver.NeedsKick().ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Kinds))]
    public void TakeNotice_DriverSaysWhether_IsWokenOnlyThen(bool isPacked, bool hasEvents)
    {
        using var rig = new RingRig(isPacked, features: Features(hasEvents));
        Return(rig, 1);
        rig.Device.TakeNotice().ShouldBeTrue("a new device does not know what its driver has heard");
        rig.Device.TakeNotice().ShouldBeFalse("nothing was given back since");
        for (int i = 0; i < 40; i++)
        {
            bool wanted = i % 3 == 0;
            rig.Driver.WantNotice(wanted);
            Return(rig, i);
            rig.Device.TakeNotice().ShouldBe(wanted, $"round {i}");
        }
    }

    private static void Return(RingRig rig, int number)
    {
        _ = rig.PostNumber(number);
        rig.Buffers.Clear();
        rig.Device.TryTake(rig.Buffers, out Chain chain).ShouldBeTrue();
        rig.Device.Complete(chain, 0);
        rig.Device.Publish();
        rig.Driver.TryGetUsed(out _, out _).ShouldBeTrue();
    }

    /// <summary>Any order of posting chains of any shape, taking, putting back, completing and publishing: each comes once, whole, in order.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public void Ring_AnyTraffic_LosesDoublesAndMixesNothing(bool isPacked, bool hasEvents)
    {
        Gen<(int Size, int Seed)> any = from size in Gen.Elements(1, 2, 4, 16, 64) from seed in Gen.Choose(1, int.MaxValue - 1) select (size, seed);
        Prop.ForAll(any.ToArbitrary(), given => Exchange(isPacked, hasEvents, given.Size, new Random(given.Seed))).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    private static void Exchange(bool isPacked, bool hasEvents, int size, Random random)
    {
        using var rig = new RingRig(isPacked, size, Features(hasEvents));
        var posted = new Queue<(int Id, byte[] Bytes)>();
        var taken = new Queue<(Chain Chain, byte[] Bytes)>();
        var complete = new Queue<(int Id, uint Length)>();
        ulong at = RingRig.BuffersAt;
        for (int step = 0; step < 400; step++)
        {
            switch (random.Next(4))
            {
                case 0:
                    var parts = new ScriptedBuffer[random.Next(1, Math.Min(size, 5) + 1)];
                    for (int i = 0; i < parts.Length; i++, at += 32) parts[i] = new(at = at > RingRig.MemoryBytes - 8192 ? RingRig.BuffersAt : at, (uint)random.Next(1, 32));
                    byte[] bytes = [.. parts.SelectMany(part => Fill(rig.Memory.At(part.Address, (int)part.Length), random))];
                    int id = rig.Driver.Post(parts, table: random.Next(3) == 0 ? 0x20000 + ((ulong)step * 128) : 0);
                    if (id >= 0) posted.Enqueue((id, bytes));
                    break;
                case 1:
                    rig.Buffers.Clear();
                    if (!rig.Device.TryTake(rig.Buffers, out Chain chain)) break;
                    if (random.Next(4) == 0) rig.Device.PutBack(chain);
                    else taken.Enqueue((chain, rig.Read()));
                    break;
                case 2:
                    if (!taken.TryDequeue(out (Chain Chain, byte[] Bytes) done)) break;
                    (int wantedId, byte[] wantedBytes) = posted.Dequeue();
                    ((int)done.Chain.Id).ShouldBe(wantedId);
                    done.Bytes.ShouldBe(wantedBytes);
                    uint length = (uint)random.Next();
                    rig.Device.Complete(done.Chain, length);
                    complete.Enqueue((wantedId, length));
                    break;
                default:
                    rig.Device.Publish();
                    while (complete.TryDequeue(out (int Id, uint Length) next))
                    {
                        rig.Driver.TryGetUsed(out ushort used, out uint got).ShouldBeTrue();
                        ((int)used, got).ShouldBe(next);
                    }
                    rig.Driver.TryGetUsed(out _, out _).ShouldBeFalse();
                    break;
            }
            rig.Device.Fault.ShouldBe(RingFault.None);
        }
    }

    private static byte[] Fill(Span<byte> bytes, Random random)
    {
        random.NextBytes(bytes);
        return bytes.ToArray();
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Ring_TenThousandFrames_AllocatesNothing(bool isPacked, bool hasEvents)
    {
        using var rig = new RingRig(isPacked, size: 64, Features(hasEvents));
        _ = PassDeviceOnly(rig, 2000);
        int done = 0;
        Testing.Allocations.Fewest(() => Testing.Allocations.Of(() => done = PassDeviceOnly(rig, 10_000))).ShouldBe(0);
        done.ShouldBe(10_000);
    }

    private static int PassDeviceOnly(RingRig rig, int frames)
    {
        int done = 0;
        Span<ScriptedBuffer> one = [new ScriptedBuffer(RingRig.BuffersAt, 64)];
        while (done < frames)
        {
            for (int i = 0; i < 20; i++) _ = rig.Driver.Post(one);
            rig.Buffers.Clear();
            while (rig.Device.TryTake(rig.Buffers, out Chain chain))
            {
                rig.Device.Complete(chain, 0);
                done++;
            }
            rig.Device.Publish();
            _ = rig.Device.TakeNotice();
            _ = rig.Device.EnableKicks();
            rig.Device.DisableKicks();
            while (rig.Driver.TryGetUsed(out _, out _)) { }
        }
        return done;
    }
}
