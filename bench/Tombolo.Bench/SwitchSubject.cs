// SPDX-License-Identifier: MIT
using Tombolo.TestPeers;

namespace Tombolo.Bench;

/// <summary>Something that joins two ports, on core 0. It is gone when this object is.</summary>
internal abstract class SwitchSubject : IDisposable
{
    private readonly Stack<ChildProgram> _programs = new();

    protected string Folder { get; } = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;

    /// <summary>What testpmd's two ports attach to.</summary>
    public virtual (string One, string Other) Devices => (VirtioUser(0), VirtioUser(1));

    /// <summary>How many queue pairs each of testpmd's ports uses.</summary>
    public virtual int Queues => 1;

    /// <summary>What testpmd is to be started with.</summary>
    public virtual IReadOnlyList<string> Prefix => [];

    /// <summary>What is to be done once testpmd is there.</summary>
    public virtual void Attached() { }

    public virtual void Dispose()
    {
        while (_programs.TryPop(out ChildProgram? program)) program.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    protected ChildProgram Start(params IReadOnlyList<string> words)
    {
        var program = new ChildProgram(words);
        _programs.Push(program);
        return program;
    }

    protected void AwaitSockets()
    {
        if (!Pause.Until(() => File.Exists(PathOf(0)) && File.Exists(PathOf(1)), TimeSpan.FromSeconds(20))) throw new InvalidOperationException($"{GetType().Name} makes no sockets.");
    }

    protected string PathOf(int port) => Path.Combine(Folder, $"{port}");

    private string VirtioUser(int port) => $"net_virtio_user{port},path={PathOf(port)},queue_size=512,queues={Queues}";
}

/// <summary>Ours, with one data thread.</summary>
internal sealed class OurSwitch : SwitchSubject
{
    private readonly ChildProgram _program;
    private readonly ScriptedDriver[] _idle;

    /// <summary>Starts it.</summary>
    /// <param name="queues">How many queue pairs testpmd uses at each of its ports.</param>
    /// <param name="idlePorts">How many ports there are besides testpmd's two. Each has a driver, all of whose receive buffers are there, and which sends nothing.</param>
    public OurSwitch(int queues = 1, int idlePorts = 0)
    {
        Queues = queues;
        _program = Start("taskset", "-c", "0", Environment.ProcessPath!, "switch", Folder, $"{2 + idlePorts}");
        _ = _program.ReadLine();
        _idle = [.. Enumerable.Range(2, idlePorts).Select(port =>
        {
            var driver = new ScriptedDriver();
            driver.Attach(PathOf(port));
            _ = driver.Refill();
            return driver;
        })];
    }

    public override int Queues { get; }

    public int ProcessId => _program.Id;

    public override void Dispose()
    {
        foreach (ScriptedDriver driver in _idle) driver.Dispose();
        base.Dispose();
    }
}

/// <summary>testpmd as a switch of two ports: DPDK's own vhost back end, which looks at no address.</summary>
internal sealed class TestpmdVhost : SwitchSubject
{
    public TestpmdVhost(bool isLarge)
    {
        string Device(int port) => $"net_vhost{port},iface={PathOf(port)},queues=1";
        _ = Start(["taskset", "-c", "0", "sh", "-c", "exec \"$@\" >/dev/null 2>&1", "sh", .. TestpmdTraffic.Words(Path.GetFileName(Folder), (Device(0), Device(1)), isLarge, cpu: 0), "--forward-mode=io", "-i", "--auto-start"]);
        AwaitSockets();
    }
}

/// <summary>Open vSwitch with its DPDK data path and two flows, as bench/openvswitch unpacked it. It finds its memory without huge pages if it is told not to insist.</summary>
internal sealed class OpenVSwitch : SwitchSubject
{
    private readonly string _root, _database, _daemon;

