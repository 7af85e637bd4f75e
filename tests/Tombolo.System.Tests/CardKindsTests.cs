// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Machines;
using Tombolo.Switching;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>Two unmodified guests with cards that the other tests do not have: several queues, a packed ring, an MTU that is announced, a QEMU that listens, memory that is plugged in while frames go.</summary>
[Trait("Speed", "slow")]
public sealed partial class CardKindsTests : IAsyncLifetime, IDisposable
{
    private const int JumboMtu = 9000;
    // A round: a jumbo frame over IPv4 (ARP before it), and one over IPv6 (neighbour discovery, by multicast).
    private const string Rounds = "n=0; while true; do for p in 'ping -c 1 -W 2 -s 8900 192.168.1.2' 'ping6 -c 1 -W 2 -I eth0 fe80::ff:fe00:aa02'; do $p >/dev/null && echo ROUND $n yes. || echo ROUND $n no.; done; n=$((n+1)); done";
    private readonly TemporaryFolder _folder = new();
    private readonly GuestTrial _trial;
    private readonly CancellationTokenSource _cancel = new(TimeSpan.FromMinutes(4));

    public CardKindsTests() => _trial = new(_folder);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _trial.DisposeAsync();

    public void Dispose()
    {
        _folder.Dispose();
        _cancel.Dispose();
    }

    [Fact]
    public async Task QueuesPackedRingMtuListenerAndPluggedMemory_FramesGo()
    {
        var listener = new PortOptions { Name = "vm0", SocketPath = _folder["vm0.sock"], IsClient = true, Macs = [new(0x0200_0000_aa01)], Mtu = JumboMtu };
        await using VirtualSwitch running = VirtualSwitch.Start(new()
        {
            Reconnect = TimeSpan.FromMilliseconds(50),
            Ports = [listener, new() { Name = "vm1", SocketPath = _folder["vm1.sock"], Macs = [new(0x0200_0000_aa02)], Mtu = JumboMtu }],
        });
        _ = _trial.Start("vm1", ["sleep 1000"], change: options => options with { Cpus = 2, Nics = [Nic("vm1", "02:00:00:00:aa:02", "192.168.1.2/24")], ExtraArguments = ["-global", "virtio-net-pci.packed=on"] });
        Machine vm0 = _trial.Start("vm0", ["echo MTU $(cat /sys/class/net/eth0/mtu). QUEUES $(ls -d /sys/class/net/eth0/queues/rx-* | wc -l).", Rounds],
            change: options => options with { Cpus = 2, Nics = [Nic("vm0", "02:00:00:00:aa:01", "192.168.1.1/24") with { Listens = true }], ExtraArguments = ["-m", "slots=2,maxmem=1G", .. QmpLine.Arguments(_folder["qmp"])] });

        await AnsweredAsync(vm0, "the guests find each other");
        GuestTrial.ConsoleOf(vm0).ShouldContain($"MTU {JumboMtu}. QUEUES 2.");
        SwitchSnapshot snapshot = await running.SnapshotAsync();
        snapshot.Ports.ShouldAllBe(port => port.Rings == 4 && port.Fault == null && (port.Features & VirtioFeatures.Mtu) != 0);
        snapshot.Ports.Select(port => (port.Features & VirtioFeatures.RingPacked) != 0).ShouldBe([false, true]);

        // Memory is plugged in: QEMU tells of a region more, which is mapped here, and frames go on.
        int before = Regions();
        using (QmpLine qemu = await QmpLine.ConnectAsync(_folder["qmp"], _cancel.Token))
        {
            await qemu.DoAsync("""{"execute":"object-add","arguments":{"qom-type":"memory-backend-memfd","id":"more","size":134217728,"share":true}}""", _cancel.Token);
            await qemu.DoAsync("""{"execute":"device_add","arguments":{"driver":"pc-dimm","id":"dimm0","memdev":"more"}}""", _cancel.Token);
        }
        await AnsweredAsync(vm0, "memory was plugged in");
        Regions().ShouldBe(before + 1);

        // Whoever listens is found again.
        await running.RemovePortAsync("vm0");
        await running.AddPortAsync(listener);
        await AnsweredAsync(vm0, "the switch came back to the QEMU that listens");
        (await running.SnapshotAsync()).Ports.ShouldAllBe(port => port.IsUp && port.Fault == null);
    }

    private MachineNic Nic(string name, string mac, string address) => new(name, _folder[$"{name}.sock"], mac) { QueuePairs = 2, Mtu = JumboMtu, Addresses = [address] };

    private static int Regions() => File.ReadLines("/proc/self/maps").Count(static line => line.Contains("memory-backend-memfd", StringComparison.Ordinal));

    // A whole round that began after now was answered.
    private async Task AnsweredAsync(Machine machine, string when)
    {
        int first = Last(machine) + 1;
        while (!Enumerable.Range(first, Math.Max(0, Last(machine) - first)).Any(round => Answers(machine, round) == 2))
        {
            _cancel.IsCancellationRequested.ShouldBeFalse($"watchdog: {when}\n{string.Join('\n', GuestTrial.ConsoleOf(machine).Split('\n').TakeLast(15))}");
            await Task.Delay(50);
        }
    }

    private static int Last(Machine machine) => Round().Matches(GuestTrial.ConsoleOf(machine)).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).DefaultIfEmpty(-1).Max();

    private static int Answers(Machine machine, int round) => Round().Matches(GuestTrial.ConsoleOf(machine)).Count(match => match.Groups[1].Value == round.ToString(CultureInfo.InvariantCulture) && match.Groups[2].Value == "yes");

    [GeneratedRegex(@"ROUND (\d+) (yes|no)\.")] private static partial Regex Round();
}
