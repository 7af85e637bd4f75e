// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>Domains that are host processes: how long it takes until they share pages, and how fast a stream through granted pages is, beside memcpy and a UNIX socket.</summary>
internal sealed class GrantBench : IDisposable
{
    private sealed record Subject(string Name, string? Way, int Capacity = 0);

    private static readonly Subject[] _subjects =
    [
        new("memcpy (C): the limit of a copy", "memcpy"),
        new("`GrantLink` of bytes, 2 × 256 KiB (default)", null, 1 << 18),
        new("`GrantLink` of bytes, 2 × 8 MiB", null, 8 << 20),
        new("UNIX stream socket (C)", "unix"),
    ];

    private readonly BenchOptions _options;
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
    private readonly string _self = Environment.ProcessPath!;
    private readonly ChildProgram _store, _grants;

    /// <summary>Starts a store and a service for grants, as users do.</summary>
    public GrantBench(BenchOptions options)
    {
        _options = options;
        _store = new(options.Tombolo, "store", "serve", "--socket", Path.Combine(_folder, "store"), "--journal", "none");
        _grants = new(options.Tombolo, "grant", "serve", "--grants", Path.Combine(_folder, "grants"));
        _ = _store.ReadLine();
        _ = _grants.ReadLine();
    }

    /// <summary>Measures and gives back the tables.</summary>
    public IEnumerable<string> Measure() =>
    [
        .. SetUp(), "",
        "**Throughput of a stream through granted pages**: GB/s (10⁹ bytes), by the bytes of a write; × memcpy. Both sides copy, from and to a buffer of their own, and have a core each.", "",
        .. new SizeTable<Subject>(_subjects, subject => subject.Name, [64, 512, 4096, 65536, 1 << 20], _options.IsQuick ? 1 : 5) { What = "stream", Format = "0.00", IsRate = true }.Measure(Stream),
    ];

    public void Dispose()
    {
        _grants.Dispose();
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private IEnumerable<string> SetUp()
    {
        int rounds = _options.Rounds, trials = _options.IsQuick ? 20 : 200;
        Sample[] samples = [.. GrantRole.Steps.Select(_ => new Sample())];
        for (int round = 0; round < rounds; round++)
        {
            using var second = new ChildProgram(_self, "grant", "second", _folder);
            string said = ChildProgram.Run(_self, "grant", "set-up", _folder, Number(trials));
            Console.Error.WriteLine($"grants, set-up, round {round + 1}: {said} µs");
            foreach ((Sample sample, string median) in samples.Zip(said.Split(' '))) sample.Add(double.Parse(median, CultureInfo.InvariantCulture) / 1000);
        }
        yield return $"| set-up between two processes (ms; the median of {rounds} rounds' medians of {trials}, in brackets the lowest and highest round) | time |";
        yield return "| --- | --- |";
        foreach ((string step, Sample sample) in GrantRole.Steps.Zip(samples))
            yield return string.Create(CultureInfo.InvariantCulture, $"| {step} | {sample.Median:0.000} ({sample.Min:0.000}–{sample.Max:0.000}) |");
    }

    private double Stream(Subject subject, int bytes)
    {
        long total = (subject.Way == "unix" ? 1L << 29 : 4L << 30) / (_options.IsQuick ? 10 : 1);
        int count = (int)Math.Min(total / bytes, _options.IsQuick ? 1_000_000 : 10_000_000);
        return (double)bytes * count / double.Parse(subject.Way is { } way ? ChildProgram.Run(Path.Combine(_options.Native, "ipc"), "stream", way, Number(bytes), Number(count), "0", "1") : Ours(subject, bytes, count), CultureInfo.InvariantCulture);
    }

    private string Ours(Subject subject, int bytes, int count)
    {
        using var second = new ChildProgram("taskset", "-c", "1", _self, "grant", "second", _folder);
        return ChildProgram.Run("taskset", "-c", "0", _self, "grant", "stream", _folder, Number(bytes), Number(count), Number(subject.Capacity));
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
