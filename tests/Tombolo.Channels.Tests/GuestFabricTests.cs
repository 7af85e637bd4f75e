// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Channels.Tests;

/// <summary>What differs where parties are programs of guests; the system tests do the same in real ones.</summary>
public sealed class GuestFabricTests : IDisposable
{
    private static readonly EndOptions _asleep = new() { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromHours(1) };   // a lost wake-up shows as a hang
    private static readonly FabricPartyOptions _slow = new() { Beat = TimeSpan.FromMinutes(1), DeathAfter = TimeSpan.FromHours(1) };   // nobody looks by himself
    private static readonly FabricPartyOptions _brisk = new() { Beat = TimeSpan.FromMilliseconds(5), DeathAfter = TimeSpan.FromMinutes(10) };

    private readonly TestGuests _guests = new();
    private readonly List<IDisposable> _owned = [];

    public void Dispose()
    {
        for (int at = _owned.Count - 1; at >= 0; at--) _owned[at].Dispose();
        _guests.Dispose();
    }

    [Fact]
    public void Programs_OfOneGuest_LiveForEachOther_AndWakeEachOther()
    {
        ChannelArea one = Join(3, _slow, out _), two = Join(3, _slow, out _);
        one.Create("c", new() { CapacityBytes = 4096 });
        using RingProducer producer = one.OpenProducer("c", _asleep);
        using RingConsumer consumer = two.OpenConsumer("c", _asleep);
        (producer.Consumer, consumer.Producer).ShouldBe((PeerState.Open, PeerState.Open));
        Should.Throw<ChannelException>(() => two.OpenProducer("c", _asleep)).Fault.ShouldBe(ChannelFault.EndTaken);
        for (int i = 0; i < 100; i++)
        {
            Task<ChannelWait> wait = Task.Factory.StartNew(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning);
            producer.TryWrite(i).ShouldBeTrue();
            Watchdog.Run(() => wait.Result.ShouldBe(ChannelWait.Ready));
            consumer.TryRead(out int value).ShouldBeTrue();
            value.ShouldBe(i);
        }
    }

