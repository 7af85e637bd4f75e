// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>ZeroMQ's round trips in emulated guests: within one, and between two that are joined by our switch and by QEMU's own <c>-netdev stream</c>. The ways take turns.</summary>
internal sealed class ZeroMqBench(BenchOptions options)
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(10);

    private static readonly (string Name, string Word, string Address)[] _ways =
    [
        ("within one guest, over its loopback", "one", "127.0.0.1"),
        ("between two guests, Tombolo's switch", "tombolo", "192.168.1.2"),
        ("between two guests, QEMU's `-netdev stream`", "stream", "192.168.2.2"),
    ];

    private int Trips => options.IsQuick ? 1_000 : 10_000;

    private int Rounds => options.IsQuick ? 1 : 5;

    public IEnumerable<string> Measure()
    {
        string folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
        try
        {
            using var ourSwitch = new ChildProgram(Environment.ProcessPath!, "switch", folder, "2");
            _ = ourSwitch.ReadLine();   // it is ready
            using Process serving = Boot(folder, 1, $"while true; do /opt/zeromq/server 'tcp://*:5555' 1 {Trips}; done");
            using var servingConsole = new GuestConsole(serving);
            _ = servingConsole.Await("TOMBOLO-READY", _patience);
            using Process asking = Boot(folder, 0, $$"""
                for round in $(seq {{Rounds}}); do for way in {{string.Join(' ', _ways.Select(way => way.Address))}}; do
                [ $way != 127.0.0.1 ] || /opt/zeromq/server 'tcp://*:5555' 1 {{Trips}} &
                echo "LATENCY $(/opt/zeromq/client tcp://$way:5555 1 {{Trips}} | sed -n 's/average latency: \([0-9.]*\).*/\1/p') ."
                done; done
                """);
            using var askingConsole = new GuestConsole(asking);
            var samples = _ways.ToDictionary(way => way.Word, _ => new Sample());
            for (int round = 0; round < Rounds; round++)
                foreach ((_, string word, _) in _ways) samples[word].Add(double.Parse(askingConsole.Await("LATENCY ", _patience).Split(' ')[1], CultureInfo.InvariantCulture));
            return Table(samples);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private List<string> Table(Dictionary<string, Sample> samples)
    {
        List<string> lines = [$"| {Trips} round trips of 1 byte, {Rounds} times | half a round trip, µs | ÷ within one guest |", "| --- | --- | --- |"];
        foreach ((string name, string word, _) in _ways)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"| {name} | {samples[word].Median:0.0} ({samples[word].Min:0.0}–{samples[word].Max:0.0}) | {samples[word].Median / samples["one"].Median:0.00} |"));
        lines.Add("| the original on seL4, Haswell: 20.153 µs within one, 87.514 µs between two | | 4.34 |");
        return lines;
    }

    // eth0 is at the switch, eth1 at the stream; guest 1 listens there. The switch gives port 0 the address …:01, and port 1 …:00.
    private Process Boot(string folder, int number, string script)
    {
        string run = Path.Combine(folder, $"run{number}"), first = $"02:00:00:00:00:0{1 - number}", second = $"02:00:00:00:11:0{number}";
        File.WriteAllText(run, script + "\n");
        string[] words =
        [
            "-object", "memory-backend-memfd,id=ram,size=256M,share=on", "-machine", "pc,memory-backend=ram", "-accel", "tcg", "-m", "256M", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
            "-kernel", options.Kernel!, "-initrd", options.ZeroMqInitramfs!, "-append", "console=ttyS0 quiet panic=-1",
            "-fw_cfg", $"name=opt/tombolo/name,string=vm{number}", "-fw_cfg", $"name=opt/tombolo/run,file={run}",
            "-fw_cfg", $"name=opt/tombolo/net,string={first}=192.168.1.{number + 1}/24 {second}=192.168.2.{number + 1}/24",
            "-chardev", $"socket,id=c,path={Path.Combine(folder, $"{number}")},reconnect=1", "-netdev", "vhost-user,id=n,chardev=c", "-device", $"virtio-net-pci,netdev=n,mac={first},vectors=0,romfile=",
            "-netdev", $"stream,id=s,server={(number == 1 ? "on" : "off")},addr.type=unix,addr.path={Path.Combine(folder, "stream")}", "-device", $"virtio-net-pci,netdev=s,mac={second},romfile=",
        ];
        return Process.Start(new ProcessStartInfo("timeout", ["-k", "5", "1800", "qemu-system-x86_64", .. words]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }
}
