// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Runtime.InteropServices;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels.Tests;

/// <summary>kill -9 at random moments. The seed makes the moments' lengths; where in the code they fall, the machine decides.</summary>
public sealed class KillTests
{
    private const int Seed = 20;

    [Fact]
    public void Producer_KilledAFewTimes_NothingIsLostOrDoubled() => KillProducers(40);

    [Fact]
    [Trait("Speed", "slow")]
    public void Producer_KilledAThousandTimes_NothingIsLostOrDoubled() => KillProducers(1500);

    [Fact]
    public void Consumer_KilledAFewTimes_NothingIsLostOrReleasedTwice() => KillConsumers(40);

    [Fact]
    [Trait("Speed", "slow")]
    public void Consumer_KilledAThousandTimes_NothingIsLostOrReleasedTwice() => KillConsumers(1500);

    // The survivor sleeps without a limit in futex sleeps, so it learns of each death by the kernel's word alone.
    private static void KillProducers(int kills)
    {
        using var folder = new TemporaryFolder();
        using var peer = new CPeer(folder, 4096);
        using RingConsumer consumer = peer.Area.OpenConsumer("c", CPeer.Patient with { CheckInterval = TimeSpan.FromHours(1) });
        var random = new Random(Seed);
        int next = 0, deaths = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            using Process writer = peer.Put(first: next);
            TimeSpan moment = TimeSpan.FromMicroseconds(random.Next(0, 4000));
            Watchdog.Run(() =>
            {
                long start = Stopwatch.GetTimestamp();
                bool isKilled = false;
                while (true)
                {
                    // Not before the first of them has taken the end: nobody can be told of the death of somebody who was never there.
                    if (!isKilled && Stopwatch.GetElapsedTime(start) >= moment && consumer.Producer != PeerState.Absent) isKilled = LinuxProcess.TrySignal(writer.Id, Signal.Kill);
                    ChannelWait wait = consumer.WaitForMessage(isKilled ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(1));
                    if (wait == ChannelWait.PeerDied && isKilled) break;
                    if (wait != ChannelWait.Ready) continue;
                    consumer.TryBorrow(out ReadOnlySpan<byte> message).ShouldBeTrue();
                    int number = peer.Check(message);
                    if (number != next) throw new InvalidOperationException($"After {kill} kills, message {number} came in place of {next}.");
                    next++;
                    consumer.Release();
                }
            });
            deaths++;
            writer.WaitForExit(Watchdog.Limit).ShouldBeTrue();
            while (consumer.TryBorrow(out ReadOnlySpan<byte> late))   // the kill may have reached it after the last look, which told of its predecessor's death
            {
                peer.Check(late).ShouldBe(next++);
                consumer.Release();
            }
        }
        deaths.ShouldBe(kills);
        next.ShouldBeGreaterThan(kills);   // they were killed at work
        peer.Area.Find("c")!.Ends[1].State.ShouldBe(PeerState.Dead);
        peer.Area.Remove("c", force: true).ShouldBeTrue();   // no debris: the whole area is free again
        peer.Area.Create("all", new() { CapacityBytes = 1 << 19 }).ShouldBeTrue();
    }

    private static void KillConsumers(int kills)
    {
        using var folder = new TemporaryFolder();
        using var peer = new CPeer(folder, 4096);
        const int Log = 64 << 20;
        using SafeFd file = SharedFile.Open(folder["log"], Log, create: true);
        using Window log = Window.Map(file);
        using RingProducer producer = peer.Area.OpenProducer("c", CPeer.Patient with { CheckInterval = TimeSpan.FromHours(1) });
        var random = new Random(Seed);
        int sent = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            using Process reader = peer.Take(0, folder["log"]);
            TimeSpan moment = TimeSpan.FromMicroseconds(random.Next(0, 4000));
            Watchdog.Run(() =>
            {
                long start = Stopwatch.GetTimestamp();
                bool isKilled = false;
                while (true)
                {
                    if (!isKilled && Stopwatch.GetElapsedTime(start) >= moment && producer.Consumer != PeerState.Absent) isKilled = LinuxProcess.TrySignal(reader.Id, Signal.Kill);
                    if (peer.TryWrite(producer, sent)) sent++;
                    else if (producer.WaitForRoom(peer.LengthOf(sent), isKilled ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(1)) == ChannelWait.PeerDied && isKilled) break;
                }
            });
            reader.WaitForExit(Watchdog.Limit).ShouldBeTrue();
        }
        using (RingConsumer last = peer.Area.OpenConsumer("c", CPeer.Patient))
            while (last.TryBorrow(out ReadOnlySpan<byte> message))
            {
                int number = peer.Check(message);
                last.Release();
                log.View(2L * number, 2).CopyIn(0, [1, 1]);
            }
        (2L * sent).ShouldBeLessThan(Log);
        byte[] counts = new byte[2 * sent];
        log.View(0, counts.Length).CopyOut(0, counts);
        int twice = 0;
        foreach ((byte borrowed, byte released) in MemoryMarshal.Cast<byte, (byte, byte)>(counts))
        {
            if (borrowed == 0) throw new InvalidOperationException("A message was lost.");
            if (released > 1) throw new InvalidOperationException("A released message came again.");
            twice += borrowed - 1;
        }
        twice.ShouldBeLessThanOrEqualTo(kills);   // only what was in a dead reader's hands came again
        sent.ShouldBeGreaterThan(kills);
    }
}
