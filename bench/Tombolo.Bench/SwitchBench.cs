// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>Frames between two ports through our switch, and through whatever else joins two ports. All subjects take turns within each round.</summary>
/// <remarks>The subject has core 0, generator and sink have core 1.</remarks>
internal sealed class SwitchBench(BenchOptions options)
{
    private const int IdlePorts = 60;
    private static readonly int[] _sizes = [64, 512, 1518];

    private readonly Dictionary<(string Subject, string Column), Sample> _samples = [];
    private readonly List<string> _missing = [];
    private int _runs;

    private double Seconds => options.IsQuick ? 0.3 : 1;

    private int Rounds => options.IsQuick ? 1 : 3;

    public IEnumerable<string> Measure()
    {
        (string Name, Func<bool, SwitchSubject> Make, bool OnlySmall)[] subjects = [.. Subjects()];
        for (int round = 1; round <= Rounds; round++)
        {
            foreach ((string name, Func<bool, SwitchSubject> make, bool onlySmall) in subjects)
            {
                Line(round);
                Frames(name, make, onlySmall, round);
                if (!onlySmall) Large(name, make, round);
            }
            Vde(round);
            Copies(round);
        }
        string[] columns = ["64", "512", "1518", "large", "latency"];
        yield return "| | 64 B, million/s | 512 B, million/s | 1518 B, million/s | 65,000 B, Gb/s | one way, 64 B, µs |";
        yield return "| --- | --- | --- | --- | --- | --- |";
        foreach (string name in subjects.Select(static subject => subject.Name).Concat(["`vde_switch` (1514 B for 1518)", "memcpy of the same bytes: the limit of one copy"]))
            yield return $"| {name} | {string.Join(" | ", columns.Select(column => Cell(name, column)))} |";
        yield return "";
        yield return $"A cache line took {Cell("line", "ns")} ns from one core to the other. Ring and frames change cores with every frame: where a virtual machine's cores are moved about, all rows follow this figure, each by its own share.";
        yield return "";
        yield return Idle();
        foreach (string line in _missing) yield return $"\n{line}";
    }

    private IEnumerable<(string, Func<bool, SwitchSubject>, bool)> Subjects()
    {
        yield return ("Tombolo, one data thread", static _ => new OurSwitch(), false);
        yield return ($"Tombolo, with {IdlePorts} ports more, a driver at each", static _ => new OurSwitch(idlePorts: IdlePorts), true);
        yield return ("Tombolo, two queue pairs a port", static _ => new OurSwitch(queues: 2), true);
        yield return ("testpmd's vhost forwarding (looks at no address)", static isLarge => new TestpmdVhost(isLarge), false);
        if (options.OpenVSwitch is { } root) yield return ("Open vSwitch with DPDK, two flows", _ => new OpenVSwitch(root), false);
        else _missing.Add("Open vSwitch with DPDK (`openvswitch-switch-dpdk`) could not be had here.");
        if (Environment.IsPrivilegedProcess) yield return ("Linux bridge, two taps (all in the generator's system calls)", static _ => new LinuxBridge(), false);
        else _missing.Add("The Linux bridge needs root, for a network namespace.");
    }

    private void Frames(string name, Func<bool, SwitchSubject> make, bool onlySmall, int round)
    {
        using SwitchSubject subject = make(false);
        int bursts = subject is LinuxBridge ? 2 : 8;   // a tap's queue holds no more
        foreach (int bytes in onlySmall ? [64] : _sizes) Add(name, $"{bytes}", Once(subject, bytes, 32, bursts) / 1e6, round);
        Add(name, "latency", 2e6 / Once(subject, 64, 1, 1), round);   // one frame goes round each way
    }

    private void Large(string name, Func<bool, SwitchSubject> make, int round)
    {
        using SwitchSubject subject = make(true);
        Add(name, "large", Once(subject, TestpmdTraffic.LargeBytes, 32, 1) * TestpmdTraffic.LargeBytes * 8 / 1e9, round);
    }

    private double Once(SwitchSubject subject, int bytes, int burst, int bursts)
    {
        using var traffic = new TestpmdTraffic($"{Environment.ProcessId}-{_runs++}", subject, bytes == TestpmdTraffic.LargeBytes);
        subject.Attached();
        return traffic.Measure(bytes, burst, bursts, Seconds);
    }

    private void Vde(int round)
    {
        const string Name = "`vde_switch` (1514 B for 1518)";
        using var subject = new VdeSwitch();
        string Run(int bytes, string how) => ChildProgram.Run("taskset", "-c", "1", Path.Combine(options.Native, "frames"), "vde", subject.SocketFolder, Number(bytes), Number(Seconds), how);
        foreach (int bytes in _sizes) Add(Name, $"{bytes}", Parse(Run(Math.Min(bytes, 1514), "burst")) / 1e6, round);
        Add(Name, "latency", Parse(Run(64, "single")), round);
    }

    private void Line(int round) => Add("line", "ns", Parse(ChildProgram.Run(Path.Combine(options.Native, "frames"), "line", Number(Seconds / 10))), round);

    private void Copies(int round)
    {
        const string Name = "memcpy of the same bytes: the limit of one copy";
        double Run(int bytes) => Parse(ChildProgram.Run("taskset", "-c", "1", Path.Combine(options.Native, "frames"), "memcpy", Number(bytes), Number(Seconds)));
        foreach (int bytes in _sizes) Add(Name, $"{bytes}", Run(bytes) / 1e6, round);
        Add(Name, "large", Run(TestpmdTraffic.LargeBytes) * TestpmdTraffic.LargeBytes * 8 / 1e9, round);
    }

    // With drivers attached that send nothing, all rings are asleep.
    private string Idle()
    {
        using var subject = new OurSwitch(idlePorts: IdlePorts);
        using var traffic = new TestpmdTraffic($"{Environment.ProcessId}-idle", subject, isLarge: false);
        Pause.For(TimeSpan.FromSeconds(0.5));
        double before = ProcessUsage.Of(subject.ProcessId).CpuSeconds;
        double seconds = options.IsQuick ? 1 : 10;
        Pause.For(TimeSpan.FromSeconds(seconds));
        return string.Create(CultureInfo.InvariantCulture, $"**Idle**: with {2 + IdlePorts} drivers attached, our process took {ProcessUsage.Of(subject.ProcessId).CpuSeconds - before:0.00} s of processor time in {seconds:0} s.");
    }

    private void Add(string subject, string column, double value, int round)
    {
        if (!double.IsFinite(value) || value <= 0) return;
        if (!_samples.TryGetValue((subject, column), out Sample? sample)) _samples[(subject, column)] = sample = new();
        sample.Add(value);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"switching, {column}, round {round}: {subject} {value:0.000}"));
    }

    private string Cell(string subject, string column)
    {
        if (!_samples.TryGetValue((subject, column), out Sample? sample)) return "";
        string format = column is "large" or "ns" ? "0" : "0.00";
        return $"{Number(sample.Median, format)} ({Number(sample.Min, format)}–{Number(sample.Max, format)})";
    }

    private static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Number(double value, string? format = null) => value.ToString(format, CultureInfo.InvariantCulture);
}
