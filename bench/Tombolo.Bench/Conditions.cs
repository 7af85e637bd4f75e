// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tombolo.Bench;

/// <summary>What the figures depend on.</summary>
internal static class Conditions
{
    public static double Load => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    public static IEnumerable<string> Describe(BenchOptions options, double loadAtStart)
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown";
        string memory = File.ReadLines("/proc/meminfo").First().Split(':')[1].Trim();
        string files = File.ReadLines("/proc/self/limits").Single(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[4];
        yield return $"- date: {DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC";
        yield return $"- processor: {model}, {Environment.ProcessorCount} cores; memory: {memory}";
        yield return $"- kernel: {RuntimeInformation.OSDescription}; .NET {Environment.Version}; {RuntimeInformation.ProcessArchitecture}";
        yield return string.Create(CultureInfo.InvariantCulture, $"- load of the machine when it began: {loadAtStart:0.00}; when it ended: {Load:0.00} (the measurement's own included)");
        yield return $"- descriptors that a process may have: {files}";
        if (options.IsQuick) yield return "- **a quick run: too short to be quoted**";
    }
}
