// SPDX-License-Identifier: MIT
using Tombolo.Wire;

namespace Tombolo.Channels.Tests;

public sealed class ChannelAreaTests
{
    private static readonly ChannelSpec _small = new() { CapacityBytes = 4096 };

    [Fact]
    public void Directory_CreateFindListRemove_GoTogether()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty()), other = ground.Area(new TestParty());
        area.Create("b", _small).ShouldBeTrue();
        other.Create("b", _small).ShouldBeFalse();
        other.Create("a", _small with { Rights = new(7, 8) }).ShouldBeTrue();
        area.List().Select(static channel => channel.Name).ShouldBe(["a", "b"]);
        area.Find("a")!.Spec.ShouldBe(_small with { Rights = new(7, 8) });
        area.Find("c").ShouldBeNull();
        Should.Throw<ChannelException>(() => area.Create("a", _small with { CapacityBytes = 8192 })).Fault.ShouldBe(ChannelFault.NameTaken);
        area.Remove("a").ShouldBeTrue();
        other.Remove("a").ShouldBeFalse();
        Should.Throw<ChannelException>(() => area.OpenConsumer("a")).Fault.ShouldBe(ChannelFault.NotFound);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData(" a")]
    [InlineData("a\n")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    public void Create_ImpossibleName_IsTheCallersFault(string name)
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        _ = Should.Throw<ArgumentException>(() => area.Create(name, _small));
    }

    [Fact]
    public void Create_AreaFull_SaysHowMuchThereIs()
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea area = ground.Area(new TestParty(), new() { Entries = 4, Parties = 0 });
        Should.Throw<ChannelException>(() => area.Create("big", new() { CapacityBytes = 1 << 16 })).Message.ShouldContain("largest gap");
        for (int i = 0; i < 4; i++) area.Create($"{i}", _small);
        Should.Throw<ChannelException>(() => area.Create("one more", _small)).Fault.ShouldBe(ChannelFault.AreaFull);
        area.Remove("1");
        area.Create("in the gap", _small).ShouldBeTrue();
        area.Find("in the gap")!.OffsetBytes.ShouldBeLessThan(area.Find("2")!.OffsetBytes);
        BlocksAreApart(area);
    }

    [Fact]
    public void Remove_EndsOpen_IsRefusedUnlessForced()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", _small);
        using RingConsumer consumer = area.OpenConsumer("c");
        Should.Throw<ChannelException>(() => area.Remove("c")).Fault.ShouldBe(ChannelFault.EndTaken);
        area.Remove("c", force: true).ShouldBeTrue();
        Should.Throw<ChannelException>(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan)).Fault.ShouldBe(ChannelFault.Removed);
    }

    [Fact]
    public void Rights_OfAnEnd_AreKept()
    {
        using var ground = new TestGround();
        using ChannelArea seven = ground.Area(new TestParty { Covers = 7 }), eight = ground.Area(new TestParty { Covers = 8 });
        seven.Create("c", _small with { Rights = new(Hub: 7, Spoke: 8) });
        Should.Throw<ChannelException>(() => eight.OpenConsumer("c")).Fault.ShouldBe(ChannelFault.NotAllowed);
        Should.Throw<ChannelException>(() => seven.OpenProducer("c")).Fault.ShouldBe(ChannelFault.NotAllowed);
        seven.OpenConsumer("c").Dispose();
        eight.OpenProducer("c").Dispose();
    }

    [Fact]
    public void Area_BehindAMailbox_LeavesItAlone()
    {
        using var ground = new TestGround();
        ground.Window.View(0, 8192).CopyIn(0, Enumerable.Repeat((byte)0xAB, 8192).ToArray());
        ground.Window.View(1 << 19, 4096).CopyIn(0, Enumerable.Repeat((byte)0xCD, 4096).ToArray());
        using ChannelArea area = ground.Area(new TestParty(), new() { OffsetBytes = 8192, LengthBytes = (1 << 19) - 8192, Entries = 8 });
        while (true)
            try { area.Create(Guid.NewGuid().ToString(), _small); }
            catch (ChannelException) { break; }
        byte[] mailbox = new byte[8192], behind = new byte[4096];
        ground.Window.View(0, 8192).CopyOut(0, mailbox);
        ground.Window.View(1 << 19, 4096).CopyOut(0, behind);
        mailbox.ShouldAllBe(value => value == 0xAB);
        behind.ShouldAllBe(value => value == 0xCD);
    }

    [Fact]
    public void Open_NothingThereAndNotToBeMade_SaysSo()
    {
        using var ground = new TestGround();
        Should.Throw<ChannelException>(() => ground.Area(new TestParty(), new() { Creates = false })).Fault.ShouldBe(ChannelFault.NotFound);
        ground.Area(new TestParty(), new() { Entries = 5 }).Dispose();
        ground.Area(new TestParty(), new() { Creates = false }).Entries.ShouldBe(5);
    }

    [Theory]
    [InlineData(AreaLayout.VersionAt, 0x1_0000_0002UL)]
    [InlineData(AreaLayout.LengthAt, 1UL << 40)]
    [InlineData(AreaLayout.EntriesAt, ulong.MaxValue)]
    [InlineData(AreaLayout.HeapAt, 4096UL)]
    public void Open_DamagedHeader_IsRefused(int at, ulong value)
    {
        using var ground = new TestGround();
        ground.Area(new TestParty()).Dispose();
        ground.Window.View(at, 8).WriteRelease64(0, value);
        _ = Should.Throw<ProtocolException>(() => ground.Area(new TestParty()));
    }

    [Fact]
    public void Lock_OfADeadParty_IsTakenOver_AndItsWorkCleared()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty(), new() { Entries = 2, Parties = 0, Patience = TimeSpan.FromMilliseconds(20) });
        var dead = new TestParty();
        ground.Window.Word64(AreaLayout.LockAt).WriteRelease(dead.Id.Value);
        ground.Window.Word32(AreaLayout.EntryAt(0, 0)).WriteRelease(EntryLayout.Making);
        ground.Window.Word32(AreaLayout.EntryAt(0, 1)).WriteRelease(EntryLayout.Removing);
        Should.Throw<ChannelException>(() => area.List()).Fault.ShouldBe(ChannelFault.Busy);
        dead.Die();
        area.Create("one", _small).ShouldBeTrue();
        area.Create("two", _small).ShouldBeTrue();
        area.List().Count.ShouldBe(2);
    }

    [Fact]
    public void DamagedChannel_IsRefused_AndCanBeRemoved()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", _small);
        long block = area.Find("c")!.OffsetBytes;
        ground.Window.Word64(block + ChannelLayout.CapacityAt).WriteRelease(12345);
        _ = Should.Throw<ProtocolException>(() => area.OpenConsumer("c"));
        area.List().ShouldBeEmpty();
        area.Remove("c").ShouldBeTrue();
        area.Create("c", _small).ShouldBeTrue();
    }

    private static void BlocksAreApart(ChannelArea area)
    {
        long end = 0;
        foreach (ChannelInfo channel in area.List().OrderBy(static channel => channel.OffsetBytes))
        {
            channel.OffsetBytes.ShouldBeGreaterThanOrEqualTo(end);
            end = channel.OffsetBytes + channel.LengthBytes;
        }
        end.ShouldBeLessThanOrEqualTo(area.LengthBytes);
    }
}
