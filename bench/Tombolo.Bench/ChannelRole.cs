// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using Tombolo.Channels;
using Tombolo.Memory;

namespace Tombolo.Bench;

/// <summary>One side of a channel measurement, in a process of its own. The same work as bench/native/ipc.c does: every message is copied in from, and out to, a buffer of the process, unless the way says otherwise.</summary>
/// <param name="folder">Where the channels are.</param>
/// <param name="way">poll: TryBorrow in a loop; wait: WaitForMessage, which polls first; sleep: WaitForMessage, which never polls; batch: 64 messages are published (released) at once; place: no copies, each message is filled and read in its place, one word of it.</param>
/// <param name="bytes">Of a message.</param>
/// <param name="count">Messages.</param>
internal sealed class ChannelRole(string folder, string way, int bytes, int count)
{
    private const int Batch = 64;
    private readonly byte[] _buffer = new byte[bytes];
    private readonly EndOptions _options = new() { Spin = TimeSpan.FromMilliseconds(way == "sleep" ? 0 : 100) };

    // As many messages on their way as fit 8 MiB, which is what ipc.c's memcpy walks through.
    private RingProducer Producer(string name) => Channel.Create(Path.Combine(folder, name), Capacity, _options);

    private RingConsumer Consumer(string name) => Channel.CreateConsumer(Path.Combine(folder, name), Capacity, _options);

    private int Capacity => bytes > 8192 ? 8 << 20 : 1 << 20;

    /// <summary>Answers every message, until it is killed.</summary>
    public void Pong()
    {
        using RingConsumer from = Consumer("there");
        using RingProducer to = Producer("back");
        Console.WriteLine("ready");
        while (true)
        {
            Receive(from);
            Send(to);
        }
    }

    /// <summary>Half a round trip: median, p90, p99 in nanoseconds.</summary>
    public void Ping(int warmUp)
    {
        using RingProducer to = Producer("there");
        using RingConsumer from = Consumer("back");
        long[] ticks = new long[count];
        for (int i = -warmUp; i < count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Send(to);
            Receive(from);
            if (i >= 0) ticks[i] = (Stopwatch.GetTimestamp() - start) / 2;
        }
        Print(ticks);
    }

    /// <summary>Takes as many messages as the source sends, warm-up first, then says so.</summary>
    public void Sink(int warmUp)
    {
        using RingConsumer from = Consumer("there");
        using RingProducer to = Producer("back");
        Console.WriteLine("ready");
        foreach (int messages in (int[])[warmUp, count])
        {
            if (way == "batch") TakeBatches(from, messages);
            else for (int i = 0; i < messages; i++) Receive(from);
            to.Write("8 bytes."u8);
        }
        Thread.Sleep(Timeout.Infinite);   // the source's end ends us
    }

    /// <summary>Sends messages as fast as it goes: nanoseconds for all of them.</summary>
    public void Source(int warmUp)
    {
        using RingProducer to = Producer("there");
        using RingConsumer from = Consumer("back");
        long start = 0;
        foreach (int messages in (int[])[warmUp, count])
        {
            start = Stopwatch.GetTimestamp();
            for (int i = 1; i <= messages; i++) Send(to, isPublished: way != "batch" || i % Batch == 0 || i == messages);
            _ = from.WaitForMessage(Timeout.InfiniteTimeSpan);
            _ = from.TryRead(out byte[]? _);
        }
        Console.WriteLine(Nanoseconds(Stopwatch.GetTimestamp() - start).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Sleeps for each message and measures how long it was on its way: median, p90, p99 in nanoseconds.</summary>
    public void Sleeper()
    {
        using RingConsumer from = Consumer("there");
        Console.WriteLine("ready");
        long[] ticks = new long[count];
        for (int i = 0; i < count; i++)
        {
            Receive(from);
            ticks[i] = Stopwatch.GetTimestamp() - BitConverter.ToInt64(_buffer);
        }
        Print(ticks);
    }

    /// <summary>Wakes the sleeper again and again.</summary>
    public void Waker()
    {
        using RingProducer to = Producer("there");
        for (int i = 0; i < count; i++)
        {
            Thread.Sleep(ChannelBench.WakePause);   // long enough for the receiver to sleep
            _ = BitConverter.TryWriteBytes(_buffer, Stopwatch.GetTimestamp());
            Send(to);
        }
    }

    private void Send(RingProducer to, bool isPublished = true)
    {
        Span<byte> room;
        while (!to.TryReserve(bytes, out room))
        {
            if (way is "poll" or "place" or "batch") SharedFence.Pause();
            else _ = to.WaitForRoom(bytes, Timeout.InfiniteTimeSpan);
        }
        if (way == "place") room[0] = 1;
        else _buffer.CopyTo(room);
        to.Commit(bytes, isPublished);
    }

    private void Receive(RingConsumer from)
    {
        ReadOnlySpan<byte> message;
        while (!from.TryBorrow(out message))
        {
            if (way is "poll" or "place" or "batch") SharedFence.Pause();
            else _ = from.WaitForMessage(Timeout.InfiniteTimeSpan);
        }
        if (way == "place") _buffer[0] = message[0];
        else message.CopyTo(_buffer);
        from.Release();
    }

    private void TakeBatches(RingConsumer from, int messages)
    {
        for (int taken = 0; taken < messages;)
        {
            int borrowed = 0;
            while (borrowed < Batch && from.TryBorrow(out ReadOnlySpan<byte> message))
            {
                message.CopyTo(_buffer);
                borrowed++;
            }
            if (borrowed == 0)
            {
                SharedFence.Pause();
                continue;
            }
            from.Release();
            taken += borrowed;
        }
    }

    private static void Print(long[] ticks)
    {
        Array.Sort(ticks);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Nanoseconds(ticks[ticks.Length / 2])} {Nanoseconds(ticks[ticks.Length / 10 * 9])} {Nanoseconds(ticks[ticks.Length / 100 * 99])}"));
    }

    private static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));
}
