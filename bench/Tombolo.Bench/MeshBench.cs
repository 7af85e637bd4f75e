// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Linux;

namespace Tombolo.Bench;

/// <summary>Clients that connect in one burst: time until each knows each, what the server needs for it, and messages that never came.</summary>
internal sealed class MeshBench(BenchOptions options)
{
    private sealed record Kind(string Name, Func<string, int, int, string[]> Command, int MostMessages = int.MaxValue);

    /// <summary>Measures and gives back a table.</summary>
    public IEnumerable<string> Measure()
    {
        yield return "| clients × vectors | server | full mesh after (s) | messages/s | lost | clients cut off | server CPU (s) | µs CPU/message | server peak memory (MB) | server descriptors |";
        yield return "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";
        foreach (int vectors in new[] { 1, 4 })
            foreach (int clients in options.IsQuick ? new[] { 10, 100 } : [10, 100, 500, 1000])
            {
                int rounds = clients * clients * vectors > 1_000_000 || options.IsQuick ? 1 : 3;
                Kind[] kinds = [.. Kinds(clients)];
                Dictionary<Kind, List<Outcome>> outcomes = kinds.ToDictionary(kind => kind, _ => new List<Outcome>());
                for (int round = 0; round < rounds; round++)
                    foreach (Kind kind in kinds) outcomes[kind].Add(Once(kind, clients, vectors));
                foreach (Kind kind in kinds) yield return Row(kind, clients, vectors, outcomes[kind]);
            }
    }

    private IEnumerable<Kind> Kinds(int clients)
    {
        string[] Ours(string socket, int vectors, int _) => [options.Tombolo, "ivshmem-server", "-F", "-S", socket, "-M", $"tombolo-bench-{Environment.ProcessId}", "-l", "1M", "-n", Number(vectors)];
        yield return new("ours", Ours);
        if (clients == 1000 && LinuxProcess.EffectiveUserId == 0)
            yield return new("ours, as an ordinary user", (socket, vectors, c) => ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", .. Ours(socket, vectors, c)]);
        if (options.Stock is { } stock)
            yield return new("stock", (socket, vectors, _) => [stock, "-F", "-S", socket, "-M", $"tombolo-bench-{Environment.ProcessId}", "-l", "1M", "-n", Number(vectors)]);
    }

    private readonly record struct Outcome(double Seconds, long Came, long Expected, int CutOff, ProcessUsage? Usage, double CpuAtStart);

    private Outcome Once(Kind kind, int clients, int vectors)
    {
        string folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0x1FF);   // the ordinary user's server makes its socket there
        try
        {
            string socket = Path.Combine(folder, "s");
            using var server = new ChildProgram(kind.Command(socket, vectors, clients));
            while (!Path.Exists(socket) && !server.HasExited) _ = Thread.Yield();
            double cpu = ProcessUsage.Of(server.Id).CpuSeconds;
            using var mesh = new ChildProgram(Path.Combine(options.Native, "mesh"), socket, Number(clients), Number(vectors), "hold");
            string[] said = mesh.ReadLine().Split(' ');
            ProcessUsage? usage = server.HasExited ? null : ProcessUsage.Of(server.Id);
            Console.Error.WriteLine($"mesh of {clients} × {vectors}, {kind.Name}: {string.Join(' ', said)}");
            return new(double.Parse(said[0], CultureInfo.InvariantCulture), Long(said[1]), Long(said[2]), (int)Long(said[4]), usage, cpu);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Row(Kind kind, int clients, int vectors, List<Outcome> outcomes)
    {
        Sample seconds = new(), rate = new(), cpu = new(), each = new(), memory = new(), files = new();
        foreach (Outcome outcome in outcomes)
        {
            seconds.Add(outcome.Seconds);
            rate.Add(outcome.Came / outcome.Seconds);
            if (outcome.Usage is not { } usage) continue;
            double used = usage.CpuSeconds - outcome.CpuAtStart;
            cpu.Add(used);
            each.Add(used * 1e6 / outcome.Came);
            memory.Add(usage.PeakKiB / 1024.0);
            files.Add(usage.OpenFiles);
        }
        string end = outcomes.Any(outcome => outcome.Usage is null)
            ? "the server crashed | | |"
            : string.Create(CultureInfo.InvariantCulture, $"{cpu.Median:0.00} | {each.Median:0.0} | {memory.Median:0} | {files.Median:0} |");
        bool isFull = outcomes.All(outcome => outcome.Came == outcome.Expected);
        return string.Create(CultureInfo.InvariantCulture,
            $"| {clients} × {vectors} | {kind.Name} | {(isFull ? $"{seconds.Median:0.000} ({seconds.Min:0.000}–{seconds.Max:0.000})" : $"never (last message after {seconds.Median:0.000})")} | {rate.Median:0} | {Lost(outcomes)} | {outcomes.Max(outcome => outcome.CutOff)} | {end}");
    }

    private static string Lost(List<Outcome> outcomes)
    {
        long most = outcomes.Max(outcome => outcome.Expected - outcome.Came);
        return most == 0 ? "0" : $"**{most}** of {outcomes[0].Expected}";
    }

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
