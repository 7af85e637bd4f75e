// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>What a server costs while 500 peers are connected and nothing happens.</summary>
internal sealed class IdleBench(BenchOptions options)
{
    private const int Peers = 500;

    public IEnumerable<string> Measure()
    {
        yield return "| server | vectors | CPU in 10 s (s) | memory (MB) | peak memory (MB) | descriptors |";
        yield return "| --- | --- | --- | --- | --- | --- |";
        foreach (int vectors in new[] { 1, 4 }) yield return Once(vectors);
    }

    private string Once(int vectors)
    {
        string folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
        try
        {
            string socket = Path.Combine(folder, "s");
            using var server = new ChildProgram(options.Tombolo, "ivshmem-server", "-F", "-S", socket, "-M", $"tombolo-bench-{Environment.ProcessId}", "-l", "1M", "-n", vectors.ToString(CultureInfo.InvariantCulture));
            while (!Path.Exists(socket)) _ = Thread.Yield();
            using var mesh = new ChildProgram(Path.Combine(options.Native, "mesh"), socket, Peers.ToString(CultureInfo.InvariantCulture), vectors.ToString(CultureInfo.InvariantCulture), "hold");
            _ = mesh.ReadLine();
            Rest(TimeSpan.FromSeconds(2));   // what was put off until the burst was over
            ProcessUsage before = ProcessUsage.Of(server.Id);
            Rest(TimeSpan.FromSeconds(options.IsQuick ? 2 : 10));
            ProcessUsage after = ProcessUsage.Of(server.Id);
            Console.Error.WriteLine($"idle with {Peers} peers of {vectors} vectors: {after}");
            return string.Create(CultureInfo.InvariantCulture,
                $"| `tombolo ivshmem-server`, {Peers} peers | {vectors} | {after.CpuSeconds - before.CpuSeconds:0.00} | {after.ResidentKiB / 1024.0:0.0} | {after.PeakKiB / 1024.0:0.0} | {after.OpenFiles} |");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Lets time pass.</summary>
    internal static void Rest(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        using var never = new ManualResetEventSlim();
        while (Stopwatch.GetElapsedTime(start) < time) _ = never.Wait(100);
    }
}
