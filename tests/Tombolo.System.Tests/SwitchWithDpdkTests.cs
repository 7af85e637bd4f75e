// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Shouldly;
using Tombolo.Machines;
using Tombolo.Switching;

namespace Tombolo.System.Tests;

/// <summary>A second real driver: DPDK's virtio-user, in every ring format that it has, sends frames round and round through our switch.</summary>
[Trait("Speed", "slow")]
public sealed class SwitchWithDpdkTests : IDisposable
{
    private const long Frames = 50_000;
    private static readonly TimeSpan _watchdog = TimeSpan.FromMinutes(2);
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-").FullName;
    private Process? _testpmd;

    [Theory]
    [InlineData("", VirtioFeatures.None)]
    [InlineData(",in_order=0,mrg_rxbuf=0", VirtioFeatures.None)]
    [InlineData(",packed_vq=1", VirtioFeatures.RingPacked)]
    [InlineData(",packed_vq=1,in_order=0,mrg_rxbuf=0", VirtioFeatures.RingPacked)]
    [InlineData("", VirtioFeatures.None, 2)]
    [InlineData(",packed_vq=1", VirtioFeatures.RingPacked, 2)]
    public async Task VirtioUser_FramesGoRound_NoneIsLost(string kind, VirtioFeatures wanted, int queues = 1)
    {
        // testpmd's first frames go from its port 0 to 02:00:00:00:00:00, and from port 1 to …:01; it sends what it receives at one port out of the other, unchanged.
        await using VirtualSwitch running = VirtualSwitch.Start(new()
        {
            Ports =
            [
                new() { Name = "p0", SocketPath = Path.Combine(_folder, "0"), Macs = [new(0x0200_0000_0001)], AllowsAnySource = true },
                new() { Name = "p1", SocketPath = Path.Combine(_folder, "1"), Macs = [new(0x0200_0000_0000)], AllowsAnySource = true },
            ],
        });
        Process testpmd = _testpmd = StartTestpmd(kind, queues);
        SwitchSnapshot snapshot = await running.SnapshotAsync();
        long end = Environment.TickCount64 + (long)_watchdog.TotalMilliseconds;
        while (!snapshot.Ports.All(port => port[PortCounter.FramesTo] > Frames))
        {
            testpmd.HasExited.ShouldBeFalse($"testpmd ended: {Said}");
            Environment.TickCount64.ShouldBeLessThan(end, $"watchdog: {string.Join(' ', snapshot.Ports.Select(port => $"{port[PortCounter.FramesTo]} {port.LastEnd} {port.Fault}"))}\n{Said}");
            await Task.Delay(20);
            snapshot = await running.SnapshotAsync();
        }
        foreach (PortSnapshot port in snapshot.Ports)
        {
            (port.Fault, port.Lost).ShouldBe((null, 0));
            (port.Features & VirtioFeatures.RingPacked).ShouldBe(wanted);
            port.Rings.ShouldBe(2 * queues);
        }
    }

    // It polls: left behind by a failing test, it would take a whole processor for ever.
    public void Dispose()
    {
        _testpmd?.Kill();
        _testpmd?.WaitForExit();
        _testpmd?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Said => File.Exists(LogPath) ? File.ReadAllText(LogPath) : "";

    private string LogPath => Path.Combine(_folder, "log");

    private Process StartTestpmd(string kind, int queues)
    {
        string program = ProgramPath.Find("dpdk-testpmd").ShouldNotBeNull("dpdk-testpmd is not installed: run 'eng/setup system'");
        string Device(int port) => $"net_virtio_user{port},path={Path.Combine(_folder, $"{port}")},queue_size=256,queues={queues}{kind}";
        string command = $"exec {program} --lcores 0@0,1@0 --no-huge -m 256 --no-pci --no-telemetry --file-prefix={Path.GetFileName(_folder)} --vdev {Device(0)} --vdev {Device(1)}"
            + $" -- --forward-mode=io --rxq={queues} --txq={queues} --tx-first --total-num-mbufs=4096 --stats-period=60 >{LogPath} 2>&1";
        return Process.Start("sh", ["-c", command])!;
    }
}
