// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise.Tests;

/// <summary>Each kind of damage on the way is found, at the end where it can be seen, and named for what it is.</summary>
public sealed class TrafficTests
{
    private static readonly SendPlan _plan = new() { MinBytes = 16, MaxBytes = 383, Count = 50, EchoTimeout = TimeSpan.FromMilliseconds(50), Window = 4 };

    [Fact]
    public void Run_FaultlessLink_IsClean()
    {
        (ExerciseReport sender, ExerciseReport receiver) = Run(_plan, static _ => { });
        (sender.IsClean, receiver.IsClean).ShouldBe((true, true));
        sender.Targets.ShouldHaveSingleItem().Delivered.ShouldBe(50);
        StreamReport stream = receiver.Streams.ShouldHaveSingleItem();
        (stream.From, stream.Received, stream.Bytes, stream.HasEnded).ShouldBe(("1", 50, sender.Targets[0].Bytes, true));
    }

    [Fact]
    public void Run_MessageLost_IsCountedByTheReceiver() => Receiver((n, message) => n is 10 or 49 ? [] : [message]).ShouldBe((48, 2, 0, 0, 0));

    [Fact]
    public void Run_MessageDoubled_IsCountedByTheReceiver() => Receiver((n, message) => n == 10 ? [message, message] : [message]).ShouldBe((50, 0, 1, 0, 0));

    [Fact]
    public void Run_MessagesSwapped_IsCountedByTheReceiver()
    {
        byte[] held = [];
        Receiver((n, message) =>
        {
            if (n == 11) return [message, held];
            if (n != 10) return [message];
            held = message;
            return [];
        }).ShouldBe((50, 0, 0, 1, 0));
    }

    [Fact]
    public void Run_ByteChanged_IsCountedByTheReceiver() => Receiver((n, message) =>
    {
        if (n == 10) message[^1] ^= 1;
        return [message];
    }).ShouldBe((49, 1, 0, 0, 1));

    [Fact]
    public void Run_Echoes_AreCountedAndTimed()
    {
        (ExerciseReport sender, ExerciseReport receiver) = Run(_plan with { WantsEchoes = true }, static _ => { });
        (sender.IsClean, sender.Targets[0].Echoed, receiver.Echoed).ShouldBe((true, 50, 50));
        sender.Targets[0].RoundTripMicroseconds.ShouldNotBeNull();
    }

    [Fact]
    public void Run_EchoLost_IsGivenUpAndCounted()
    {
        (ExerciseReport sender, _) = Run(_plan with { WantsEchoes = true }, static receiver => receiver.Carrier = static (n, message) => n is 5 or 49 ? [] : [message]);
        (sender.IsClean, sender.Targets[0].Echoed, sender.Targets[0].Lost).ShouldBe((false, 48, 2));
    }

    [Fact]
    public void Run_EchoDoubled_IsUnexpected()
    {
        (ExerciseReport sender, _) = Run(_plan with { WantsEchoes = true }, static receiver => receiver.Carrier = static (n, message) => n == 5 ? [message, message] : [message]);
        (sender.IsClean, sender.Targets[0].Echoed, sender.Targets[0].Unexpected).ShouldBe((false, 50, 1));
    }

    [Fact]
    public void Run_EchoDamaged_IsCorruptAndLost()
    {
        (ExerciseReport sender, _) = Run(_plan with { WantsEchoes = true }, static receiver => receiver.Carrier = static (n, message) =>
        {
            if (n == 5) message[^1] ^= 1;
            return [message];
        });
        (sender.IsClean, sender.Targets[0].Lost, sender.CorruptFrom.GetValueOrDefault("2")).ShouldBe((false, 1, 1));
    }

    [Fact]
    public void Run_NoEchoAtAll_IsGivenUp()
    {
        (ExerciseReport sender, _) = Run(_plan with { WantsEchoes = true }, static receiver => receiver.Carrier = static (_, _) => []);
        (sender.IsClean, sender.Targets[0].Echoed).ShouldBe((false, 0));
        sender.Targets[0].Sent.ShouldBeInRange(10, 14);
        sender.Targets[0].Lost.ShouldBe(sender.Targets[0].Sent);
    }

