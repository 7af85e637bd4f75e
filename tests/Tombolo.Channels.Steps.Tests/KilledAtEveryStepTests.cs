// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Channels.Tests;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Channels.Steps.Tests;

/// <summary>Ends a party before each single write that it makes to shared memory, lets a successor take over, and checks what must hold. The Nth write of a scenario is the same one every time.</summary>
public sealed class KilledAtEveryStepTests
{
    private static readonly EndOptions _noSpin = new() { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromMilliseconds(20) };
    private static readonly ChannelSpec _ring = new() { CapacityBytes = 256 };

    private sealed class Killed : Exception;

    [Fact]
    public void Producer_OfARing_NothingSentIsLostOrDoubled() => AtEveryStep(20, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea reading = Area(ground, new TestParty());
        reading.Create("c", _ring);
        using RingConsumer consumer = reading.OpenConsumer("c", _noSpin);
        var taken = new List<int>();
        int committed = 0, attempted = 0;

        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            RingProducer producer = Area(ground, dying).OpenProducer("c", _noSpin);
            for (int i = 0; i < 40; i++)
            {
                attempted = i + 1;
                Send(producer, consumer, taken, i, length: 8 + (i * 5 % 90));
                committed = i + 1;
            }
            producer.Dispose();
        });
        using RingProducer successor = Area(ground, new TestParty()).OpenProducer("c", _noSpin);
        Drain(consumer, taken);
        // What was committed is there, in order. What was under way may be there as a whole: the kill may have come after the store that sent it.
        taken.ShouldBe(Enumerable.Range(0, taken.Count));
        taken.Count.ShouldBeInRange(committed, attempted);
        Send(successor, consumer, taken, 1000, length: 30);
        Drain(consumer, taken);
        taken[^1].ShouldBe(1000);
        return died;
    });

    [Fact]
    public void Consumer_OfARing_NothingIsLost_AndWhatWasReleasedDoesNotComeAgain() => AtEveryStep(20, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea writing = Area(ground, new TestParty());
        writing.Create("c", _ring);
        using RingProducer producer = writing.OpenProducer("c", _noSpin);
        var released = new List<int>();
        int next = 0, underRelease = 0;

        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            RingConsumer consumer = Area(ground, dying).OpenConsumer("c", _noSpin);
            while (next < 60)
            {
                Unhooked(() => { while (next < 60 && Put(producer, next, 8 + (next * 5 % 90))) next++; });
                var borrowed = new List<int>();
                while (borrowed.Count < 2 && consumer.TryBorrow(out ReadOnlySpan<byte> message)) borrowed.Add(BitConverter.ToInt32(message));
                underRelease = borrowed.Count;
                consumer.Release();
                released.AddRange(borrowed);
                underRelease = 0;
            }
            consumer.Dispose();
        });
        using RingConsumer successor = Area(ground, new TestParty()).OpenConsumer("c", _noSpin);
        var rest = new List<int>();
        Drain(successor, rest);
        // The successor goes on where the last release that went through ended: all of the one under way, or nothing of it.
        released.ShouldBe(Enumerable.Range(0, released.Count));
        rest.ShouldBe(Enumerable.Range(next - rest.Count, rest.Count));
        (next - rest.Count).ShouldBeOneOf(released.Count, released.Count + underRelease);
        while (!Put(producer, 1000, 100)) Drain(successor, rest);
        Drain(successor, rest);
        rest[^1].ShouldBe(1000);
        return died;
    });

    [Fact]
    public void Sleeper_KilledAnywhere_IsNotWaitedFor() => AtEveryStep(8, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea writing = Area(ground, new TestParty());
        writing.Create("c", _ring);
        using RingProducer producer = writing.OpenProducer("c", _noSpin);
        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            RingConsumer consumer = Area(ground, dying).OpenConsumer("c", _noSpin);
            consumer.WaitForMessage(TimeSpan.FromMilliseconds(1)).ShouldBe(ChannelWait.TimedOut);
            consumer.Dispose();
        });
        using RingConsumer successor = Area(ground, new TestParty()).OpenConsumer("c", _noSpin);
        Put(producer, 7, 8).ShouldBeTrue();
        successor.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.Ready);
        return died;
    });

    [Fact]
    public void Waker_KilledBetweenFlagAndRing_SleeperWakesByTheNewsOfItsDeath() => AtEveryStep(5, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea reading = Area(ground, new TestParty());
        reading.Create("c", _ring);
        using RingConsumer consumer = reading.OpenConsumer("c", new() { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromHours(1) });
        var dying = new TestParty();
        RingProducer producer = Area(ground, dying).OpenProducer("c", _noSpin);
        Task<ChannelWait> wait = Task.Factory.StartNew(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning);
        Watchdog.Until(() => consumer.Sleeps > 0, "the consumer sleeps");
        bool died = kill(dying, () => producer.TryWrite([1]).ShouldBeTrue());
        Watchdog.Run(() => wait.Result.ShouldBeOneOf(ChannelWait.Ready, ChannelWait.PeerDied));
        return died;
    });

    [Fact]
    public void Directory_MakerOrRemoverKilledAnywhere_LeavesNoDebris() => AtEveryStep(20, kill =>
    {
        using var ground = new TestGround(1 << 16);
        var options = new ChannelAreaOptions { Entries = 2, Parties = 0 };
        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            ChannelArea area = ChannelArea.Open(ground.Map(), dying, options);
            area.Create("a", _ring);
            area.Create("b", _ring with { Kind = ChannelKind.FanIn, Spokes = 3 });
            area.Remove("a");
            area.Create("c", _ring);
            area.Remove("b");
        });
        using ChannelArea after = ChannelArea.Open(ground.Map(), new TestParty(), options);
        string[] left = [.. after.List().Select(static channel => channel.Name)];
        left.Length.ShouldBeLessThanOrEqualTo(2);
        foreach (string name in left)
        {
            if (after.Find(name)!.Spec.Kind == ChannelKind.Ring) after.OpenConsumer(name).Dispose();   // whole, whenever it is shown
            after.Remove(name).ShouldBeTrue();
        }
        after.Create("x", new() { CapacityBytes = 8192 }).ShouldBeTrue();   // every line and every byte is free again
        after.Create("y", new() { CapacityBytes = 32768 }).ShouldBeTrue();
        return died;
    });

    [Fact]
    public void Publisher_KilledAnywhere_SubscribersMissNothingThatWasSent() => AtEveryStep(20, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea reading = Area(ground, new TestParty());
        reading.Create("c", _ring with { Kind = ChannelKind.Broadcast, Spokes = 2 });
        using Subscriber blocking = reading.OpenSubscriber("c", SubscriberPolicy.Block, options: _noSpin);
        using Subscriber dropping = Area(ground, new TestParty()).OpenSubscriber("c", SubscriberPolicy.DropOldest, options: _noSpin);
        var taken = new List<int>();
        int committed = 0, attempted = 0;
        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            Publisher publisher = Area(ground, dying).OpenPublisher("c", _noSpin);
            for (int i = 0; i < 30; i++)
            {
                attempted = i + 1;
                Send(publisher, blocking, taken, i, 8 + (i * 5 % 90));
                committed = i + 1;
            }
            publisher.Dispose();
        });
        using Publisher successor = Area(ground, new TestParty()).OpenPublisher("c", _noSpin);
        Drain(blocking, taken);
        taken.ShouldBe(Enumerable.Range(0, taken.Count));
        taken.Count.ShouldBeInRange(committed, attempted);
        for (int i = 0; i < 20; i++) Send(successor, blocking, taken, 1000 + i, 50);
        Drain(blocking, taken);
        taken[^1].ShouldBe(1019);
        var seen = new List<int>();
        Drain(dropping, seen);
        seen[^1].ShouldBe(1019);
        seen.Zip(seen.Skip(1)).ShouldAllBe(pair => pair.Second > pair.First);
        return died;
    });

    [Fact]
    public void Server_KilledAnywhere_SuccessorAnswersEveryRequestOnceMoreAtMost() => AtEveryStep(6, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea area = Area(ground, new TestParty());
        area.Create("c", _ring with { Kind = ChannelKind.Request });
        using RequestClient client = area.OpenClient("c", _noSpin with { AwaitsSuccessor = true, CheckInterval = TimeSpan.FromHours(1) });   // it has to be woken
        byte[] reply = new byte[8];
        Task<CallResult> call = Task.Factory.StartNew(() => client.Call([5], reply, out _, Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning);
        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            RequestServer server = Area(ground, dying).OpenServer("c", _noSpin);
            while (server.WaitForRequest(TimeSpan.FromSeconds(1)) != ChannelWait.Ready) { }
            server.TryTake(out Request request).ShouldBeTrue();
            server.Reply(request, [50]).ShouldBeTrue();
            server.Dispose();
        });
        using RequestServer successor = Area(ground, new TestParty()).OpenServer("c", _noSpin);
        Watchdog.Until(() =>
        {
            while (successor.TryTake(out Request request)) successor.Reply(request, [51]);
            return call.IsCompleted;
        }, "the call is over");
        call.Result.ShouldBe(CallResult.Replied);
        reply[0].ShouldBeOneOf((byte)50, (byte)51);
        client.Call([6], reply, out _, TimeSpan.Zero).ShouldBe(CallResult.TimedOut);
        return died;
    });

    [Fact]
    public void Client_KilledAnywhere_ServerAnswersItsSuccessor() => AtEveryStep(8, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea area = Area(ground, new TestParty());
        area.Create("c", _ring with { Kind = ChannelKind.Request });
        using RequestServer server = area.OpenServer("c", _noSpin);
        void Serve()
        {
            while (server.TryTake(out Request request)) _ = server.Reply(request, request.Bytes.ToArray());
        }
        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            RequestClient client = Area(ground, dying).OpenClient("c", _noSpin);
            for (byte i = 0; i < 9; i++)
            {
                client.Call([i, .. new byte[60]], [], out _, TimeSpan.Zero).ShouldBe(CallResult.TimedOut);   // the reply is thrown away at the next call
                Unhooked(Serve);
            }
            client.Dispose();
        });
        using RequestClient successor = Area(ground, new TestParty()).OpenClient("c", _noSpin);
        ValueTask<byte[]> call = successor.CallAsync(new byte[] { 77 }, Timeout.InfiniteTimeSpan);
        Serve();
        Watchdog.Run(() => call.AsTask().Result.ShouldBe([77]));
        server.Faults.ShouldBe(0);
        return died;
    });

    [Fact]
    public void BlockingSubscriber_KilledAnywhere_SuccessorGoesOnWhereItWas() => AtEveryStep(20, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea writing = Area(ground, new TestParty());
        writing.Create("c", _ring with { Kind = ChannelKind.Broadcast });
        using Publisher publisher = writing.OpenPublisher("c", _noSpin);
        Put(publisher, -1, 8).ShouldBeTrue();   // before anybody was there
        var released = new List<int>();
        int next = 0;
        bool isThere = false;
        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            Subscriber subscriber = Area(ground, dying).OpenSubscriber("c", options: _noSpin);
            isThere = true;
            while (next < 30)
            {
                Unhooked(() => { while (next < 30 && Put(publisher, next, 8 + (next * 5 % 90))) next++; });
                while (subscriber.TryBorrow(out ReadOnlySpan<byte> message))
                {
                    int value = BitConverter.ToInt32(message);
                    subscriber.Release();
                    released.Add(value);
                }
            }
            subscriber.Dispose();
        });
        using Subscriber successor = Area(ground, new TestParty()).OpenSubscriber("c", resumes: true, options: _noSpin);
        var rest = new List<int>();
        Drain(successor, rest);
        if (isThere && died)
        {
            released.ShouldBe(Enumerable.Range(0, released.Count));
            rest.ShouldBe(Enumerable.Range(next - rest.Count, rest.Count));
            (next - rest.Count).ShouldBeOneOf(released.Count, released.Count + 1);   // the release under way went through, or did not
        }
        for (int i = 0; i < 20; i++) Send(publisher, successor, rest, 1000 + i, 50);
        Drain(successor, rest);
        rest[^1].ShouldBe(1019);
        return died;
    });

    [Fact]
    public void FanInConsumer_KilledAnywhere_LosesNothing_AndWhatItReleasedDoesNotComeAgain() => AtEveryStep(20, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea writing = Area(ground, new TestParty());
        writing.Create("c", _ring with { Kind = ChannelKind.FanIn, Spokes = 2 });
        using RingProducer one = writing.OpenProducer("c", _noSpin), two = Area(ground, new TestParty()).OpenProducer("c", _noSpin);
        var released = new List<int>();
        int next = 0;
        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            FanInConsumer consumer = Area(ground, dying).OpenFanIn("c", _noSpin);
            while (next < 40)
            {
                Unhooked(() => { while (next < 40 && Put(next % 2 == 0 ? one : two, next, 8 + (next * 5 % 90))) next++; });
                while (consumer.TryBorrow(out ReadOnlySpan<byte> message))
                {
                    int value = BitConverter.ToInt32(message);
                    consumer.Release();
                    released.Add(value);
                }
            }
            consumer.Dispose();
        });
        using FanInConsumer successor = Area(ground, new TestParty()).OpenFanIn("c", _noSpin);
        var rest = new List<int>();
        Drain(successor, rest);
        int[] all = [.. released, .. rest];
        all.Distinct().Count().ShouldBe(all.Length);
        Enumerable.Range(0, next).Except(all).Count().ShouldBeLessThanOrEqualTo(1);   // the release under way went through
        foreach (int half in (int[])[0, 1]) all.Where(value => value % 2 == half).ShouldBeInOrder();
        successor.Faults.ShouldBe(0);
        return died;
    });

    [Fact]
    public void Stream_CallerKilledAnywhere_EveryByteWrittenIsRead_AndASuccessorGoesOn() => AtEveryStep(20, kill =>
    {
        using var ground = new TestGround(1 << 16);
        using ChannelArea reading = Area(ground, new TestParty());
        reading.Create("c", _ring with { Kind = ChannelKind.Stream });
        using ChannelStream listener = reading.OpenListener("c", _noSpin);
        byte[] bytes = [.. Enumerable.Range(0, 100).Select(static value => (byte)value)], buffer = new byte[300];
        int written = 0, attempted = 0, read = 0;
        void Read(int most)
        {
            for (int left = most; left > 0;)
            {
                int count = listener.Read(buffer.AsSpan(0, Math.Min(left, buffer.Length)));
                for (int i = 0; i < count; i++) buffer[i].ShouldBe((byte)(read++ % 100));
                left -= count;
            }
        }
        var dying = new TestParty();
        bool died = kill(dying, () =>
        {
            ChannelStream caller = Area(ground, dying).OpenCaller("c", _noSpin);
            for (int i = 0; i < 8; i++)
            {
                attempted += bytes.Length;
                caller.Write(bytes);
                written += bytes.Length;
                Unhooked(() =>
                {
                    Read(bytes.Length);
                    listener.Write([5]);
                });
                caller.ReadByte().ShouldBe(5);
            }
            caller.Dispose();
        });
        int waiting = (int)(reading.Find("c")!.Rings[0] is var ring ? ring.Head - ring.Tail : 0);
        (read + waiting).ShouldBeInRange(written, attempted);
        Read(waiting);
        using ChannelStream successor = Area(ground, new TestParty()).OpenCaller("c", _noSpin);
        successor.Write([200]);
        listener.ReadByte().ShouldBe(200);
        while (reading.Find("c")!.Rings[1] is var back && back.Head != back.Tail) successor.ReadByte().ShouldBe(5);
        listener.Write([201]);
        successor.ReadByte().ShouldBe(201);
        return died;
    });

    // Runs a scenario again and again; the Nth time the party is ended before its Nth write. It has been through when the party was not ended.
    private static void AtEveryStep(int least, Func<Func<TestParty, Action, bool>, bool> scenario)
    {
        for (int at = 1; ; at++)
        {
            int kill = at;
            string where = "";
            bool died;
            try
            {
                died = scenario((party, work) => Run(party, work, kill, out where));
            }
            catch (Exception exception) when (exception is not Killed)
            {
                throw new InvalidOperationException($"Killed before write {at} ({where}): {exception.Message}", exception);
            }
            if (died) continue;
            at.ShouldBeGreaterThan(least);   // the hook is compiled in, and was passed
            return;
        }
    }

    private static bool Run(TestParty party, Action work, int kill, out string where)
    {
        int steps = 0;
        string last = "";
        Step.Hook = what =>
        {
            if (++steps >= kill)   // a dead party writes nothing more, whatever its clean-up tries
            {
                if (steps == kill) last = what;
                throw new Killed();
            }
        };
        try
        {
            work();
            return false;
        }
        catch (Killed)
        {
            Step.Hook = null;
            party.Die();
            return true;
        }
        finally
        {
            Step.Hook = null;
            where = last;
        }
    }

    private static ChannelArea Area(TestGround ground, IParty party) => ChannelArea.Open(ground.Map(), party, new() { Entries = 2, Parties = 0 });

    private static bool Put(MessageWriter writer, int value, int length)
    {
        if (!writer.TryReserve(length, out Span<byte> room)) return false;
        BitConverter.TryWriteBytes(room, value);
        writer.Commit(length);
        return true;
    }

    // Both sides take turns on this thread; the reader's steps must not count as the writer's.
    private static void Send(MessageWriter writer, MessageReader reader, List<int> taken, int value, int length)
    {
        while (!Put(writer, value, length)) Unhooked(() => Drain(reader, taken));
    }

    private static void Unhooked(Action work)
    {
        Action<string>? hook = Step.Hook;
        Step.Hook = null;
        work();
        Step.Hook = hook;
    }

    private static void Drain(MessageReader reader, List<int> taken)
    {
        while (reader.TryBorrow(out ReadOnlySpan<byte> message))
        {
            taken.Add(BitConverter.ToInt32(message));
            reader.Release();
        }
    }
}
