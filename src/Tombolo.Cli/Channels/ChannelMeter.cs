// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Channels;
using Tombolo.Cli.Output;
using Tombolo.Cli.Processes;

namespace Tombolo.Cli.Channels;

/// <summary>What a channel does on this machine.</summary>
/// <param name="Bytes">Of a message.</param>
/// <param name="LatencyNanoseconds">Half a round trip while both sides poll: median.</param>
/// <param name="LatencyNanoseconds99">The same: 99 % took no longer.</param>
/// <param name="WakeNanoseconds">One way to a receiver that sleeps, half a round trip of two sleepers: median.</param>
/// <param name="WakeNanoseconds99">The same: 99 % took no longer.</param>
/// <param name="MessagesPerSecond">One way, as fast as it goes.</param>
internal sealed record ChannelFigures(int Bytes, long LatencyNanoseconds, long LatencyNanoseconds99, long WakeNanoseconds, long WakeNanoseconds99, double MessagesPerSecond);

/// <summary>Measures channels between this process and another of the same program. A quick look; bench/ compares with other ways.</summary>
internal static class ChannelMeter
{
    private const int Trips = 100_000, Wakes = 2_000;
    private const byte Echo = 1, EchoAsleep = 2, Count = 3, End = 4;
    private static readonly EndOptions _polling = new() { Spin = TimeSpan.FromMilliseconds(100) }, _asleep = new() { Spin = TimeSpan.Zero };

    /// <summary>Measures.</summary>
    /// <exception cref="CommandException">The other process could not be started, or died.</exception>
    /// <exception cref="OperationCanceledException">Stopped; the other process ends with it.</exception>
    public static ChannelFigures Measure(int bytes, CancellationToken stop)
    {
        string folder = Directory.CreateDirectory($"/dev/shm/tombolo-bench-{Environment.ProcessId}").FullName;
        try
        {
            IReadOnlyList<string> words = Detached.Self("channel", "bench-peer", folder, bytes.ToString(System.Globalization.CultureInfo.InvariantCulture));
            using Process peer = Process.Start(new ProcessStartInfo(words[0], words.Skip(1)) { RedirectStandardOutput = true }) ?? throw new CommandException("The other process could not be started");
            try
            {
                if (peer.StandardOutput.ReadLine() != "ready") throw new CommandException("The other process ended before it was ready");
                (long latency, long latency99) = RoundTrips(folder, "poll", _polling, bytes, Trips, Echo, stop);
                (long wake, long wake99) = RoundTrips(folder, "sleep", _asleep, bytes, Wakes, EchoAsleep, stop);
                double rate = Stream(folder, bytes, stop);
                peer.WaitForExit();
                return new(bytes, latency, latency99, wake, wake99, rate);
            }
            catch
            {
                peer.Kill();
                peer.WaitForExit();
                throw;
            }
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    /// <summary>The other process's part: answers as it is asked to.</summary>
    public static void Answer(string folder, int bytes)
    {
        using RingConsumer poll = Consumer(folder, "poll-there", _polling, bytes), sleep = Consumer(folder, "sleep-there", _asleep, bytes), stream = Consumer(folder, "stream-there", _polling, bytes);
        using RingProducer pollBack = Producer(folder, "poll-back", _polling, bytes), sleepBack = Producer(folder, "sleep-back", _asleep, bytes), streamBack = Producer(folder, "stream-back", _polling, bytes);
        Console.WriteLine("ready");
        EchoAll(poll, pollBack);
        EchoAll(sleep, sleepBack);
        byte[] message = new byte[bytes];
        while (Take(stream, message) == Count) { }
        streamBack.Write(message);
    }

    private static void EchoAll(RingConsumer from, RingProducer to)
    {
        byte[] message = new byte[from.MaxMessage];
        while (true)
        {
            int length = TakeLength(from, message);
            if (message[0] == End) return;
            to.Write(message.AsSpan(0, length));
        }
    }

    private static (long Median, long Most) RoundTrips(string folder, string name, EndOptions options, int bytes, int trips, byte kind, CancellationToken stop)
    {
        using RingProducer to = Producer(folder, $"{name}-there", options, bytes);
        using RingConsumer from = Consumer(folder, $"{name}-back", options, bytes);
        byte[] message = new byte[bytes];
        message[0] = kind;
        long[] ticks = new long[trips];
        for (int i = -trips; i < trips; i++)   // as many again to warm up
        {
            stop.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            to.Write(message, stop);
            _ = Take(from, message);
            if (i >= 0) ticks[i] = Stopwatch.GetTimestamp() - start;
        }
        message[0] = End;
        to.Write(message, stop);
        Array.Sort(ticks);
        return (Nanoseconds(ticks[trips / 2]) / 2, Nanoseconds(ticks[trips / 100 * 99]) / 2);
    }

    private static double Stream(string folder, int bytes, CancellationToken stop)
    {
        using RingProducer to = Producer(folder, "stream-there", _polling, bytes);
        using RingConsumer from = Consumer(folder, "stream-back", _polling, bytes);
        byte[] message = new byte[bytes];
        message[0] = Count;
        long messages = Math.Min(5_000_000, (2L << 30) / bytes), start = 0;
        for (long i = -messages / 2; i <= messages; i++)
        {
            if (i == 0) start = Stopwatch.GetTimestamp();
            if (i == messages) message[0] = End;
            stop.ThrowIfCancellationRequested();
            to.Write(message, stop);
        }
        _ = Take(from, message);
        return messages / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static byte Take(RingConsumer from, byte[] message)
    {
        _ = TakeLength(from, message);
        return message[0];
    }

    private static int TakeLength(RingConsumer from, byte[] message)
    {
        ReadOnlySpan<byte> bytes;
        while (!from.TryBorrow(out bytes))
            if (from.WaitForMessage(Timeout.InfiniteTimeSpan) is ChannelWait.PeerClosed or ChannelWait.PeerDied) throw new CommandException("The other process ended in the middle of the measurement");
        bytes.CopyTo(message);
        int length = bytes.Length;
        from.Release();
        return length;
    }

    private static RingProducer Producer(string folder, string name, EndOptions options, int bytes) => Channel.Create(Path.Combine(folder, name), Capacity(bytes), options);

    private static RingConsumer Consumer(string folder, string name, EndOptions options, int bytes) => Channel.CreateConsumer(Path.Combine(folder, name), Capacity(bytes), options);

    private static int Capacity(int bytes) => bytes > 8192 ? 8 << 20 : 1 << 20;

    private static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));
}
