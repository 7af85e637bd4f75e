// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Machines;
using Tombolo.Switching;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>The real things at the other end of an uplink: a tap in a network namespace, QEMU's <c>-netdev stream</c>, passt; and tshark, which reads a capture.</summary>
[Trait("Speed", "slow")]
public sealed class UplinkCounterpartTests : IDisposable
{
    private static readonly TimeSpan _watchdog = TimeSpan.FromMinutes(2);
    private readonly TemporaryFolder _folder = new();
    private readonly List<Child> _children = [];
    private readonly List<NetworkSpace> _spaces = [];

    public void Dispose()
    {
        foreach (Child child in _children) child.Dispose();
        foreach (NetworkSpace space in _spaces) space.Dispose();
        _folder.Dispose();
    }

    /// <summary>Two network namespaces, a tap in each, the switch between them: the kernels' own ping, with ARP, goes from one to the other; a capture of it is read by tshark.</summary>
    [Fact]
    public async Task Taps_InTwoNamespaces_PingEachOther_AndTsharkReadsIt()
    {
        NetworkSpace one = NewNamespace(), other = NewNamespace();
        await using VirtualSwitch running = VirtualSwitch.Start(new() { Ports = [Tap("t0", one), Tap("t1", other)] });
        string file = _folder["ping.pcapng"];
        await using (FileStream output = File.Create(file))
        {
            await using PortCapture capture = await running.CaptureAsync("t1", output);
            one.SetUp("t0", "192.168.77.1/24");
            other.SetUp("t1", "192.168.77.2/24");
            one.Run("ping", "-c", "5", "-i", "0.2", "-w", "30", "192.168.77.2").ShouldContain("5 packets transmitted, 5 received");
        }
        string read = NetworkSpace.Said("tshark", "-r", file, "-T", "fields", "-e", "_ws.col.Protocol", "-e", "frame.interface_name", "-Y", "icmp or arp");
        read.ShouldContain("ICMP\tt1");
        read.ShouldContain("ARP\tt1");
        NetworkSpace.Said("tshark", "-r", file, "-Y", "icmp.type == 8").Split('\n').Count(line => line.Contains("Echo (ping) request", StringComparison.Ordinal)).ShouldBe(5);
        SwitchSnapshot snapshot = await running.SnapshotAsync();
        snapshot.Ports.ShouldAllBe(port => port.IsUp && port[PortCounter.FramesTo] > 5);
        await running.RemovePortAsync("t0");
        one.Run("ip", "-br", "link").ShouldNotContain("t0");   // it went with its descriptor
    }

    /// <summary>passt answers a DHCP-less question: who has the gateway's address? Its framing and ours are the same.</summary>
    [Fact]
    public async Task Passt_AnswersAnArpRequest()
    {
        string socket = _folder["passt.sock"];
        string passt = ProgramPath.Find("passt").ShouldNotBeNull("passt is not installed: run 'eng/setup system'");
        NetworkSpace space = NewNamespace();   // passt wants an interface with a route; its namespace gets one
        foreach (string words in new[] { "link add d0 type bridge", "addr add 10.9.0.2/24 dev d0", "link set d0 up", "route add default via 10.9.0.1" }) _ = space.Run(["ip", .. words.Split(' ')]);
        _children.Add(space.Start(passt, "--foreground", "--socket", socket, "--runas", "0", "--log-file", _folder["passt.log"]));
        Testing.Watchdog.Until(() => Path.Exists(socket), "passt listens");
        await using VirtualSwitch running = VirtualSwitch.Start(new()
        {
            Reconnect = TimeSpan.FromMilliseconds(50),
            Ports =
            [
                new() { Name = "passt", Uplink = new StreamUplink(), SocketPath = socket, IsClient = true, AllowsAnySource = true, Learns = true },
                new() { Name = "tap", Uplink = new TapUplink { Device = "t0", NetworkNamespace = NewNamespace().Path }, AllowsAnySource = true, Learns = true },
            ],
        });
        await UntilAsync(running, snapshot => snapshot.Ports.All(static port => port.IsUp), "passt is there");
        NetworkSpace guest = _spaces[^1];
        guest.SetUp("t0", "10.9.0.2/24");
        // The kernel behind the tap asks for the gateway; passt answers for it.
        _ = guest.Run("ping", "-c", "1", "-w", "5", "10.9.0.1");
        guest.Run("ip", "neigh", "show", "10.9.0.1").ShouldContain("lladdr");
    }

    /// <summary>QEMU's own user network behind <c>-netdev stream</c> and a hub: a guestless QEMU that answers ARP for its gateway.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task QemuNetdevStream_AnswersThroughItsUserNetwork(bool weListen)
    {
        string socket = _folder["stream.sock"], qemu = ProgramPath.Find("qemu-system-x86_64").ShouldNotBeNull();
        await using VirtualSwitch running = VirtualSwitch.Start(new()
        {
            Reconnect = TimeSpan.FromMilliseconds(50),
            Ports =
            [
                new() { Name = "qemu", Uplink = new StreamUplink(), SocketPath = socket, IsClient = !weListen, AllowsAnySource = true, Learns = true },
                new() { Name = "tap", Uplink = new TapUplink { Device = "t0", NetworkNamespace = NewNamespace().Path }, AllowsAnySource = true, Learns = true },
            ],
        });
        _children.Add(new(qemu, "-M", "none", "-display", "none", "-monitor", "none", "-serial", "none",
            "-netdev", $"stream,id=s0,server={(weListen ? "off" : "on")},addr.type=unix,addr.path={socket}", "-netdev", "hubport,id=h0,hubid=0,netdev=s0", "-netdev", "user,id=u0", "-netdev", "hubport,id=h1,hubid=0,netdev=u0"));
        await UntilAsync(running, snapshot => snapshot.Ports.All(static port => port.IsUp), "QEMU is there");
        _spaces[^1].SetUp("t0", "10.0.2.15/24");
        _spaces[^1].Run("ping", "-c", "3", "-i", "0.2", "-w", "30", "10.0.2.2").ShouldContain("3 received");
    }

    private NetworkSpace NewNamespace()
    {
        _spaces.Add(new());
        return _spaces[^1];
    }

    private static PortOptions Tap(string device, NetworkSpace space) => new() { Name = device, Uplink = new TapUplink { Device = device, NetworkNamespace = space.Path }, AllowsAnySource = true, Learns = true };

    private static async Task UntilAsync(VirtualSwitch running, Func<SwitchSnapshot, bool> isSo, string what)
    {
        long end = Environment.TickCount64 + (long)_watchdog.TotalMilliseconds;
        while (!isSo(await running.SnapshotAsync()))
        {
            Environment.TickCount64.ShouldBeLessThan(end, $"watchdog: {what}");
            await Task.Delay(20);
        }
    }
}