    [Theory]
    [InlineData(Outcome.TimedOut)]
    [InlineData(Outcome.Unreachable)]
    internal void Run_NotTaken_IsNotClean(Outcome verdict)
    {
        (FaultyLink one, _) = FaultyLink.Pair();
        one.Verdict = verdict;
        var serving = new Serving(one);
        var sending = new Sending(one, serving, _plan, TimeProvider.System);
        sending.Run(one.Neighbours(), CancellationToken.None);
        TargetReport report = sending.Report().ShouldHaveSingleItem();
        (report.IsClean, report.Delivered, report.TimedOut + report.Unreachable).ShouldBe((false, 0, 10));   // in a row: then it is given up
    }

    [Fact]
    public void Run_Stopped_EndsAndTellsTheReceiver()
    {
        using var stop = new CancellationTokenSource();
        (FaultyLink one, FaultyLink two) = FaultyLink.Pair();
        var receiving = new Serving(two);
        two.Listen((from, message) =>
        {
            receiving.Take(from, message);
            if (receiving.Report()[0].Received == 7) stop.Cancel();
        });
        var sending = new Sending(one, new(one), _plan with { Count = 0, Duration = TimeSpan.FromDays(1), Rate = 1000 }, TimeProvider.System);
        sending.Run(one.Neighbours(), stop.Token);
        StreamReport stream = receiving.Report().ShouldHaveSingleItem();
        (stream.Received, stream.Lost, stream.HasEnded).ShouldBe((7, 0, true));
    }

    [Fact]
    public void Problems_ImpossiblePlans_AreNamed()
    {
        _plan.Problems(383).ShouldBeEmpty();
        (_plan with { MinBytes = 15 }).Problems(383).ShouldHaveSingleItem().ShouldContain("16 to 383");
        (_plan with { MaxBytes = 384 }).Problems(383).ShouldHaveSingleItem().ShouldContain("16 to 383");
        (_plan with { MinBytes = 100, MaxBytes = 99 }).Problems(383).ShouldHaveSingleItem().ShouldContain("the smaller one first");
        (_plan with { Count = 0 }).Problems(383).ShouldHaveSingleItem().ShouldContain("Neither a count nor a duration");
        (_plan with { Rate = -1 }).Problems(383).ShouldHaveSingleItem().ShouldContain("rate is -1");
        (_plan with { Window = 0 }).Problems(383).ShouldHaveSingleItem().ShouldContain("window is 0");
    }

    private static (long Received, long Lost, long Doubled, long Reordered, long Corrupt) Receiver(Func<int, byte[], IEnumerable<byte[]>> carrier)
    {
        (_, ExerciseReport report) = Run(_plan, static _ => { }, carrier);
        StreamReport stream = report.Streams.ShouldHaveSingleItem();
        report.IsClean.ShouldBeFalse();
        return (stream.Received, stream.Lost, stream.Doubled, stream.Reordered, report.CorruptFrom.GetValueOrDefault("1"));
    }

    private static (ExerciseReport Sender, ExerciseReport Receiver) Run(SendPlan plan, Action<FaultyLink> spoilReceiver, Func<int, byte[], IEnumerable<byte[]>>? carrier = null)
    {
        (FaultyLink one, FaultyLink two) = FaultyLink.Pair();
        if (carrier is not null) one.Carrier = carrier;
        spoilReceiver(two);
        Serving asking = new(one), answering = new(two);
        one.Listen(asking.Take);
        two.Listen(answering.Take);
        var sending = new Sending(one, asking, plan, TimeProvider.System);
        sending.Run(one.Neighbours(), CancellationToken.None);
        return (ExerciseReport.Of(one, sending.Elapsed, sending.Report(), asking), ExerciseReport.Of(two, sending.Elapsed, [], answering));
    }
}
