// SPDX-License-Identifier: MIT
using System.Diagnostics;

namespace Tombolo.Channels.Tests;

public sealed class ChannelTests
{
    private static readonly EndOptions _noSpin = new() { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromHours(1) };   // a lost wake-up shows as a hang

    [Theory]
    [InlineData(32, 200_000, 1 << 12)]
    [InlineData(3000, 20_000, 1 << 12)]
    [InlineData(1 << 20, 300, 1 << 22)]
    public void Ring_TwoThreadsThatSleep_PassEverythingInOrder(int longest, int count, int capacity)
    {
        using var ground = new TestGround(1 << 23);
        using ChannelArea area = ground.Area(new TestParty()), other = ground.Area(new TestParty());
        area.Create("c", new() { CapacityBytes = capacity });
        using RingProducer producer = area.OpenProducer("c", _noSpin);
        using RingConsumer consumer = other.OpenConsumer("c", _noSpin);
        var writing = new Thread(() =>
        {
            var random = new Random(1);
            for (int i = 0; i < count; i++)
            {
                int length = random.Next(8, Math.Min(longest, producer.MaxMessage) + 1);
                Span<byte> room;
                while (!producer.TryReserve(length, out room)) producer.WaitForRoom(length, Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
                BitConverter.TryWriteBytes(room, (long)i);
                room[^1] ^= (byte)i;
                producer.Commit(length, publish: i % 3 != 0);
            }
            producer.Dispose();
        });
        writing.Start();
        Watchdog.Run(() =>
        {
            var random = new Random(1);
            for (int i = 0; i < count; i++)
            {
                int length = random.Next(8, Math.Min(longest, consumer.MaxMessage) + 1);
                if (consumer.WaitForMessage(TimeSpan.Zero) != ChannelWait.Ready) consumer.Release();   // whoever keeps everything and waits for more, waits for ever
                consumer.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
                consumer.TryBorrow(out ReadOnlySpan<byte> message).ShouldBeTrue();
                message.Length.ShouldBe(length);
                if (length > 8) BitConverter.ToInt64(message).ShouldBe(i);
                if (i % 5 == 0 || i == count - 1) consumer.Release();
                if (consumer.Kind != ChannelKind.Ring) throw new UnreachableException();
            }
            consumer.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.PeerClosed);
        });
        writing.Join();
    }

