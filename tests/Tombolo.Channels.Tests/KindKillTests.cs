// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.TestServer;

namespace Tombolo.Channels.Tests;

/// <summary>kill -9 of C# processes at random moments, on every kind but the ring (which <see cref="KillTests"/> has). TOMBOLO_CHANNEL_KILLS says how many kills each test makes; a process of .NET takes its time to start.</summary>
[Trait("Speed", "slow")]
public sealed class KindKillTests : IDisposable
{
    private const int Capacity = 4096;
    private static readonly int _kills = int.Parse(Environment.GetEnvironmentVariable("TOMBOLO_CHANNEL_KILLS") ?? "12", CultureInfo.InvariantCulture);
    private static readonly long _logBytes = Math.Max(64L, 3L * _kills) << 20;   // two bytes a message; written as far as it goes
    private static readonly EndOptions _sleepy = new() { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromHours(1) };   // deaths are told by the kernel's word alone

    private readonly TemporaryFolder _folder = new();
    private readonly Random _random = new(20);
    private readonly List<IDisposable> _owned = [];
    private readonly ChannelArea _area;

    public KindKillTests()
    {
        _area = Channel.OpenArea(_folder["area"], 1 << 20);
        _owned.Add(_area);
    }

    public void Dispose()
    {
        for (int at = _owned.Count - 1; at >= 0; at--) _owned[at].Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void FanIn_ProducersKilled_EachProducersMessagesComeWholeAndInOrder()
    {
        _ = _area.Create("c", new() { Kind = ChannelKind.FanIn, CapacityBytes = Capacity, Spokes = 2 });
        FanInConsumer consumer = Own(_area.OpenFanIn("c", _sleepy));
        Window log = Log("produce");
        Child living = Start("produce", 0);
        Watchdog.Until(() => consumer.Producer(0) == PeerState.Open, "the first producer is there");
        uint[] next = new uint[2];
        for (int kill = 0; kill < _kills; kill++)
        {
            log.Word64(0).WriteRelease(0);   // both write it: it is good for nothing but this
            Child dying = Start("produce", next[1]);
            WorkFor(Moment(), () => TakeOne(consumer, next));
            dying.Kill();
            while (_area.Find("c")!.Rings[1] is var ring && ring.Head != ring.Tail) TakeOne(consumer, next);   // what it had committed
        }
        living.Kill();
        while (_area.Find("c")!.Rings[0] is var ring && ring.Head != ring.Tail) TakeOne(consumer, next);
        next[0].ShouldBeGreaterThan(0u);
        next[1].ShouldBeGreaterThan(0u);
        consumer.Faults.ShouldBe(0);
        _area.Remove("c", force: true).ShouldBeTrue();
    }

    [Fact]
    public void FanIn_ConsumerKilled_NothingIsLost()
    {
        _ = _area.Create("c", new() { Kind = ChannelKind.FanIn, CapacityBytes = Capacity });
        RingProducer producer = Own(_area.OpenProducer("c", _sleepy));
        uint sent = SendToOnesThatDie(producer, "collect");
        using (FanInConsumer last = _area.OpenFanIn("c", _sleepy))
            while (last.TryBorrow(out ReadOnlySpan<byte> message))
            {
                Note(Log("collect"), ChannelRole.Check(message));
                last.Release();
            }
        CheckLog("collect", sent);
    }

    [Fact]
    public void Broadcast_BlockingSubscriberKilled_ASuccessorGoesOnWhereItWas()
    {
        _ = _area.Create("c", new() { Kind = ChannelKind.Broadcast, CapacityBytes = Capacity });
        Publisher publisher = Own(_area.OpenPublisher("c", _sleepy));
        Window log = Log("subscribe");
        uint next = 0;
        for (int kill = 0; kill < _kills; kill++)
        {
            Child reader = Start("subscribe", 0);
            WorkFor(Moment(), () => TryPublish(publisher, ref next));
            reader.Kill();
            for (int more = 0; more < 200; more++) Watchdog.Run(() => publisher.Write(Message(next++)));   // nobody holds it up
        }
        int again = 0;
        foreach ((byte borrowed, byte released) in MemoryMarshal.Cast<byte, (byte Borrowed, byte Released)>(Counts("subscribe", next)))
        {
            if (released > 1) throw new InvalidOperationException("A message that was released came again.");
            again += Math.Max(0, borrowed - 1);
        }
        again.ShouldBeLessThanOrEqualTo(_kills);   // only what was in a dead reader's hands
        log.Word64(0).ReadAcquire().ShouldBeGreaterThan(0ul);
    }

    [Fact]
    public void Broadcast_PublisherKilled_SubscriberGetsEverythingCommitted()
    {
        _ = _area.Create("c", new() { Kind = ChannelKind.Broadcast, CapacityBytes = Capacity });
        Subscriber subscriber = Own(_area.OpenSubscriber("c", SubscriberPolicy.Block, options: _sleepy));
        Window log = Log("publish");
        uint next = 0;
        for (int kill = 0; kill < _kills; kill++)
        {
            log.Word64(0).WriteRelease(next);   // what was sent and not noted is no concern of the next one's
            Child writer = Start("publish", next);
            WorkFor(Moment(), () => TryTake(subscriber, ref next));
            writer.Kill();
            TakeTheRest(subscriber, ref next);
            ulong committed = log.Word64(0).ReadAcquire();
            ((ulong)next).ShouldBeInRange(committed, committed + 1);   // the last one may have been sent and not yet been noted
        }
        subscriber.Lost.ShouldBe(0ul);
        next.ShouldBeGreaterThan(0u);
    }

    [Fact]
    public void Request_ServerKilled_EveryCallIsAnsweredByItsSuccessor()
    {
        _ = _area.Create("c", new() { Kind = ChannelKind.Request, CapacityBytes = Capacity });
        RequestClient client = Own(_area.OpenClient("c", _sleepy with { AwaitsSuccessor = true }));
        byte[] reply = new byte[128];
        _ = Log("serve");
        using var over = new ManualResetEventSlim();
        var faults = new List<string>();
        uint calls = 0;
        var calling = new Thread(() =>
        {
            try
            {
                for (; !over.IsSet; calls++)
                {
                    CallResult result = client.Call(Message(calls), reply, out int length, Timeout.InfiniteTimeSpan);
                    if (result != CallResult.Replied || ChannelRole.Check(reply.AsSpan(0, length)) != calls + 1) faults.Add($"call {calls}: {result}");
                }
            }
            catch (ObjectDisposedException) { }   // the test has failed, and says why
        });
        Child last = Start("serve", 0);
        calling.Start();
        for (int kill = 0; kill < _kills; kill++)
        {
            uint before = Volatile.Read(ref calls);
            Watchdog.Until(() => Volatile.Read(ref calls) > before, "a call is answered");
            Rest(Moment() / 10);
            last.Kill();
            last = Start("serve", 0);
        }
        over.Set();
        Watchdog.Run(calling.Join);
        faults.ShouldBeEmpty();
        calls.ShouldBeGreaterThan((uint)_kills);
    }

    [Fact]
    public void Request_ClientKilled_ServerGoesOn_AndServesASuccessor()
    {
        _ = _area.Create("c", new() { Kind = ChannelKind.Request, CapacityBytes = Capacity });
        RequestServer server = Own(_area.OpenServer("c", _sleepy));
        Window log = Log("call");
        byte[] reply = new byte[128];
        for (int kill = 0; kill < _kills; kill++)
        {
            log.Word64(0).WriteRelease(0);
            Child client = Start("call", 0);
            WorkFor(Moment(), () =>
            {
                if (server.WaitForRequest(TimeSpan.FromMilliseconds(1)) != ChannelWait.Ready || !server.TryTake(out Request request)) return;
                int length = ChannelRole.Fill(reply, ChannelRole.Check(request.Bytes) + 1);
                _ = server.Reply(request, reply.AsSpan(0, length));
            }, until: () => log.Word64(0).ReadAcquire() > 0);
            client.Kill();
        }
        server.Faults.ShouldBe(0);
        server.Answered.ShouldBeGreaterThan(_kills);
    }

    [Fact]
    public void Stream_WriterKilled_ReaderGetsEveryByteThenTheNews()
    {
        _ = _area.Create("c", new() { Kind = ChannelKind.Stream, CapacityBytes = Capacity });
        ChannelStream stream = Own(_area.OpenListener("c", _sleepy));
        Window log = Log("write");
        byte[] bytes = new byte[999];
        ulong next = 0;
        for (int kill = 0; kill < _kills; kill++)
        {
            Child writer = Start("write", next);
            WorkFor(Moment(), () =>
            {
                if (stream.Peer != PeerState.Open) return;
                try { TakeBytes(stream, bytes, ref next); }
                catch (IOException) { }   // the end that we read from is its predecessor's still
            }, until: () => stream.Peer == PeerState.Open);
            writer.Kill();
            Watchdog.Run(() => Should.Throw<IOException>(() => { while (true) TakeBytes(stream, bytes, ref next); }));
            next.ShouldBeGreaterThanOrEqualTo(log.Word64(0).ReadAcquire());
        }
        next.ShouldBeGreaterThan(0ul);
    }

    private uint SendToOnesThatDie(MessageWriter to, string role)
    {
        _ = Log(role);
        uint next = 0;
        for (int kill = 0; kill < _kills; kill++)
        {
            Child reader = Start(role, 0);
            WorkFor(Moment(), () => TryPublish(to, ref next));
            reader.Kill();
        }
        return next;
    }

    private void CheckLog(string role, uint sent)
    {
        int again = 0;
        foreach ((byte borrowed, byte released) in MemoryMarshal.Cast<byte, (byte Borrowed, byte Released)>(Counts(role, sent)))
        {
            if (borrowed == 0) throw new InvalidOperationException("A message was lost.");
            if (released > 1) throw new InvalidOperationException("A released message came again.");
            again += borrowed - 1;
        }
        again.ShouldBeLessThanOrEqualTo(_kills);   // only what was in a dead reader's hands
        sent.ShouldBeGreaterThan(0u);
    }

    private static void TakeOne(FanInConsumer from, uint[] next)
    {
        if (from.WaitForMessage(TimeSpan.FromMilliseconds(1)) != ChannelWait.Ready || !from.TryBorrow(out ReadOnlySpan<byte> message)) return;
        ChannelRole.Check(message).ShouldBe(next[from.Lane]++);
        from.Release();
    }

    private static void TryTake(MessageReader from, ref uint next)
    {
        if (!from.TryBorrow(out ReadOnlySpan<byte> message))
        {
            _ = from.WaitForMessage(TimeSpan.FromMilliseconds(1));
            return;
        }
        ChannelRole.Check(message).ShouldBe(next++);
        from.Release();
    }

    private static void TakeTheRest(MessageReader from, ref uint next)
    {
        while (from.TryBorrow(out ReadOnlySpan<byte> message))
        {
            ChannelRole.Check(message).ShouldBe(next++);
            from.Release();
        }
    }

    private static void TakeBytes(ChannelStream from, byte[] bytes, ref ulong next)
    {
        int count = from.Read(bytes);
        for (int i = 0; i < count; i++)
            if (bytes[i] != (byte)((next + (uint)i) % 251)) throw new InvalidOperationException($"Byte {next + (uint)i} is {bytes[i]}.");
        next += (uint)count;
    }

    private static void TryPublish(MessageWriter to, ref uint next)
    {
        if (to.TryReserve(ChannelRole.LengthOf(next), out Span<byte> room)) to.Commit(ChannelRole.Fill(room, next++));
        else _ = to.WaitForRoom(ChannelRole.LengthOf(next), TimeSpan.FromMilliseconds(1));
    }

    private static byte[] Message(uint number)
    {
        byte[] message = new byte[ChannelRole.LengthOf(number)];
        _ = ChannelRole.Fill(message, number);
        return message;
    }

    // From a start to a moment at which the child takes its end, or works.
    private TimeSpan Moment() => TimeSpan.FromMicroseconds(_random.Next(0, 120_000));

    private static void WorkFor(TimeSpan time, Action work, Func<bool>? until = null)
    {
        long start = TimeProvider.System.GetTimestamp();
        Watchdog.Run(() =>
        {
            while (TimeProvider.System.GetElapsedTime(start) < time || until?.Invoke() == false) work();
        });
    }

    private static void Rest(TimeSpan time) => WorkFor(time, static () => Thread.Yield());

    private Child Start(string role, ulong first)
    {
        var child = new Child(Path.Combine(AppContext.BaseDirectory, "tombolo-test-server"), "channel", _folder.FullPath, role, first.ToString(CultureInfo.InvariantCulture));
        _owned.Add(child);
        child.ReadLine().ShouldBe("going");
        return child;
    }

    private Window Log(string role)
    {
        using SafeFd file = SharedFile.Open(_folder[$"log-{role}"], _logBytes, create: true);
        return Own(Window.Map(file));
    }

    private static void Note(Window log, uint number) => log.View(64 + (2L * number), 2).CopyIn(0, [1, 1]);

    private byte[] Counts(string role, uint count)
    {
        (64 + (2L * count)).ShouldBeLessThan(_logBytes);
        byte[] counts = new byte[2 * count];
        Log(role).View(64, counts.Length).CopyOut(0, counts);
        return counts;
    }

    private T Own<T>(T owned) where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