    [Fact]
    public void Program_ThatDies_IsDeadForAnotherOfItsGuest_ByItsHeartbeat()
    {
        ChannelArea dying = Join(3, _slow, out _);
        dying.Create("c", new() { CapacityBytes = 4096 });
        dying.OpenProducer("c", _asleep).TryWrite(7).ShouldBeTrue();   // and from here on its heart stands still
        ChannelArea living = Join(3, new() { Beat = TimeSpan.FromMilliseconds(5), DeathAfter = TimeSpan.FromMilliseconds(200) }, out _);
        using RingConsumer consumer = living.OpenConsumer("c", _asleep);
        consumer.TryRead(out int _).ShouldBeTrue();
        Watchdog.Run(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.PeerDied));
        using RingProducer successor = living.OpenProducer("c", _asleep);
        successor.Epoch.ShouldBe(2u);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sleeper_WhoseRingWasLost_LooksForItself(bool hasThread)
    {
        ChannelArea one = Join(3, _slow, out TestGuests.Program ringing), two = Join(4, _brisk, out _);
        ringing.LosesRings = true;
        one.Create("c", new() { CapacityBytes = 4096 });
        using RingProducer producer = one.OpenProducer("c", _asleep);
        using RingConsumer consumer = two.OpenConsumer("c", _asleep);
        Task<ChannelWait> wait = hasThread
            ? Task.Factory.StartNew(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning)
            : consumer.WaitForMessageAsync(Timeout.InfiniteTimeSpan).AsTask();
        Watchdog.Until(() => consumer.Sleeps > 0, "the consumer sleeps");
        producer.TryWrite(1).ShouldBeTrue();
        (await wait.WaitAsync(Watchdog.Limit)).ShouldBe(ChannelWait.Ready);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Device_UnpluggedUnderASleeper_EndsTheWait_AndNothingTouchesTheMemoryAnyMore(bool hasThread)
    {
        ChannelArea area = Join(3, _slow, out TestGuests.Program program);
        area.Create("c", new() { CapacityBytes = 4096 });
        RingConsumer consumer = area.OpenConsumer("c", _asleep);
        RingProducer producer = Join(4, _slow, out _).OpenProducer("c", _asleep);
        Task<ChannelWait> wait = hasThread
            ? Task.Factory.StartNew(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning)
            : consumer.WaitForMessageAsync(Timeout.InfiniteTimeSpan).AsTask();
        Watchdog.Until(() => consumer.Sleeps > 0, "the consumer sleeps");
        byte[] before = new byte[program.Window.LengthBytes], after = new byte[before.Length];
        program.Window.View(0, before.Length).CopyOut(0, before);
        program.Unplug();
        (await Should.ThrowAsync<ChannelException>(() => wait.WaitAsync(Watchdog.Limit))).Fault.ShouldBe(ChannelFault.GroundGone);
        Should.Throw<ChannelException>(() => consumer.WaitForMessage(TimeSpan.FromMilliseconds(1))).Fault.ShouldBe(ChannelFault.GroundGone);
        Should.Throw<ChannelException>(() => area.List()).Fault.ShouldBe(ChannelFault.GroundGone);
        consumer.Dispose();
        area.Dispose();
        program.Window.View(0, after.Length).CopyOut(0, after);
        after.ShouldBe(before);   // it still lies there as if its holder had died: others see it by the heartbeat
        producer.Consumer.ShouldBe(PeerState.Open);
    }

    [Fact]
    public void Party_WithTwoAreas_JudgesLivesInBoth()
    {
        ChannelArea first = Join(3, _slow, out TestGuests.Program program, out FabricParty party);
        var options = new ChannelAreaOptions { OffsetBytes = 1 << 19 };
        ChannelArea second = Own(ChannelArea.Open(program.Window, party, options));
        ChannelArea other = Own(ChannelArea.Open(_guests.Start(4).Window, Own(new FabricParty(new IvshmemFabric(_guests.Start(4)), _slow, ownsFabric: true)), options));
        second.Create("c", new() { CapacityBytes = 4096 });
        using RingProducer producer = other.OpenProducer("c", _asleep);
        using RingConsumer consumer = second.OpenConsumer("c", _asleep);
        consumer.Producer.ShouldBe(PeerState.Open);
        Should.Throw<ChannelException>(() => second.OpenProducer("c", _asleep)).Fault.ShouldBe(ChannelFault.EndTaken);
        first.List().ShouldBeEmpty();
    }

    [Fact]
    public void Lock_OfSomebodyWithoutAPlace_IsTakenOverOnlyAfterAWhile()
    {
        FabricPartyOptions quick = new() { Beat = TimeSpan.FromMilliseconds(5), DeathAfter = TimeSpan.FromMilliseconds(300) };
        ChannelArea area = Join(3, quick, out TestGuests.Program program);
        SharedWord64 word = program.Window.Word64(AreaLayout.LockAt);
        word.WriteRelease(PartyId.Of(PartyKind.Peer, 9, 1234).Value);   // a newcomer: it has the lock, and no place yet
        long start = TimeProvider.System.GetTimestamp();
        area.List().ShouldBeEmpty();
        TimeProvider.System.GetElapsedTime(start).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(300));
    }

    private ChannelArea Join(int guest, FabricPartyOptions options, out TestGuests.Program program) => Join(guest, options, out program, out _);

    private ChannelArea Join(int guest, FabricPartyOptions options, out TestGuests.Program program, out FabricParty party)
    {
        program = _guests.Start(guest);
        party = Own(new FabricParty(new IvshmemFabric(program), options, ownsFabric: true));
        return Own(ChannelArea.Open(program.Window, party));
    }

    private T Own<T>(T owned) where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
