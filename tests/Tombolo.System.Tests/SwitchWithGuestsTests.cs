// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Machines;

namespace Tombolo.System.Tests;

/// <summary>Two unmodified guests in real QEMUs, joined by our switch, which is killed under their TCP connection.</summary>
[Trait("Speed", "slow")]
public sealed partial class SwitchWithGuestsTests : IDisposable
{
    private static readonly TimeSpan _watchdog = TimeSpan.FromMinutes(4);
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-").FullName;
    private readonly ProcessWatcher _watcher = new();
    private Process? _switch;

    [Fact]
    public async Task SwitchKilledUnderLoad_TcpConnectionLivesOn_EveryByteArrives()
    {
        await StartSwitchAsync();
        await using Machine sender = Make("vm0", "net-send.sh"), receiver = Make("vm1", "net-receive.sh");
        receiver.Start();
        sender.Start();
        await UntilAsync(sender, () => Console(sender).Contains("5 packets transmitted, 5 packets received", StringComparison.Ordinal), "five pings are answered");
        string[] stats = [];
        foreach (int goal in new[] { 5, 15, 25 })
        {
            await UntilAsync(sender, () => Sent(sender) >= goal, $"{goal} rounds are sent");
            stats = await StatsAsync();
            _switch!.Kill();
            await _switch.WaitForExitAsync();
            await StartSwitchAsync();
        }
        await UntilAsync(sender, () => Sum().IsMatch(Console(sender)), "the receiver answers with its sum");
        Sum().Match(Console(sender)).Groups[1].Value.ShouldBe(Wanted().Match(Console(sender)).Groups[1].Value);
        // Large segments went through whole: a frame had more bytes than an Ethernet frame can have.
        string[] from = stats[0].Split(':');
        (long.Parse(from[2], CultureInfo.InvariantCulture) / long.Parse(from[1], CultureInfo.InvariantCulture)).ShouldBeGreaterThan(1518);
        stats.ShouldAllBe(port => port.EndsWith(':'), "no port was stopped");
        await sender.StopAsync();
        await receiver.StopAsync();
    }

    public void Dispose()
    {
        if (_switch is { HasExited: false }) _switch.Kill();
        _switch?.Dispose();
        _watcher.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string MacOf(string name) => name == "vm0" ? "02:00:00:00:aa:01" : "02:00:00:00:aa:02";

    private string SocketOf(string name) => Path.Combine(_folder, name + ".sock");

    private Machine Make(string name, string script)
    {
        GuestImage image = GuestImage.Find().ShouldNotBeNull("the guest image is not built: run 'make guest'");
        var host = new MachineHost(ProgramPath.Find("qemu-system-x86_64").ShouldNotBeNull(), _ => Acceleration.Tcg, _watcher, TimeProvider.System);
        var options = new MachineOptions
        {
            Name = name,
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            MachineType = "pc,memory-backend=mem",
            ExtraArguments =
            [
                "-object", "memory-backend-memfd,id=mem,size=256M,share=on",
                "-chardev", $"socket,id=c0,path={SocketOf(name)},reconnect=1",
                "-netdev", "vhost-user,id=n0,chardev=c0",
                "-device", $"virtio-net-pci,netdev=n0,mac={MacOf(name)},vectors=0",   // QEMU 7.2 crashes under TCG with vectors
            ],
            Run = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Guest", script)),
            Restart = RestartPolicy.Never,
        };
        return new(options, new(Path.Combine(_folder, name)), host);
    }

    private async Task StartSwitchAsync()
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tombolo-test-server"), ["switch", .. new[] { "vm0", "vm1" }.Select(name => $"{name}={SocketOf(name)}={MacOf(name)}")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _switch = Process.Start(start)!;
        (await _switch.StandardOutput.ReadLineAsync().WaitAsync(_watchdog)).ShouldBe("ready");
    }

    private async Task<string[]> StatsAsync()
    {
        await _switch!.StandardInput.WriteLineAsync("stats");
        await _switch.StandardInput.FlushAsync();
        return (await _switch.StandardOutput.ReadLineAsync().WaitAsync(_watchdog)).ShouldNotBeNull().Split(' ');
    }

    private static int Sent(Machine machine) => Round().Matches(Console(machine)).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).DefaultIfEmpty().Max();

    private static string Console(Machine machine)
    {
        if (!File.Exists(machine.Folder.ConsoleLog)) return "";
        using FileStream stream = new(machine.Folder.ConsoleLog, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return new StreamReader(stream).ReadToEnd();
    }

    private static async Task UntilAsync(Machine machine, Func<bool> holds, string what)
    {
        long end = Environment.TickCount64 + (long)_watchdog.TotalMilliseconds;
        while (!holds())
        {
            Environment.TickCount64.ShouldBeLessThan(end, $"watchdog: waited in vain until {what}\n{string.Join('\n', Console(machine).Split('\n').TakeLast(15))}\n{(File.Exists(machine.Folder.QemuLog) ? File.ReadAllText(machine.Folder.QemuLog) : "")}");
            await Task.Delay(20);
        }
    }

    [GeneratedRegex(@"SENT (\d+)\.")] private static partial Regex Round();

    [GeneratedRegex(@"WANTED (\w{32})\.")] private static partial Regex Wanted();

    [GeneratedRegex(@"GOT (\w{32})\.")] private static partial Regex Sum();
}
