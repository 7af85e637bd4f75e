// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Switching.Tests;

/// <summary>A switch with several data threads: queues are spread over them, and whatever goes through one queue stays in order.</summary>
public sealed class ManyThreadsTests
{
    private const int Pairs = 4, Frames = 1500;

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public async Task Queues_SpreadOverThreads_EveryFrameArrivesInTheOrderOfItsQueue_AndEachThreadWorks(int threads)
    {
        await using SwitchRig rig = SwitchRig.Start(2, null, options => options with { DataThreads = threads });
        ScriptedDriver[] drivers = [rig.Attach(0, new(pairs: Pairs)), rig.Attach(1, new(pairs: Pairs))];
        foreach (ScriptedDriver driver in drivers)
            for (int pair = 1; pair < Pairs; pair++) driver.Refill(pair).ShouldBeGreaterThan(0);
        int[,] sent = new int[2, Pairs], got = new int[2, Pairs];
        int left = 2 * Pairs * Frames;
        Testing.Watchdog.Until(() =>
        {
            for (int side = 0; side < 2; side++)
                for (int pair = 0; pair < Pairs; pair++)
                {
                    while (sent[side, pair] < Frames && drivers[side].TrySend(SwitchRig.FrameFor(1 - side, side, (pair * Frames) + sent[side, pair]), pair: pair)) sent[side, pair]++;
                    left -= Take(drivers[side], pair, got, 1 - side);
                }
            return left == 0;
        }, "every frame arrives");
        SwitchSnapshot snapshot = await rig.Switch.SnapshotAsync();
        foreach (PortSnapshot port in snapshot.Ports) (port[PortCounter.FramesFrom], port[PortCounter.FramesTo], port.Lost).ShouldBe((Pairs * Frames, Pairs * Frames, 0));
        rig.Switch.Threads.Count.ShouldBe(threads);
        for (int thread = 0; thread < threads; thread++)
            for (int port = 0; port < 2; port++)
            {
                // The thread of a queue follows from port and queue alone.
                long own = Enumerable.Range(0, Pairs).Count(pair => (port + pair) % threads == thread);
                long[] counts = new long[PortCounters.Count];
                rig.Switch.Threads[thread].AddTo(counts, port);
                counts[(int)PortCounter.FramesFrom].ShouldBe(own * Frames, $"thread {thread}, port {port}");
            }
    }

    /// <summary>More frames come while a batch is taken, than it has room for: they are the next batch's.</summary>
    [Theory, InlineData(ScriptedDriver.Version1 | ScriptedDriver.Mergeable), InlineData(ScriptedDriver.Version1 | ScriptedDriver.Mergeable | ScriptedDriver.Packed)]
    public void Batch_FilledFurtherWhileItIsTaken_TakesNoMoreThanItHolds(ulong features)
    {
        const int First = 49, More = 60;   // 16 and 16 and 16 and 1 are taken, and then 16 would be too many for a batch of 64
        ScriptedDriver? sender = null;
        int posted = 0;
        var log = new Heard(line =>
        {
            if (!line.Contains("nobody that it reaches", StringComparison.Ordinal)) return;
            for (; posted < First + More; posted++) sender!.TrySend(SwitchRig.FrameFor(1, 0, posted), kick: false).ShouldBeTrue();
        });
        using var rig = new SteppedSwitch(2, null, index => index == 0 ? sender = new(features, size: 128) : new(features, size: 128), log);
        for (; posted < First - 1; posted++) sender!.TrySend(SwitchRig.FrameFor(1, 0, posted), kick: false).ShouldBeTrue();
        sender!.TrySend(SwitchRig.FrameFor(5, 0, posted++)).ShouldBeTrue();   // the last of what is there is for nobody: that is said, and whoever hears it sends more
        rig.Turn();
        rig.Received(1).Select(static one => SwitchRig.NumberOf(one.Frame)).ShouldBe(Enumerable.Range(0, First + More).Where(static number => number != First - 1));
    }

    private sealed class Heard(Action<string> say) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => say(formatter(state, exception));
    }

    // What has come to a queue: of each sender's queue the next number, and no other.
    private static int Take(ScriptedDriver driver, int pair, int[,] got, int from)
    {
        int count = 0;
        for (; driver.TryReceive(pair) is { } frame; count++)
        {
            int number = SwitchRig.NumberOf(frame.Frame), queue = number / Frames;
            frame.Frame.ShouldBe(SwitchRig.FrameFor(1 - from, from, number));
            (number % Frames).ShouldBe(got[from, queue]++, $"the next frame of queue {queue}");
        }
        if (count > 0) _ = driver.Refill(pair);
        return count;
    }
}