    [Fact]
    public void Consumer_ProducerCloses_GetsTheRestThenTheNews()
    {
        using var ground = new TestGround();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, new TestParty(), new TestParty());
        consumer.Producer.ShouldBe(PeerState.Open);
        producer.TryWrite("last"u8).ShouldBeTrue();
        producer.Dispose();
        consumer.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
        consumer.TryRead(out byte[]? message).ShouldBeTrue();
        message.ShouldBe("last"u8.ToArray());
        consumer.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.PeerClosed);
        consumer.Producer.ShouldBe(PeerState.Closed);
    }

    [Fact]
    public void Consumer_AsleepWhenProducerDies_LearnsItAtOnce()
    {
        using var ground = new TestGround();
        var writing = new TestParty();
        (_, RingConsumer consumer) = Ends(ground, writing, new TestParty());
        Task<ChannelWait> wait = Task.Factory.StartNew(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning);
        Watchdog.Until(() => consumer.Sleeps > 0, "the consumer sleeps");
        writing.Die();
        Watchdog.Run(() => wait.Result.ShouldBe(ChannelWait.PeerDied));
    }

    [Fact]
    public void Successor_OfADeadProducer_GoesOnWithTheSameConsumer()
    {
        using var ground = new TestGround();
        var writing = new TestParty();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, writing, new TestParty());
        producer.TryWrite([1]).ShouldBeTrue();
        producer.Commit(Reserve(producer), publish: false);   // never sent
        writing.Die();
        using RingProducer successor = ground.Area(new TestParty()).OpenProducer("c", _noSpin);
        successor.Epoch.ShouldBe(2u);
        successor.TryWrite([2]).ShouldBeTrue();
        consumer.ReadAll().Take(2).SelectMany(static bytes => bytes).ShouldBe(new byte[] { 1, 2 });
        consumer.Producer.ShouldBe(PeerState.Open);
    }

    [Fact]
    public void Successor_OfADeadConsumer_GetsWhatWasBorrowed()
    {
        using var ground = new TestGround();
        var reading = new TestParty();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, new TestParty(), reading);
        producer.TryWrite([1]).ShouldBeTrue();
        producer.TryWrite([2]).ShouldBeTrue();
        consumer.TryRead(out byte[]? _).ShouldBeTrue();
        consumer.TryBorrow(out ReadOnlySpan<byte> _).ShouldBeTrue();
        reading.Die();
        using RingConsumer successor = ground.Area(new TestParty()).OpenConsumer("c", _noSpin);
        successor.TryRead(out byte[]? message).ShouldBeTrue();
        message.ShouldBe([2]);
    }

    [Fact]
    public void End_HeldByALivingParty_IsRefused()
    {
        using var ground = new TestGround();
        _ = Ends(ground, new TestParty(), new TestParty());
        Should.Throw<ChannelException>(() => ground.Area(new TestParty()).OpenProducer("c")).Fault.ShouldBe(ChannelFault.EndTaken);
        Should.Throw<ChannelException>(() => ground.Area(new TestParty()).OpenConsumer("c")).Fault.ShouldBe(ChannelFault.EndTaken);
    }

    [Fact]
    public void OldHolder_TakenOver_IsToldAtItsNextWait()
    {
        using var ground = new TestGround();
        var reading = new TestParty();
        (_, RingConsumer consumer) = Ends(ground, new TestParty(), reading);
        reading.Die();   // others think so
        using RingConsumer successor = ground.Area(new TestParty()).OpenConsumer("c", _noSpin);
        Should.Throw<ChannelException>(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan)).Fault.ShouldBe(ChannelFault.Removed);
        consumer.Dispose();
        successor.WaitForMessage(TimeSpan.Zero).ShouldBe(ChannelWait.TimedOut);   // the old holder's end closed nothing
    }

    [Fact]
    public void Producer_ConsumerClosesWhileItWaitsForRoom_LearnsIt()
    {
        using var ground = new TestGround();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, new TestParty(), new TestParty());
        while (producer.TryWrite(new byte[100])) { }
        Task<ChannelWait> wait = Task.Factory.StartNew(() => producer.WaitForRoom(100, Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning);
        Watchdog.Until(() => producer.Sleeps > 0, "the producer sleeps");
        consumer.Dispose();
        Watchdog.Run(() => wait.Result.ShouldBe(ChannelWait.PeerClosed));
        Should.Throw<ChannelException>(() => producer.Write(new byte[100])).Fault.ShouldBe(ChannelFault.PeerClosed);
    }

    [Fact]
    public void Wait_AwaitingSuccessor_OutlivesDeathAndClosing()
    {
        using var ground = new TestGround();
        var writing = new TestParty();
        using ChannelArea area = ground.Area(writing);
        area.Create("c", new() { CapacityBytes = 4096 });
        using RingConsumer consumer = ground.Area(new TestParty()).OpenConsumer("c", _noSpin with { AwaitsSuccessor = true });
        using RingProducer producer = area.OpenProducer("c");
        consumer.WaitForMessage(TimeSpan.FromMilliseconds(1)).ShouldBe(ChannelWait.TimedOut);
        writing.Die();
        consumer.WaitForMessage(TimeSpan.FromMilliseconds(1)).ShouldBe(ChannelWait.TimedOut);
        using RingProducer successor = ground.Area(new TestParty()).OpenProducer("c");
        successor.TryWrite([1]).ShouldBeTrue();
        consumer.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
    }

    [Fact]
    public async Task WaitAsync_MessageCancellationAndDispose_EndIt()
    {
        using var ground = new TestGround();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, new TestParty(), new TestParty());
        ValueTask<ChannelWait> wait = consumer.WaitForMessageAsync(Timeout.InfiniteTimeSpan);
        wait.IsCompleted.ShouldBeFalse();
        producer.TryWrite([1]).ShouldBeTrue();
        (await wait.AsTask().WaitAsync(Watchdog.Limit)).ShouldBe(ChannelWait.Ready);
        consumer.TryRead(out byte[]? _).ShouldBeTrue();

        using var cancellation = new CancellationTokenSource();
        wait = consumer.WaitForMessageAsync(Timeout.InfiniteTimeSpan, cancellation.Token);
        await cancellation.CancelAsync();
        _ = await Should.ThrowAsync<OperationCanceledException>(async () => await wait.AsTask().WaitAsync(Watchdog.Limit));

        (await consumer.WaitForMessageAsync(TimeSpan.FromMilliseconds(5))).ShouldBe(ChannelWait.TimedOut);

        wait = consumer.WaitForMessageAsync(Timeout.InfiniteTimeSpan);
        consumer.Dispose();
        _ = await Should.ThrowAsync<ObjectDisposedException>(async () => await wait.AsTask().WaitAsync(Watchdog.Limit));
    }

    [Fact]
    public async Task ReadAllAsync_OverManyWaits_GivesEverything()
    {
        using var ground = new TestGround();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, new TestParty(), new TestParty());
        Task writing = Task.Run(async () =>
        {
            for (int i = 0; i < 2000; i++) await producer.WriteAsync(new byte[100 + i]);
            producer.Dispose();
        });
        int seen = 0;
        await foreach (byte[] message in consumer.ReadAllAsync()) message.Length.ShouldBe(100 + seen++);
        seen.ShouldBe(2000);
        await writing.WaitAsync(Watchdog.Limit);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadAll_CancelledWhileMessagesCome_EndsWithoutLosingOne(bool hasThread)
    {
        using var ground = new TestGround();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, new TestParty(), new TestParty());
        for (int i = 0; i < 10; i++) producer.TryWrite(i).ShouldBeTrue();
        using var stop = new CancellationTokenSource();
        var seen = new List<byte[]>();
        if (hasThread) Should.Throw<OperationCanceledException>(() =>
        {
            foreach (byte[] message in consumer.ReadAll(stop.Token)) Add(message);
        });
        else await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (byte[] message in consumer.ReadAllAsync(stop.Token)) Add(message);
        });
        seen.Count.ShouldBe(3);
        consumer.TryRead(out int next).ShouldBeTrue();
        next.ShouldBe(3);

        void Add(byte[] message)
        {
            seen.Add(message);
            if (seen.Count == 3) stop.Cancel();
        }
    }

    [Fact]
    public void BusyPair_RingsNoDoorbell()
    {
        using var ground = new TestGround();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, new TestParty(), new TestParty());
        for (int i = 0; i < 10_000; i++)
        {
            producer.TryWrite(i).ShouldBeTrue();
            consumer.TryRead(out int value).ShouldBeTrue();
            value.ShouldBe(i);
        }
        (producer.Rings, consumer.Rings, consumer.Sleeps).ShouldBe((0L, 0L, 0L));
    }

    [Fact]
    public void Message_SentTakenAndWaitedFor_AllocatesNothing()
    {
        using var ground = new TestGround();
        (RingProducer producer, RingConsumer consumer) = Ends(ground, new TestParty(), new TestParty());
        void Exchange()
        {
            for (int i = 0; i < 5000; i++)
            {
                producer.TryReserve(100, out Span<byte> room);
                room[0] = (byte)i;
                producer.Commit(50);
                producer.TryWrite(room[..50]);
                producer.TryWrite((long)i);
                producer.TryReserve(4, out Span<int> values);
                producer.CommitValues<int>(values.Length);
                consumer.WaitForMessage(TimeSpan.FromSeconds(1));
                for (int k = 0; k < 4; k++) consumer.TryBorrow(out ReadOnlySpan<byte> _);
                consumer.Release();
                if (i % 1000 == 0) consumer.WaitForMessage(TimeSpan.FromMilliseconds(1));   // sleeps
            }
        }
        Exchange();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exchange();
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        consumer.Sleeps.ShouldBeGreaterThan(0);
    }

    private static int Reserve(RingProducer producer)
    {
        producer.TryReserve(8, out Span<byte> _).ShouldBeTrue();
        return 8;
    }

    private static (RingProducer Producer, RingConsumer Consumer) Ends(TestGround ground, IParty writing, IParty reading)
    {
        ChannelArea area = ground.Area(writing);
        area.Create("c", new() { CapacityBytes = 1 << 16 });
        return (area.OpenProducer("c", _noSpin), ground.Area(reading).OpenConsumer("c", _noSpin));
    }
}
