// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>Round trips of doorbells and mailboxes between two host processes, beside what the kernel takes alone. All subjects take turns within each round.</summary>
internal sealed class RoundTripBench(BenchOptions options)
{
    private static readonly (string Name, string Kind, bool IsNative)[] _subjects =
    [
        ("raw eventfd (C): blocking write and read", "eventfd", true),
        ("raw eventfd (C) in an epoll loop", "eventfd-epoll", true),
        ("raw eventfd (C), edge-triggered epoll", "eventfd-edge", true),
        ("UNIX socket (C), 64 bytes", "unix", true),
        ("doorbell: ring, epoll, take", "doorbell", false),
        ("doorbell: ring, edge-triggered epoll", "doorbell-edge", false),
        ("mailbox, 64 bytes, taken, acknowledged and answered", "mailbox", false),
    ];

    private readonly string _self = Environment.ProcessPath!;

    /// <summary>Measures and gives back a table.</summary>
    public IEnumerable<string> Measure()
    {
        foreach ((string title, string first, string second) in Places())
        {
            var medians = _subjects.ToDictionary(subject => subject.Kind, _ => new Sample());
            var nineties = _subjects.ToDictionary(subject => subject.Kind, _ => new Sample());
            var ninetyNines = _subjects.ToDictionary(subject => subject.Kind, _ => new Sample());
            var ratios = _subjects.ToDictionary(subject => subject.Kind, _ => new Sample());
            for (int round = 0; round < options.Rounds; round++)
            {
                double raw = 0;
                foreach ((_, string kind, bool isNative) in _subjects)
                {
                    double[] figures = [.. (isNative ? Native(kind, first, second) : Ours(kind, first, second)).Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture) / 1000)];
                    if (kind == "eventfd") raw = figures[0];
                    medians[kind].Add(figures[0]);
                    nineties[kind].Add(figures[1]);
                    ninetyNines[kind].Add(figures[2]);
                    ratios[kind].Add(figures[0] / raw);
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round trip, {title}, round {round + 1}: {kind} {figures[0]:0.00} µs"));
                }
            }
            yield return "";
            yield return $"**{title}** (µs; the median of {options.Rounds} rounds of {options.Trips} trips, in brackets the lowest and highest round)";
            yield return "";
            yield return "| subject | median | p90 | p99 | × raw eventfd |";
            yield return "| --- | --- | --- | --- | --- |";
            foreach ((string name, string kind, _) in _subjects)
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"| {name} | {medians[kind].Median:0.00} ({medians[kind].Min:0.00}–{medians[kind].Max:0.00}) | {nineties[kind].Median:0.00} | {ninetyNines[kind].Median:0.00} | {ratios[kind].Median:0.00} ({ratios[kind].Min:0.00}–{ratios[kind].Max:0.00}) |");
        }
    }

    private static IEnumerable<(string Title, string First, string Second)> Places()
    {
        yield return ("Both processes on one core", "0", "0");
        if (Environment.ProcessorCount == 1) yield break;
        yield return ("Each process on a core of its own", "0", "1");
        yield return ("Free to run on any core", "", "");
    }

    private string Native(string kind, string first, string second) => ChildProgram.Run(
        [Path.Combine(options.Native, "pingpong"), kind, Number(options.Trips), Number(options.Trips / 10), .. first.Length == 0 ? Array.Empty<string>() : [first, second]]);

    private string Ours(string kind, string first, string second)
    {
        string folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
        try
        {
            string socket = Path.Combine(folder, "s");
            using var server = new ChildProgram(_self, "serve", socket, kind == "mailbox" ? "mailbox" : "doorbell");
            _ = server.ReadLine();
            string[] side = [socket, kind, Number(options.Trips), Number(options.Trips)];   // as many again to warm up: the compiler works in the background
            using var pong = new ChildProgram([.. Pin(second), _self, "pong", .. side]);
            _ = pong.ReadLine();
            return ChildProgram.Run([.. Pin(first), _self, "ping", .. side]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Pin(string core) => core.Length == 0 ? [] : ["taskset", "-c", core];

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
