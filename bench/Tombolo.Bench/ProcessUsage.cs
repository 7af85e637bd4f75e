// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>What a process has used. Source: proc(5): /proc/PID/stat fields 14 and 15, in hundredths of a second; /proc/PID/status VmRSS and VmHWM.</summary>
internal readonly record struct ProcessUsage(double UserSeconds, double SystemSeconds, long ResidentKiB, long PeakKiB, int OpenFiles)
{
    private const double TicksPerSecond = 100;   // USER_HZ

    public double CpuSeconds => UserSeconds + SystemSeconds;

    public static ProcessUsage Of(int processId)
    {
        string stat = File.ReadAllText($"/proc/{processId}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        string[] status = File.ReadAllLines($"/proc/{processId}/status");
        return new(
            long.Parse(fields[11], CultureInfo.InvariantCulture) / TicksPerSecond, long.Parse(fields[12], CultureInfo.InvariantCulture) / TicksPerSecond,
            KiB(status, "VmRSS:"), KiB(status, "VmHWM:"), Directory.GetFileSystemEntries($"/proc/{processId}/fd").Length);
    }

    private static long KiB(string[] status, string label) =>
        long.Parse(status.Single(line => line.StartsWith(label, StringComparison.Ordinal))[label.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
}
