// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>Channels between two processes, each on a core of its own, beside the machine's limits and other ways from process to process. All subjects take turns within each round.</summary>
internal sealed class ChannelBench(BenchOptions options)
{
    /// <param name="Name">For the table.</param>
    /// <param name="Way">What ipc.c, boostqueue.cpp or <see cref="ChannelRole"/> call it.</param>
    private sealed record Subject(string Name, string Way, Maker Maker, int LeastBytes = 0, int MostBytes = int.MaxValue);

    private enum Maker
    {
        Ipc,
        Boost,
        Ours,
    }

    /// <summary>Between two wake-ups.</summary>
    public static TimeSpan WakePause { get; } = TimeSpan.FromMilliseconds(1);

    private static readonly Subject[] _latency =
    [
        new("shared memory, both poll (C): the limit", "spin", Maker.Ipc),
        new("channel, polling", "poll", Maker.Ours),
        new("channel, waiting (polls first)", "wait", Maker.Ours),
        new("pipe (C)", "pipe", Maker.Ipc),
        new("UNIX stream socket (C)", "unix", Maker.Ipc),
        new("ZeroMQ PAIR over ipc:// (C)", "zmq", Maker.Ipc),
        new("Boost.Interprocess message_queue (C++)", "boost", Maker.Boost),
    ];

    private static readonly Subject[] _stream =
    [
        new("memcpy (C): the limit of a copy", "memcpy", Maker.Ipc),
        new("channel, each message published alone", "poll", Maker.Ours),
        new("channel, 64 messages published at once", "batch", Maker.Ours, MostBytes: 4096),
        new("channel, filled and read in place", "place", Maker.Ours),
        new("pipe (C)", "pipe", Maker.Ipc),
        new("UNIX stream socket (C)", "unix", Maker.Ipc),
        new("ZeroMQ PAIR over ipc:// (C)", "zmq", Maker.Ipc),
        new("Boost.Interprocess message_queue (C++)", "boost", Maker.Boost),
    ];

    private static readonly Subject[] _wake =
    [
        new("eventfd and shared memory (C): the limit by descriptor", "eventfd", Maker.Ipc),
        new("futex and shared memory (C)", "futex", Maker.Ipc),
        new("channel, receiver asleep", "sleep", Maker.Ours),
        new("pipe (C)", "pipe", Maker.Ipc),
        new("UNIX stream socket (C)", "unix", Maker.Ipc),
        new("ZeroMQ PAIR over ipc:// (C)", "zmq", Maker.Ipc),
        new("Boost.Interprocess message_queue (C++)", "boost", Maker.Boost),
    ];

    private readonly string _self = Environment.ProcessPath!;

    private int Rounds => options.IsQuick ? 1 : 3;

    /// <summary>Measures and gives back the tables.</summary>
    public IEnumerable<string> Measure() =>
    [
        "**Latency, both sides busy**: half a round trip in µs, median of the rounds' medians (lowest–highest), × the limit.", "",
        .. Table(_latency, [8, 64, 512, 4096, 65536, 1 << 20], "latency", LatencyCount, (figure, _, _) => figure / 1000, "0.000", isRate: false),
        "", "**Throughput, one way**: millions of messages a second.", "",
        .. Table(_stream, [8, 32, 64, 512, 4096], "stream", StreamCount, (figure, _, count) => count * 1e3 / figure, "0.00", isRate: true),
        "", "**Throughput of large messages**: GB/s (10⁹ bytes; in place nothing is copied, so the figure says how many pass, not how fast memory is).", "",
        .. Table(_stream, [4096, 65536, 1 << 20], "stream", StreamCount, (figure, bytes, count) => (double)bytes * count / figure, "0.00", isRate: true),
        "", $"**Waking a receiver that sleeps**: from the sender's clock to the receiver's, in µs; one message every {WakePause.TotalMilliseconds} ms.", "",
        .. Table(_wake, [64, 4096], "wake", (_, _) => options.IsQuick ? 200 : 1000, (figure, _, _) => figure / 1000, "0.00", isRate: false),
        "", .. new ChannelIdle(options).Measure(),
    ];

    private IEnumerable<string> Table(Subject[] subjects, int[] sizes, string mode, Func<Subject, int, int> count, Func<double, int, int, double> convert, string format, bool isRate)
    {
        double Measure(Subject subject, int bytes)
        {
            int messages = count(subject, bytes);
            return convert(Once(subject, mode, bytes, messages), bytes, messages);
        }
        return new SizeTable<Subject>([.. subjects], subject => subject.Name, sizes, Rounds) { What = mode, Format = format, IsRate = isRate, TakesPart = (subject, bytes) => bytes <= subject.MostBytes }.Measure(Measure);
    }

    private int LatencyCount(Subject subject, int bytes)
    {
        bool isSlow = subject.Maker == Maker.Boost || subject.Way is "pipe" or "unix" or "zmq";
        int count = bytes >= 1 << 20 ? 1_000 : bytes >= 65536 ? 5_000 : isSlow ? 20_000 : 200_000;
        return options.IsQuick ? count / 10 : count;
    }

    private int StreamCount(Subject subject, int bytes)
    {
        bool isSlow = subject.Maker == Maker.Boost || subject.Way is "pipe" or "unix" or "zmq";
        long count = Math.Min(isSlow ? 300_000 : 10_000_000, (isSlow ? 1L << 29 : 4L << 30) / bytes);
        return (int)(options.IsQuick ? count / 10 : count);
    }

    // Nanoseconds: of a message (latency, wake) or of all of them (stream).
    private double Once(Subject subject, string mode, int bytes, int count)
    {
        string extra = mode == "latency" ? Number(count / 10) : Number((int)WakePause.TotalMicroseconds);
        string[] tail = mode == "stream" ? [Number(bytes), Number(count), "0", "1"] : [Number(bytes), Number(count), extra, "0", "1"];
        string said = subject.Maker switch
        {
            Maker.Ipc => ChildProgram.Run([Path.Combine(options.Native, "ipc"), mode, subject.Way, .. tail]),
            Maker.Boost => ChildProgram.Run([Path.Combine(options.Native, "boostqueue"), mode, .. tail]),
            _ => Ours(subject, mode, bytes, count),
        };
        return double.Parse(said.Split(' ')[0], CultureInfo.InvariantCulture);
    }

    private string Ours(Subject subject, string mode, int bytes, int count)
    {
        string folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
        string shared = Directory.CreateDirectory(Path.Combine("/dev/shm", Path.GetFileName(folder))).FullName;   // a file on disk would be written back meanwhile
        try
        {
            string[] side = [shared, subject.Way, Number(bytes), Number(count)];
            (string other, string self) = mode switch { "latency" => ("pong", "ping"), "stream" => ("sink", "source"), _ => ("sleeper", "waker") };
            using var there = new ChildProgram(["taskset", "-c", "1", _self, "channel", other, .. side]);
            _ = there.ReadLine();
            using var here = new ChildProgram(["taskset", "-c", "0", _self, "channel", self, .. side]);
            return mode == "wake" ? there.ReadLine() : here.ReadLine();
        }
        finally
        {
            Directory.Delete(shared, recursive: true);
            Directory.Delete(folder);
        }
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
