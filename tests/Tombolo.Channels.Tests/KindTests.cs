// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Tombolo.Memory;

namespace Tombolo.Channels.Tests;

public sealed class KindTests
{
    private static readonly EndOptions _noSpin = new() { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromHours(1) };   // a lost wake-up shows as a hang

    private readonly record struct Tick(int Who, int Number);

    [Fact]
    public void FanIn_ManyProducers_EachInOrderNothingLost()
    {
        const int Producers = 4, Each = 20_000;
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.FanIn, CapacityBytes = 4096, Spokes = Producers });
        using FanInConsumer consumer = area.OpenFanIn("c", _noSpin);
        Thread[] writing = [.. Enumerable.Range(0, Producers).Select(who => new Thread(() =>
        {
            using RingProducer producer = ground.Area(new TestParty()).OpenProducer("c", _noSpin);
            for (int i = 0; i < Each; i++)
                while (!producer.TryWrite(new Tick(who, i))) producer.WaitForRoom(8, Timeout.InfiniteTimeSpan);
        }))];
        foreach (Thread thread in writing) thread.Start();
        int[] next = new int[Producers];
        Watchdog.Run(() =>
        {
            for (int seen = 0; seen < Producers * Each;)
            {
                consumer.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
                while (consumer.TryRead(out Tick tick))
                {
                    if (tick.Number != next[tick.Who]++) throw new InvalidOperationException($"Producer {tick.Who}: {tick.Number} came in place of {next[tick.Who] - 1}.");
                    seen++;
                }
            }
        });
        foreach (Thread thread in writing) thread.Join();
        consumer.Messages.ShouldBe((ulong)(Producers * Each));
    }

    [Fact]
    public void FanIn_ProducerDiesBetweenReserveAndCommit_HoldsUpNobody()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.FanIn, CapacityBytes = 4096, Spokes = 2 });
        using FanInConsumer consumer = area.OpenFanIn("c", _noSpin);
        var dying = new TestParty();
        RingProducer first = ground.Area(dying).OpenProducer("c"), second = ground.Area(new TestParty()).OpenProducer("c");
        first.TryWrite([1]).ShouldBeTrue();
        first.TryReserve(100, out Span<byte> _).ShouldBeTrue();
        dying.Die();
        second.TryWrite([2]).ShouldBeTrue();
        consumer.ReadAll().Take(2).SelectMany(static bytes => bytes).Order().ShouldBe(new byte[] { 1, 2 });
        consumer.WaitForMessage(TimeSpan.FromMilliseconds(1)).ShouldBe(ChannelWait.TimedOut);
        consumer.Deaths.ShouldBe(1);
        using RingProducer successor = ground.Area(new TestParty()).OpenProducer("c");
        successor.Epoch.ShouldBe(2u);
        Should.Throw<ChannelException>(() => ground.Area(new TestParty()).OpenProducer("c")).Fault.ShouldBe(ChannelFault.EndTaken);
    }

    [Theory]
    [InlineData(ChannelLayout.HeadAt, 12345UL)]
    [InlineData(ChannelLayout.HeadAt, 1UL << 40)]
    [InlineData(ChannelLayout.RingHeaderBytes, 0xFFUL)]
    public void FanIn_ProducerLies_EndsItsOwnSessionOnly(int at, ulong lie)
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.FanIn, CapacityBytes = 4096, Spokes = 2 });
        using FanInConsumer consumer = area.OpenFanIn("c", _noSpin);
        RingProducer liar = ground.Area(new TestParty()).OpenProducer("c"), honest = ground.Area(new TestParty()).OpenProducer("c");
        long ring = area.Find("c")!.OffsetBytes + ChannelLayout.RingsOffset(2);
        liar.TryWrite([1]).ShouldBeTrue();
        ground.Window.Word64(ring + at).WriteRelease(lie);
        honest.TryWrite([2]).ShouldBeTrue();
        consumer.ReadAll().First().ShouldBe([2]);
        consumer.WaitForMessage(TimeSpan.Zero).ShouldBe(ChannelWait.TimedOut);
        consumer.Faults.ShouldBe(1);
        consumer.LastFault.ShouldNotBeNull();
        liar.Dispose();
        using RingProducer successor = ground.Area(new TestParty()).OpenProducer("c");
        successor.TryWrite([3]).ShouldBeTrue();
        consumer.ReadAll().First().ShouldBe([3]);
    }

    [Fact]
    public void Broadcast_BlockingSubscribers_AllGetEverything()
    {
        const int Subscribers = 3, Count = 20_000;
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Broadcast, CapacityBytes = 4096, Spokes = 4 });
        using Publisher publisher = area.OpenPublisher("c", _noSpin);
        Subscriber[] subscribers = [.. Enumerable.Range(0, Subscribers).Select(_ => ground.Area(new TestParty()).OpenSubscriber("c", SubscriberPolicy.Block, options: _noSpin))];
        Thread[] reading = [.. subscribers.Select(subscriber => new Thread(() =>
        {
            for (int i = 0; i < Count; i++)
            {
                while (!subscriber.TryBorrow(out ReadOnlySpan<byte> _)) subscriber.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
                subscriber.Release();
            }
        }))];
        foreach (Thread thread in reading) thread.Start();
        publisher.Subscribers.ShouldBe(Subscribers);
        Watchdog.Run(() =>
        {
            var random = new Random(3);
            for (int i = 0; i < Count; i++) publisher.Write(new byte[random.Next(0, 900)]);
            foreach (Thread thread in reading) thread.Join();
        });
        subscribers.ShouldAllBe(subscriber => subscriber.Messages == Count && subscriber.Lost == 0);
    }

    [Fact]
    public void Broadcast_SlowSubscriberThatDropsTheOldest_GetsTheNewestAndCountsTheRest()
    {
        using var ground = new TestGround();
        (Publisher publisher, Subscriber subscriber) = Broadcast(ground, SubscriberPolicy.DropOldest);
        for (int i = 0; i < 1000; i++) publisher.TryWrite(i).ShouldBeTrue();
        int first = -1, last = -1, seen = 0;
        while (subscriber.TryRead(out int value))
        {
            if (first < 0) first = value;
            else value.ShouldBe(last + 1);
            last = value;
            seen++;
        }
        last.ShouldBe(999);
        subscriber.Lost.ShouldBe((ulong)first);
        subscriber.Messages.ShouldBe((ulong)seen);
        seen.ShouldBeGreaterThan(100);   // most of the ring still stood
        publisher.Disconnected.ShouldBe(0);
    }

    [Fact]
    public void Broadcast_SubscriberThatDropsTheOldest_NeverSeesAHalfOverwrittenMessage()
    {
        using var ground = new TestGround();
        (Publisher publisher, Subscriber subscriber) = Broadcast(ground, SubscriberPolicy.DropOldest);
        const int Count = 200_000;
        var writing = new Thread(() =>
        {
            var random = new Random(5);
            for (int i = 0; i < Count; i++)
            {
                if (!publisher.TryReserve(1 + random.Next(0, 60), out Span<ulong> words)) throw new InvalidOperationException("Nobody may hold the publisher up.");
                words.Fill((ulong)i);
                publisher.CommitValues<ulong>(words.Length);
            }
            publisher.Dispose();
        });
        writing.Start();
        ulong next = 0;
        Watchdog.Run(() =>
        {
            while (subscriber.WaitForMessage(Timeout.InfiniteTimeSpan) == ChannelWait.Ready)
                while (subscriber.TryBorrow(out ReadOnlySpan<ulong> words))
                {
                    if (words.ContainsAnyExcept(words[0]) || words[0] < next) throw new InvalidOperationException($"Torn or out of order: {words[0]} after {next}.");
                    next = words[0] + 1;
                    subscriber.Release();
                }
        });
        writing.Join();
        next.ShouldBe((ulong)Count);
        (subscriber.Messages + subscriber.Lost).ShouldBe((ulong)Count);
    }

    [Fact]
    public void Broadcast_SlowSubscriberThatDisconnects_IsCutOffAndTold()
    {
        using var ground = new TestGround();
        (Publisher publisher, Subscriber subscriber) = Broadcast(ground, SubscriberPolicy.Disconnect);
        publisher.TryWrite(1).ShouldBeTrue();
        subscriber.TryRead(out int value).ShouldBeTrue();
        value.ShouldBe(1);
        for (int i = 0; i < 1000; i++) publisher.TryWrite(i).ShouldBeTrue();
        publisher.Disconnected.ShouldBe(1);
        Should.Throw<ChannelException>(() => subscriber.WaitForMessage(Timeout.InfiniteTimeSpan)).Fault.ShouldBe(ChannelFault.Disconnected);
        Should.Throw<ChannelException>(() => subscriber.TryRead(out byte[]? _)).Fault.ShouldBe(ChannelFault.Disconnected);
    }

    [Fact]
    public void Broadcast_BlockingSubscriberDies_PublisherGoesOn_AndASuccessorResumes()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Broadcast, CapacityBytes = 4096, Spokes = 1 });
        using Publisher publisher = area.OpenPublisher("c", _noSpin);
        var dying = new TestParty();
        Subscriber subscriber = ground.Area(dying).OpenSubscriber("c");
        int sent = 0;
        while (publisher.TryWrite(sent)) sent++;
        subscriber.TryRead(out int _).ShouldBeTrue();
        subscriber.TryRead(out int _).ShouldBeTrue();
        Task<ChannelWait> wait = Task.Factory.StartNew(() => publisher.WaitForRoom(2000, Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning);
        Watchdog.Until(() => publisher.Sleeps > 0, "the publisher sleeps");
        dying.Die();
        Watchdog.Run(() => wait.Result.ShouldBe(ChannelWait.Ready));
        using Subscriber successor = ground.Area(new TestParty()).OpenSubscriber("c", resumes: true);
        successor.Epoch.ShouldBe(2u);
        successor.TryRead(out int value).ShouldBeTrue();
        value.ShouldBe(2);   // what the dead one had taken does not come again
        publisher.TryReserve(2000, out Span<byte> _).ShouldBeFalse();   // the successor is to be waited for again
    }

    [Fact]
    public void Broadcast_SubscriberThatHasTakenItsEndAndNotShownItselfYet_DoesNotCount()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Broadcast, CapacityBytes = 4096 });
        using Publisher publisher = area.OpenPublisher("c", _noSpin);
        long end = area.Find("c")!.OffsetBytes + ChannelLayout.EndAt(1);
        ground.Window.Word64(end + ChannelLayout.OwnerAt).WriteRelease(new TestParty().Id.Value);
        publisher.Subscribers.ShouldBe(0);   // it would miss what is published now
        ground.Window.Word32(end + ChannelLayout.EndStateAt).WriteRelease(ChannelLayout.Open);
        publisher.Subscribers.ShouldBe(1);
    }

    [Fact]
    public void Broadcast_DamagedRing_PublisherGivesUpTheOldOnes()
    {
        using var ground = new TestGround();
        (Publisher publisher, _) = Broadcast(ground, SubscriberPolicy.DropOldest);
        for (int i = 0; i < 100; i++) publisher.TryWrite(i).ShouldBeTrue();
        ground.Window.View(0, (int)ground.Window.LengthBytes).Slice(1 << 15, 1 << 15).Clear(0, 1 << 15);
        for (int i = 0; i < 5000; i++) publisher.TryWrite(i).ShouldBeTrue();
    }

    [Fact]
    public void Request_Call_GetsItsOwnReply()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Request, CapacityBytes = 4096, Spokes = 3 });
        using var stop = new CancellationTokenSource();
        using RequestServer server = area.OpenServer("c", _noSpin);
        var serving = new Thread(() => server.Serve(static (request, reply) =>
        {
            for (int i = 0; i < request.Length; i++) reply[i] = (byte)~request[i];
            return request.Length;
        }, stop.Token));
        serving.Start();
        var faults = new ConcurrentQueue<string>();
        Thread[] calling = [.. Enumerable.Range(0, 3).Select(who => new Thread(() =>
        {
            using RequestClient client = ground.Area(new TestParty()).OpenClient("c", _noSpin);
            byte[] reply = new byte[client.MaxMessage];
            for (int i = 0; i < 3000; i++)
            {
                byte[] request = [(byte)who, .. BitConverter.GetBytes(i), .. new byte[i % 500]];
                CallResult result = client.Call(request, reply, out int length, Timeout.InfiniteTimeSpan);
                if (result != CallResult.Replied || length != request.Length || !reply.AsSpan(0, length).SequenceEqual(request.Select(static b => (byte)~b).ToArray()))
                    faults.Enqueue($"{who} {i}: {result} {length}");
            }
        }))];
        foreach (Thread thread in calling) thread.Start();
        Watchdog.Run(() => { foreach (Thread thread in calling) thread.Join(); });
        stop.Cancel();
        serving.Join();
        faults.ShouldBeEmpty();
        server.Answered.ShouldBe(9000);
    }

    [Fact]
    public async Task Request_NoReplyInTime_LateOneIsThrownAway()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Request, CapacityBytes = 4096 });
        using RequestServer server = area.OpenServer("c", _noSpin);
        using RequestClient client = ground.Area(new TestParty()).OpenClient("c", _noSpin);
        client.Call([1], [], out int _, TimeSpan.FromMilliseconds(5)).ShouldBe(CallResult.TimedOut);
        Serve(server, [10]);
        ValueTask<byte[]> call = client.CallAsync(new byte[] { 2 }, Timeout.InfiniteTimeSpan);
        server.WaitForRequest(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
        Serve(server, [20]);
        (await call.AsTask().WaitAsync(Watchdog.Limit)).ShouldBe([20]);
        client.Late.ShouldBe(1);
    }

    [Fact]
    public void Request_ServerDiesWithARequestInHand_SuccessorAnswersIt()
    {
        using var ground = new TestGround();
        var dying = new TestParty();
        ChannelArea area = ground.Area(dying);
        area.Create("c", new() { Kind = ChannelKind.Request, CapacityBytes = 4096 });
        RequestServer server = area.OpenServer("c", _noSpin);
        using RequestClient client = ground.Area(new TestParty()).OpenClient("c", _noSpin with { AwaitsSuccessor = true });
        byte[] reply = new byte[8];
        Task<(CallResult, int)> call = Task.Factory.StartNew(() => (client.Call([1], reply, out int length, Timeout.InfiniteTimeSpan), length), TaskCreationOptions.LongRunning);
        server.WaitForRequest(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
        server.TryTake(out _).ShouldBeTrue();
        dying.Die();
        using RequestServer successor = ground.Area(new TestParty()).OpenServer("c", _noSpin);
        Serve(successor, [42]);
        Watchdog.Run(() => call.Result.ShouldBe((CallResult.Replied, 1)));
        reply[0].ShouldBe((byte)42);
    }

    [Fact]
    public void Serve_CancelledWhileRequestsWait_AnswersTheOneInHandAndEnds()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Request, CapacityBytes = 4096 });
        using RequestServer server = area.OpenServer("c", _noSpin);
        using RequestClient client = ground.Area(new TestParty()).OpenClient("c", _noSpin);
        for (byte i = 0; i < 10; i++) client.Call([i], [], out _, TimeSpan.Zero).ShouldBe(CallResult.TimedOut);
        using var stop = new CancellationTokenSource();
        Watchdog.Run(() => server.Serve((request, _) =>
        {
            if (request[0] == 2) stop.Cancel();
            return 0;
        }, stop.Token));
        server.Answered.ShouldBe(3);
    }

    /// <summary>A client writes anything into its end of the replies; whoever comes after it, on either side, is served.</summary>
    [Theory]
    [InlineData(4UL)]
    [InlineData(1UL << 40)]
    [InlineData(ulong.MaxValue - 7)]
    public void Request_ClientLiedAboutItsReplies_EndsItsOwnSessionOnly(ulong lie)
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Request, CapacityBytes = 4096 });
        RequestServer server = area.OpenServer("c", _noSpin);
        SharedWord64 tail = ground.Window.Word64(area.Find("c")!.OffsetBytes + ChannelLayout.RingsOffset(1) + ChannelLayout.RingStride(4096) + ChannelLayout.TailAt);
        foreach (bool noticed in (bool[])[true, false])
        {
            RequestClient liar = ground.Area(new TestParty()).OpenClient("c", _noSpin);
            for (int i = 0; i < 2; i++) liar.Call([1], [], out _, TimeSpan.Zero).ShouldBe(CallResult.TimedOut);
            Serve(server, new byte[3000]);
            tail.WriteRelease(lie);
            if (noticed)
            {
                server.TryTake(out Request second).ShouldBeTrue();
                server.Reply(second, new byte[3000]).ShouldBeFalse();   // it looks for room, and finds the lie
                server.Faults.ShouldBe(1);
            }
            else
            {
                server.Dispose();
                server = area.OpenServer("c", _noSpin);
            }
            liar.Dispose();
            using RequestClient honest = ground.Area(new TestParty()).OpenClient("c", _noSpin);
            ValueTask<byte[]> call = honest.CallAsync(new byte[] { 2 }, Timeout.InfiniteTimeSpan);
            while (server.TryTake(out Request request)) _ = server.Reply(request, request.Bytes.ToArray());
            Watchdog.Run(() => call.AsTask().Result.ShouldBe([2]));
        }
        server.Dispose();
    }

    [Fact]
    public void Request_ServerDies_CallEnds()
    {
        using var ground = new TestGround();
        var dying = new TestParty();
        ChannelArea area = ground.Area(dying);
        area.Create("c", new() { Kind = ChannelKind.Request, CapacityBytes = 4096 });
        _ = area.OpenServer("c", _noSpin);
        using RequestClient client = ground.Area(new TestParty()).OpenClient("c", _noSpin);
        Task<CallResult> call = Task.Factory.StartNew(() => client.Call([1], [], out _, Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning);
        Watchdog.Until(() => client.Sleeps > 0, "the client sleeps");
        dying.Die();
        Watchdog.Run(() => call.Result.ShouldBe(CallResult.ServerDied));
    }

    [Fact]
    public async Task Stream_BothWays_CarriesEveryByte()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Stream, CapacityBytes = 4096 });
        await using ChannelStream listener = area.OpenListener("c", _noSpin), caller = ground.Area(new TestParty()).OpenCaller("c", _noSpin);
        byte[] up = RandomNumberGenerator.GetBytes(300_000), down = RandomNumberGenerator.GetBytes(200_001);
        Task all = Task.WhenAll(SendAsync(caller, up), SendAsync(listener, down), ExpectAsync(listener, up), ExpectAsync(caller, down));
        await all.WaitAsync(Watchdog.Limit);

        async Task SendAsync(Stream stream, byte[] bytes)
        {
            await Task.Yield();
            for (int at = 0; at < bytes.Length; at += 7000) await stream.WriteAsync(bytes.AsMemory(at, Math.Min(7000, bytes.Length - at)));
        }

        async Task ExpectAsync(Stream stream, byte[] bytes)
        {
            await Task.Yield();
            byte[] got = new byte[bytes.Length];
            await stream.ReadExactlyAsync(got);
            got.ShouldBe(bytes);
        }
    }

    [Fact]
    public async Task Stream_AsPipes_EndsWhenTheOtherSideCloses()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Stream, CapacityBytes = 4096 });
        await using ChannelStream listener = area.OpenListener("c", _noSpin);
        ChannelStream caller = ground.Area(new TestParty()).OpenCaller("c", _noSpin);
        _ = await caller.Output.WriteAsync("hello"u8.ToArray());
        await caller.DisposeAsync();
        ReadResult result = await listener.Input.ReadAtLeastAsync(5);
        result.Buffer.Length.ShouldBe(5);
        listener.Input.AdvanceTo(result.Buffer.End);
        (await listener.Input.ReadAsync()).IsCompleted.ShouldBeTrue();
        listener.Peer.ShouldBe(PeerState.Closed);
    }

    [Fact]
    public void Stream_OtherPartyDies_GivesTheRestThenTheNews()
    {
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Stream, CapacityBytes = 4096 });
        using ChannelStream listener = area.OpenListener("c", _noSpin);
        var dying = new TestParty();
        ground.Area(dying).OpenCaller("c", _noSpin).Write([1, 2, 3]);
        dying.Die();
        byte[] got = new byte[10];
        listener.Read(got).ShouldBe(3);
        _ = Should.Throw<IOException>(() => listener.Read(got));
        using ChannelStream successor = ground.Area(new TestParty()).OpenCaller("c", _noSpin);
        successor.Write([4]);
        listener.Read(got).ShouldBe(1);
    }

    private static void Serve(RequestServer server, byte[] reply)
    {
        server.TryTake(out Request request).ShouldBeTrue();
        server.Reply(request, reply).ShouldBeTrue();
    }

    private static (Publisher, Subscriber) Broadcast(TestGround ground, SubscriberPolicy policy)
    {
        ChannelArea area = ground.Area(new TestParty());
        area.Create("c", new() { Kind = ChannelKind.Broadcast, CapacityBytes = 4096, Spokes = 2 });
        return (area.OpenPublisher("c", _noSpin), ground.Area(new TestParty()).OpenSubscriber("c", policy, options: _noSpin));
    }
}
