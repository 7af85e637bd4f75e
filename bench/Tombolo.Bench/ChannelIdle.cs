// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Channels;
using Tombolo.Ivshmem;

namespace Tombolo.Bench;

/// <summary>What a process costs that waits for messages while none comes.</summary>
internal sealed class ChannelIdle(BenchOptions options)
{
    private const int Many = 100;

    private static readonly (string Name, string Way)[] _subjects =
    [
        ("a receiver asleep on its thread", "thread"),
        ("100 receivers asleep without threads", "async"),
        ("a receiver asleep on a doorbell fabric", "fabric"),
    ];

    private int Seconds => options.IsQuick ? 2 : 10;

    /// <summary>Measures and gives back the table.</summary>
    public IEnumerable<string> Measure()
    {
        yield return $"**Idle**: processor time that a process takes in {Seconds} s, in s (the kernel counts hundredths), and how often it was woken.";
        yield return "";
        yield return "| process | CPU | switches |";
        yield return "| --- | --- | --- |";
        foreach ((string name, string way) in _subjects) yield return Once(name, way);
    }

    /// <summary>The waiting process: says "ready", and is killed some time.</summary>
    public static void Wait(string place, string way)
    {
        switch (way)
        {
            case "thread":
                RingConsumer consumer = Channel.CreateConsumer(Path.Combine(place, "c"));
                Console.WriteLine("ready");
                _ = consumer.WaitForMessage(Timeout.InfiniteTimeSpan);
                break;
            case "async":
                Task[] waits = [.. Enumerable.Range(0, Many).Select(i => Channel.CreateConsumer(Path.Combine(place, $"c{i}"), 4096).WaitForMessageAsync(Timeout.InfiniteTimeSpan).AsTask())];
                Console.WriteLine("ready");
                Task.WaitAll(waits);
                break;
            default:
                IvshmemClient self = IvshmemClient.Connect(new() { SocketPath = Path.Combine(place, "bell") });
                ChannelArea area = ChannelArea.Open(self.Window, new FabricParty(new IvshmemFabric(self)));
                _ = area.Create("c", new() { CapacityBytes = 4096 });
                RingConsumer far = area.OpenConsumer("c");
                Console.WriteLine("ready");
                _ = far.WaitForMessage(Timeout.InfiniteTimeSpan);
                break;
        }
    }

    private string Once(string name, string way)
    {
        string place = Directory.CreateDirectory($"/dev/shm/tombolo-bench-idle-{Environment.ProcessId}").FullName;
        DoorbellServer? server = way == "fabric" ? DoorbellServer.Start(new() { SocketPath = Path.Combine(place, "bell"), SizeBytes = 1 << 20, Vectors = 2 }) : null;
        try
        {
            using var waiting = new ChildProgram([Environment.ProcessPath!, "channel-idle", place, way]);
            _ = waiting.ReadLine();
            IdleBench.Rest(TimeSpan.FromSeconds(2));   // what the runtime puts off
            (ProcessUsage before, long switchesBefore) = (ProcessUsage.Of(waiting.Id), SwitchesOf(waiting.Id));
            IdleBench.Rest(TimeSpan.FromSeconds(Seconds));
            (ProcessUsage after, long switches) = (ProcessUsage.Of(waiting.Id), SwitchesOf(waiting.Id) - switchesBefore);
            Console.Error.WriteLine($"idle, {name}: {after.CpuSeconds - before.CpuSeconds} s, {switches} switches");
            return string.Create(CultureInfo.InvariantCulture, $"| {name} | {after.CpuSeconds - before.CpuSeconds:0.00} | {switches} |");
        }
        finally
        {
            server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Directory.Delete(place, recursive: true);
        }
    }

    // Of all threads. Source: proc(5), /proc/PID/task/TID/status.
    private static long SwitchesOf(int processId) => Directory.GetDirectories($"/proc/{processId}/task")
        .Sum(static task => File.ReadLines(Path.Combine(task, "status")).Where(static line => line.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal)).Sum(static line => long.Parse(line.Split('\t')[1], CultureInfo.InvariantCulture)));
}
