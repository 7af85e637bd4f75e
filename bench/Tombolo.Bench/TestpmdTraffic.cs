// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>Generator and sink in one: DPDK's testpmd sends what it receives at one port out of the other, so that as many frames as were put in go round for ever, as fast as what is between lets them.</summary>
/// <remarks>It polls on a core of its own, so that the subject has the other. Frames that somebody drops are gone: the rate says what arrives.</remarks>
internal sealed class TestpmdTraffic : IDisposable
{
    public const int LargeBytes = 65000;
    private const int LargeMbuf = 65535;
    private readonly ChildProgram _program;

    /// <summary>Starts it.</summary>
    /// <param name="name">Tells its files from another's.</param>
    /// <param name="subject">What its ports attach to.</param>
    /// <param name="isLarge">Whether a frame of <see cref="LargeBytes"/> fits into one of its buffers.</param>
    public TestpmdTraffic(string name, SwitchSubject subject, bool isLarge)
    {
        _program = new([.. subject.Prefix, "taskset", "-c", "1", "stdbuf", "-oL", .. Words(name, subject.Devices, isLarge, cpu: 1), $"--rxq={subject.Queues}", $"--txq={subject.Queues}", "-i", "--forward-mode=io"]);
        _program.WriteLine("set burst tx delay 0 retry 1000000");
        _ = Received();   // it answers: its ports are there
    }

    /// <summary>How testpmd is started, up to the mode of its forwarding.</summary>
    public static string[] Words(string name, (string One, string Other) devices, bool isLarge, int cpu) =>
    [
        "dpdk-testpmd", "--lcores", $"0@{cpu},1@{cpu}", "--no-huge", "-m", isLarge ? "512" : "256", "--no-pci", "--no-telemetry", $"--file-prefix={name}",
        "--vdev", devices.One, "--vdev", devices.Other, "--",
        $"--total-num-mbufs={(isLarge ? 2048 : 16384)}", $"--mbuf-size={(isLarge ? LargeMbuf : 2176)}", "--txd=512", "--rxd=512",
    ];

    /// <summary>Frames that arrived at both ports, a second. Once: what was put in goes round until the end.</summary>
    /// <param name="bytes">Of each frame.</param>
    /// <param name="burst">How many are put in at a time.</param>
    /// <param name="bursts">How often.</param>
    /// <param name="seconds">How long to count.</param>
    public double Measure(int bytes, int burst, int bursts, double seconds)
    {
        foreach (string line in new[] { $"set txpkts {bytes}", $"set burst {burst}", "set fwd io retry", $"start tx_first {bursts}" }) _program.WriteLine(line);
        Pause.For(TimeSpan.FromSeconds(0.3));
        long start = Stopwatch.GetTimestamp(), before = Received();
        Pause.For(TimeSpan.FromSeconds(seconds));
        long end = Stopwatch.GetTimestamp(), after = Received();
        return (after - before) / Stopwatch.GetElapsedTime(start, end).TotalSeconds;
    }

    public void Dispose()
    {
        _program.WriteLine("stop");
        _program.WriteLine("quit");
        _program.Dispose();
    }

    private long Received()
    {
        _program.WriteLine("show port stats all");
        long sum = 0;
        for (int ports = 0; ports < 2;)
        {
            string line = _program.ReadLine().TrimStart();
            if (!line.StartsWith("RX-packets:", StringComparison.Ordinal)) continue;
            sum += long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
            ports++;
        }
        return sum;
    }
}