    /// <summary>Starts it.</summary>
    /// <param name="root">What its packages hold, from the root folder on.</param>
    public OpenVSwitch(string root)
    {
        _root = root;
        _database = $"unix:{Path.Combine(Folder, "db.sock")}";
        _daemon = Path.Combine(Folder, "ctl");
        string file = Path.Combine(Folder, "conf.db");
        Run("bin/ovsdb-tool", "create", file, Path.Combine(root, "usr/share/openvswitch/vswitch.ovsschema"));
        _ = Start(Quiet("sbin/ovsdb-server", file, $"--remote=p{_database}", "-vfile:off", "-vsyslog:off", $"--unixctl={Path.Combine(Folder, "dbctl")}"));
        _ = Pause.Until(() => File.Exists(Path.Combine(Folder, "db.sock")), TimeSpan.FromSeconds(10));
        Configure("--no-wait", "init");
        Configure("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true", "other_config:dpdk-extra=\"--no-huge --legacy-mem --no-pci -m 1024\"",
            "other_config:pmd-cpu-mask=0x1", "other_config:dpdk-lcore-mask=0x1", "other_config:vhost-sock-dir=.");
        _ = Start(Quiet("lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk", _database, "-vconsole:off", "-vsyslog:off", $"--unixctl={_daemon}"));
        Configure("--timeout=20", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev");
        foreach (int port in new[] { 0, 1 })
        {
            Configure("--timeout=20", "add-port", "br0", $"p{port}", "--", "set", "interface", $"p{port}", "type=dpdkvhostuser", $"ofport_request={port + 1}");
            File.CreateSymbolicLink(PathOf(port), $"p{port}");
        }
        string bridge = $"unix:{Path.Combine(Folder, "br0.mgmt")}";
        Run("bin/ovs-ofctl", "del-flows", bridge);
        Run("bin/ovs-ofctl", "add-flow", bridge, "in_port=1,actions=output:2");
        Run("bin/ovs-ofctl", "add-flow", bridge, "in_port=2,actions=output:1");
        AwaitSockets();
    }

    // Its own threads and the one that polls share the core: it takes a while until it has seen both ports.
    public override void Attached() => _ = Pause.Until(() => !ChildProgram.Said(Here("bin/ovs-vsctl", $"--db={_database}", "--timeout=5", "--columns=link_state", "list", "interface", "p0", "p1")).Contains("down", StringComparison.Ordinal), TimeSpan.FromSeconds(15));

    private void Configure(params string[] words) => Run(["bin/ovs-vsctl", $"--db={_database}", .. words]);

    private void Run(params string[] words) => _ = ChildProgram.Said(Here(words));

    private string[] Here(params string[] words) => [.. Variables(), In(words[0]), .. words[1..]];

    private string[] Quiet(params string[] words) => [.. Variables(), "taskset", "-c", "0", "sh", "-c", "exec \"$@\" >/dev/null 2>&1", "sh", In(words[0]), .. words[1..]];

    private string[] Variables() =>
        ["env", $"LD_LIBRARY_PATH={In("lib/x86_64-linux-gnu")}:{Path.Combine(_root, "lib/x86_64-linux-gnu")}", $"OVS_RUNDIR={Folder}", $"OVS_DBDIR={Folder}", $"OVS_LOGDIR={Folder}", $"OVS_SYSCONFDIR={Folder}"];

    private string In(string path) => Path.Combine(_root, "usr", path);
}

/// <summary>The kernel's bridge, with a tap for each of testpmd's ports. All of it runs in testpmd's own system calls, on testpmd's core.</summary>
internal sealed class LinuxBridge : SwitchSubject
{
    private static readonly string[] _setUp =
    [
        "link add br0 type bridge", "link set br0 mtu 65521", "link set t0 mtu 65521", "link set t1 mtu 65521", "link set t0 master br0", "link set t1 master br0", "link set t0 up", "link set t1 up", "link set br0 up",
    ];

    private readonly ChildProgram _network;   // a network namespace of its own, for as long as it lives

    public LinuxBridge()
    {
        _network = Start("unshare", "--net", "sh", "-c", "echo ready; read -r end");
        _ = _network.ReadLine();
    }

    public override (string One, string Other) Devices => ("net_tap0,iface=t0", "net_tap1,iface=t1");

    public override IReadOnlyList<string> Prefix => ["nsenter", "--net", $"--target={_network.Id}"];

    public override void Attached()
    {
        foreach (string words in _setUp) _ = ChildProgram.Said([.. Prefix, "ip", .. words.Split(' ')]);
        _ = ChildProgram.Said([.. Prefix, "bridge", "fdb", "replace", "02:00:00:00:00:00", "dev", "t1", "master", "static"]);
        _ = ChildProgram.Said([.. Prefix, "bridge", "fdb", "replace", "02:00:00:00:00:01", "dev", "t0", "master", "static"]);
    }
}

/// <summary>vde_switch, to which processes send frames as datagrams.</summary>
internal sealed class VdeSwitch : SwitchSubject
{
    public VdeSwitch()
    {
        _ = Start("taskset", "-c", "0", "sh", "-c", "exec \"$@\" >/dev/null 2>&1", "sh", "vde_switch", "-s", SocketFolder);
        _ = Pause.Until(() => File.Exists(Path.Combine(SocketFolder, "ctl")), TimeSpan.FromSeconds(10));
    }

    public string SocketFolder => Path.Combine(Folder, "s");
}
