// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Channels.Tests;

/// <summary>Every other kind against the simplest model there is; <see cref="RingPropertyTests"/> has the ring. Parties die and are succeeded at any place in a history.</summary>
public sealed class KindPropertyTests
{
    private const int Capacity = 512, Producers = 3;
    private static readonly EndOptions _options = new() { Spin = TimeSpan.Zero, AwaitsSuccessor = true };

    private readonly record struct Doing(int What, int Who, int Length);

    // What: of ten, so that each test weighs as it needs.
    private static readonly Gen<Doing> _doing =
        from what in Gen.Choose(0, 9)
        from who in Gen.Choose(0, Producers - 1)
        from length in Gen.Frequency((6, Gen.Choose(4, 40)), (2, Gen.Choose(4, Capacity / 2)), (1, Gen.Choose(4, Capacity - 16)))
        select new Doing(what, who, length);

    private static void ForAll(Action<TestGround, ChannelArea, IEnumerable<Doing>> holds, ChannelSpec spec) =>
        Prop.ForAll(_doing.ListOf().ToArbitrary(), history =>
        {
            using var ground = new TestGround(1 << 16);
            ChannelArea area = ground.Area(new TestParty());
            area.Create("c", spec);
            holds(ground, area, history);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void FanIn_AnyHistory_IsThatOfAQueueForEachProducer() => ForAll(static (ground, area, history) =>
    {
        var queues = new Queue<int>[Producers];
        var parties = new TestParty[Producers];
        var producers = new RingProducer[Producers];
        for (int who = 0; who < Producers; who++) (queues[who], parties[who], producers[who]) = (new(), new(), null!);
        for (int who = 0; who < Producers; who++) producers[who] = ground.Area(parties[who]).OpenProducer("c", _options);
        var hub = new TestParty();
        FanInConsumer consumer = ground.Area(hub).OpenFanIn("c", _options);
        int number = 0;
        foreach (Doing doing in history)
            switch (doing.What)
            {
                case < 5:
                    if (Write(producers[doing.Who], number, doing.Length)) queues[doing.Who].Enqueue(number++);
                    break;
                case < 8:
                    Take(consumer, queues);
                    break;
                case 8:
                    parties[doing.Who].Die();
                    producers[doing.Who] = ground.Area(parties[doing.Who] = new()).OpenProducer("c", _options);   // of the lanes, the only dead one's
                    break;
                default:
                    hub.Die();
                    consumer = ground.Area(hub = new()).OpenFanIn("c", _options);
                    break;
            }
        while (queues.Any(static queue => queue.Count > 0)) Take(consumer, queues);
        consumer.TryRead(out byte[]? _).ShouldBeFalse();
        consumer.Faults.ShouldBe(0);
    }, new() { Kind = ChannelKind.FanIn, CapacityBytes = Capacity, Spokes = Producers });

    private static void Take(FanInConsumer consumer, Queue<int>[] queues)
    {
        bool there = consumer.TryRead(out byte[]? message);
        there.ShouldBe(queues.Any(static queue => queue.Count > 0));
        if (there) Check(message!, queues[consumer.Lane].Dequeue());
    }

    [Fact]
    public void Broadcast_AnyHistory_BlockedForGetsAll_WhoDropsKnowsHowMany() => ForAll(static (ground, area, history) =>
    {
        SubscriberPolicy[] policies = [SubscriberPolicy.Block, SubscriberPolicy.DropOldest];
        var sending = new TestParty();
        Publisher publisher = ground.Area(sending).OpenPublisher("c", _options);
        Subscriber[] subscribers = [.. policies.Select(policy => ground.Area(new TestParty()).OpenSubscriber("c", policy, options: _options))];
        int sent = 0;
        int[] next = new int[subscribers.Length];
        foreach (Doing doing in history)
            switch (doing.What)
            {
                case < 5:
                    if (Write(publisher, sent, doing.Length)) sent++;
                    break;
                case < 9:
                    Take(doing.Who % subscribers.Length);
                    break;
                default:
                    sending.Die();
                    publisher = ground.Area(sending = new()).OpenPublisher("c", _options);
                    break;
            }
        for (int who = 0; who < subscribers.Length; who++)
        {
            while (Take(who)) { }
            next[who].ShouldBe(sent);
        }
        subscribers[0].Lost.ShouldBe(0ul);

        bool Take(int who)
        {
            if (!subscribers[who].TryRead(out byte[]? message)) return false;
            int number = NumberOf(message!);
            Check(message!, number);
            number.ShouldBeGreaterThanOrEqualTo(next[who]);
            if (policies[who] == SubscriberPolicy.Block) number.ShouldBe(next[who]);
            next[who] = number + 1;
            (subscribers[who].Messages + subscribers[who].Lost).ShouldBe((ulong)next[who]);
            return true;
        }
    }, new() { Kind = ChannelKind.Broadcast, CapacityBytes = Capacity, Spokes = 2 });

    [Fact]
    public void Request_AnyHistory_EachRequestIsHandledInOrder_AndOnlyLateRepliesAreThrownAway() => ForAll(static (ground, area, history) =>
    {
        TestParty serving = new(), calling = new();
        RequestServer server = ground.Area(serving).OpenServer("c", _options);
        RequestClient client = ground.Area(calling).OpenClient("c", _options);
        var waiting = new Queue<int>();
        int number = 0;
        byte[] reply = new byte[Capacity];
        foreach (Doing doing in history)
            switch (doing.What)
            {
                case < 5:
                    byte[] request = Message(number, Math.Min(doing.Length, client.MaxMessage));
                    long sentBefore = (long)area.Find("c")!.Rings[0].Sent;
                    client.Call(request, reply, out int _, TimeSpan.Zero).ShouldBe(CallResult.TimedOut);   // nobody answers within no time
                    if ((long)area.Find("c")!.Rings[0].Sent > sentBefore) waiting.Enqueue(number);
                    number++;
                    break;
                case < 8:
                    bool there = server.TryTake(out Request taken);
                    there.ShouldBe(waiting.Count > 0);
                    if (!there) break;
                    Check(taken.Bytes, waiting.Dequeue());
                    if (doing.What == 7) server.Refuse(taken);
                    else _ = server.Reply(taken, taken.Bytes.ToArray());
                    break;
                case 8:
                    serving.Die();
                    server = ground.Area(serving = new()).OpenServer("c", _options);
                    break;
                default:
                    calling.Die();
                    client = ground.Area(calling = new()).OpenClient("c", _options);
                    break;
            }
        server.Faults.ShouldBe(0);
    }, new() { Kind = ChannelKind.Request, CapacityBytes = Capacity });

    [Fact]
    public void Stream_AnyHistory_IsThatOfAQueueOfBytes() => ForAll(static (ground, area, history) =>
    {
        TestParty[] parties = [new(), new()];
        ChannelStream[] ends = [ground.Area(parties[0]).OpenListener("c", _options), ground.Area(parties[1]).OpenCaller("c", _options)];
        Queue<byte>[] onTheWay = [new(), new()];   // by their writer
        int number = 0;
        foreach (Doing doing in history)
        {
            int who = doing.Who % 2;
            switch (doing.What)
            {
                case < 5:
                    byte[] bytes = [.. Enumerable.Range(number++, Math.Min(doing.Length, Capacity - onTheWay[who].Count)).Select(static value => (byte)value)];
                    ends[who].Write(bytes);
                    foreach (byte value in bytes) onTheWay[who].Enqueue(value);
                    break;
                case < 9:
                    byte[] got = new byte[Math.Min(doing.Length, onTheWay[1 - who].Count)];
                    ends[who].ReadExactly(got);
                    got.ShouldBe(got.Select(_ => onTheWay[1 - who].Dequeue()));
                    break;
                default:
                    parties[who].Die();
                    ChannelArea anew = ground.Area(parties[who] = new());
                    ends[who] = who == 0 ? anew.OpenListener("c", _options) : anew.OpenCaller("c", _options);
                    break;
            }
        }
    }, new() { Kind = ChannelKind.Stream, CapacityBytes = Capacity });

    private static bool Write(MessageWriter to, int number, int length) => to.TryWrite(Message(number, Math.Min(length, to.MaxMessage)));

    private static byte[] Message(int number, int length) => [.. BitConverter.GetBytes(number), .. Enumerable.Repeat((byte)number, length - 4)];

    private static int NumberOf(ReadOnlySpan<byte> message) => BitConverter.ToInt32(message);

    private static void Check(ReadOnlySpan<byte> message, int number)
    {
        NumberOf(message).ShouldBe(number);
        if (message[4..].ContainsAnyExcept((byte)number)) throw new InvalidOperationException($"Message {number} is not as it was sent.");
    }
}
