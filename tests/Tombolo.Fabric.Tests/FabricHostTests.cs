// SPDX-License-Identifier: MIT
using System.Text;
using Shouldly;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Machines;
using Tombolo.Mailbox;

namespace Tombolo.Fabric.Tests;

/// <summary>The life cycle with real mailboxes and a stand-in for QEMU; the real one is in Tombolo.System.Tests.</summary>
public sealed class FabricHostTests : IDisposable
{
    private const string Stays = QemuStandIn.Ready;

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromSeconds(90));
    private readonly FabricHostOptions _options;

    public FabricHostTests()
    {
        File.WriteAllText(_folder["kernel"], "");
        _options = new() { Root = _folder["run"], QemuPath = QemuStandIn.Write(_folder) };
    }

    public void Dispose()
    {
        _folder.Dispose();
        _watchdog.Dispose();
    }

    private static string Machine(string name, string rest = "", string behaviour = Stays) => $"  {name}: {{ kernel: kernel, accel: tcg, ready: TOMBOLO-READY, {rest} qemu: [ \"{behaviour}\" ] }}\n";

    private FabricHost Open(string text)
    {
        byte[] source = Encoding.UTF8.GetBytes(text);
        FabricReading reading = FabricFile.Parse(source, _folder["fabric.yaml"], _options.Root);
        reading.Faults.ShouldBeEmpty();
        return FabricHost.Open(reading.Declaration!, source, _folder["fabric.yaml"], _options);
    }

    private static string TwoMachines => $"fabric: demo\nmailboxes: {{ genz: }}\nmachines:\n{Machine("vm0", "attach: genz,")}{Machine("vm1", "attach: genz, after: vm0,")}";

    [Fact]
    public async Task Start_TwoMachinesAndAMailbox_ComeUpInOrderAndGoDownWithoutATrace()
    {
        FabricHost host = Open(TwoMachines);
        (await host.StartAsync(_watchdog.Token)).ShouldBeEmpty();
        FabricStatus status = await host.SnapshotAsync();
        int[] processes = [.. status.Machines.Select(machine => machine.Machine.ProcessId!.Value)];
        status.Machines.ShouldAllBe(machine => machine.Machine.State == MachineState.Ready);
        status.Mailboxes.ShouldHaveSingleItem().IsUp.ShouldBeTrue();
        status.Machines[1].Slots["genz"].ShouldBe(2);
        await host.StopAsync();
        await host.DisposeAsync();
        processes.ShouldAllBe(id => ProcessIdentity.Of(id) == null);
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
        FabricEvent[] events = [.. await ReadAllAsync(host)];
        events.Select(happened => (happened.Kind, happened.Subject)).Where(happened => happened.Kind is not (FabricEventKind.MachineStopping or FabricEventKind.MachineStopped or FabricEventKind.MailboxDown)).ShouldBe([
            (FabricEventKind.MailboxUp, "genz"),
            (FabricEventKind.MachineStarted, "vm0"), (FabricEventKind.MachineReady, "vm0"),
            (FabricEventKind.MachineStarted, "vm1"), (FabricEventKind.MachineReady, "vm1"),
            (FabricEventKind.FabricUp, "demo"), (FabricEventKind.FabricStopping, "demo"), (FabricEventKind.FabricDown, "demo"),
        ]);
        events.First(happened => happened.Kind == FabricEventKind.MailboxUp).Sentence.ShouldBe($"Mailbox genz serves at {_folder["run/demo/genz.sock"]} (14 places, slots of 512 bytes).");
    }

    private static async Task<List<FabricEvent>> ReadAllAsync(FabricHost host)
    {
        List<FabricEvent> events = [];
        await foreach (FabricEvent happened in host.Events.ReadAllAsync()) events.Add(happened);
        return events;
    }

    [Fact]
    public async Task Open_SecondTime_SaysWhoRunsIt()
    {
        await using FabricHost host = Open("fabric: demo\n");
        Should.Throw<FabricException>(() => Open("fabric: demo\n")).Message.ShouldBe($"Fabric demo is running already (pid {Environment.ProcessId}); 'tombolo ps' shows it, 'tombolo down' takes it down.");
        FabricState.List(_options.Root).ShouldBe([new FabricPresence("demo", Environment.ProcessId)]);
    }

    [Fact]
    public async Task Start_MachineThatFails_IsReportedAndSoIsWhoWaitsForIt()
    {
        await using FabricHost host = Open($"fabric: demo\nmachines:\n{Machine("bad", "restart: never,", "echo no such disk >&2; exit 1")}{Machine("waits", "after: bad,")}{Machine("free")}");
        (await host.StartAsync(_watchdog.Token)).ShouldBe([
            "Machine bad: QEMU ended with status 1: no such disk.",
            "Machine waits is not started, because machine bad is not ready.",
        ]);
        host.Machine("free")!.Status.State.ShouldBe(MachineState.Ready);
    }

    [Fact]
    public async Task Start_MachineThatIsLate_IsLeftRunning()
    {
        await using FabricHost host = Open($"fabric: demo\nmachines:\n{Machine("slow", "ready-within: 100ms,", "exec sleep 600")}");
        (await host.StartAsync(_watchdog.Token)).ShouldHaveSingleItem().ShouldStartWith("Machine slow is not ready after 0.1 s; it is left running");
        host.Machine("slow")!.Status.State.ShouldBe(MachineState.Starting);
    }

    [Fact]
    public async Task Start_MailboxSocketServedBySomebodyElse_SaysWhoAndStartsNoMachine()
    {
        await using MailboxFabric other = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = _folder["taken.sock"], SizeBytes = 4096 } });
        await using FabricHost host = Open($"fabric: demo\nmailboxes: {{ genz: {{ socket: {_folder["taken.sock"]} }} }}\nmachines:\n{Machine("vm0")}");
        string message = (await Should.ThrowAsync<FabricException>(() => host.StartAsync(_watchdog.Token))).Message;
        message.ShouldStartWith("Mailbox genz cannot be served: ");
        message.ShouldContain(_folder["taken.sock"]);
        host.Machine("vm0").ShouldBeNull();
    }

    [Fact]
    public async Task Start_StaleSocketOfADeadServer_IsTakenOver()
    {
        _ = Directory.CreateDirectory(_folder["run/demo"]);
        UnixSocket.Listen(_folder["run/demo/genz.sock"], UnixSocketKind.Stream).Dispose();
        File.Exists(_folder["run/demo/genz.sock"]).ShouldBeTrue();
        await using FabricHost host = Open("fabric: demo\nmailboxes: { genz: }\n");
        (await host.StartAsync(_watchdog.Token)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Start_UnknownGroup_IsOneSentence()
    {
        await using FabricHost host = Open("fabric: demo\nmailboxes: { genz: { group: no-such-group } }\n");
        (await Should.ThrowAsync<FabricException>(() => host.StartAsync(_watchdog.Token))).Message
            .ShouldBe("Mailbox genz cannot be served: Mailbox genz names group 'no-such-group', which does not exist on this host; use a number, or add the group.");
    }

    [Fact]
    public async Task Start_OwnerDiedAndItsMachineLostTheMailbox_IsStartedAnew()
    {
        FabricHost first = Open(TwoMachines);
        _ = await first.StartAsync(_watchdog.Token);
        int old = first.Machine("vm0")!.Status.ProcessId!.Value;
        await first.AbandonMachinesAsync();
        await using FabricHost second = Open(TwoMachines);
        (await second.StartAsync(_watchdog.Token)).ShouldBeEmpty();
        second.Machine("vm0")!.Status.ProcessId.ShouldNotBe(old);
        ProcessIdentity.Of(old).ShouldBeNull();
    }

    [Fact]
    public async Task Start_OwnerDied_MachinesWithoutMailboxAreAdopted()
    {
        string text = $"fabric: demo\nmachines:\n{Machine("vm0")}";
        FabricHost first = Open(text);
        _ = await first.StartAsync(_watchdog.Token);
        await first.AbandonMachinesAsync();
        FabricState.List(_options.Root).ShouldBe([new FabricPresence("demo", 0)]);
        FabricState.Leftover(new(_options.Root, "demo"))!.Machines[0].Machine.ProcessId.ShouldBe(first.Machine("vm0")!.Status.ProcessId);
        await using FabricHost second = Open(text);
        (await second.StartAsync(_watchdog.Token)).ShouldBeEmpty();
        second.Machine("vm0")!.Status.Adopted.ShouldBeTrue();
        second.Machine("vm0")!.Status.ProcessId.ShouldBe(first.Machine("vm0")!.Status.ProcessId);
    }

    [Fact]
    public async Task Start_MachineNoLongerDeclared_IsEnded()
    {
        FabricHost first = Open($"fabric: demo\nmachines:\n{Machine("vm0")}{Machine("vm1")}");
        _ = await first.StartAsync(_watchdog.Token);
        int gone = first.Machine("vm1")!.Status.ProcessId!.Value;
        await first.AbandonMachinesAsync();
        await using FabricHost second = Open($"fabric: demo\nmachines:\n{Machine("vm0")}");
        _ = await second.StartAsync(_watchdog.Token);
        ProcessIdentity.Of(gone).ShouldBeNull();
    }

    [Fact]
    public async Task EndLeftovers_OwnerDied_LeavesNothing()
    {
        FabricHost first = Open(TwoMachines);
        _ = await first.StartAsync(_watchdog.Token);
        int[] processes = [.. (await first.SnapshotAsync()).Machines.Select(machine => machine.Machine.ProcessId!.Value)];
        await first.AbandonMachinesAsync();
        (await FabricHost.EndLeftoversAsync("demo", _options)).ShouldBe([$"Machine vm0 (pid {processes[0]}) is ended.", $"Machine vm1 (pid {processes[1]}) is ended."]);
        processes.ShouldAllBe(id => ProcessIdentity.Of(id) == null);
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
        (await FabricHost.EndLeftoversAsync("demo", _options)).ShouldBeEmpty();
    }

    [Fact]
    public async Task EndLeftovers_FabricThatRuns_IsRefused()
    {
        await using FabricHost host = Open("fabric: demo\n");
        _ = await Should.ThrowAsync<FabricException>(() => FabricHost.EndLeftoversAsync("demo", _options));
    }

    [Fact]
    public async Task Stop_WhileStarting_LeavesNoProcess()
    {
        FabricHost host = Open($"fabric: demo\nmachines:\n{Machine("vm0", "", "exec sleep 600")}{Machine("vm1", "after: vm0,")}");
        Task<IReadOnlyList<string>> starting = host.StartAsync(_watchdog.Token);
        await foreach (FabricEvent happened in host.Events.ReadAllAsync(_watchdog.Token)) if (happened.Kind == FabricEventKind.MachineStarted) break;
        int process = host.Machine("vm0")!.Status.ProcessId!.Value;
        await host.DisposeAsync();
        _ = await starting.WaitAsync(_watchdog.Token);
        ProcessIdentity.Of(process).ShouldBeNull();
        host.Machine("vm1").ShouldBeNull();
    }

    [Fact]
    public async Task Mailbox_HostProgramsJoin_LeaveTheMachinesNumbersFree()
    {
        await using FabricHost host = Open(TwoMachines.Replace("genz: }", "genz: { clients: 4 } }"));
        (await host.StartAsync(_watchdog.Token)).ShouldBeEmpty();   // the stand-ins never join: 1 and 2 stay free, and kept for them
        var options = new IvshmemClientOptions { SocketPath = _folder["run/demo/genz.sock"], VectorCount = MailboxGeometry.VectorCountIn };
        using IvshmemClient a = IvshmemClient.Connect(options), b = IvshmemClient.Connect(options), c = IvshmemClient.Connect(options);
        new[] { a.Id, b.Id, c.Id }.ShouldBe([new PeerId(3), new PeerId(4), new PeerId(1)]);   // the third finds nothing else
        MailboxStatus status = (await host.SnapshotAsync()).Mailboxes[0];
        status.Members.Select(member => (member.Id, member.Machine, member.ProcessId)).ShouldBe([(1, null, Environment.ProcessId), (3, null, Environment.ProcessId), (4, null, Environment.ProcessId)]);
        status.Joins.ShouldBe(3);
    }

    [Fact]
    public async Task Status_AsJson_ReadsBack()
    {
        await using FabricHost host = Open(TwoMachines);
        _ = await host.StartAsync(_watchdog.Token);
        string json = System.Text.Json.JsonSerializer.Serialize(await host.SnapshotAsync(), FabricStatusJson.Default.FabricStatus);
        FabricStatus back = System.Text.Json.JsonSerializer.Deserialize(json, FabricStatusJson.Default.FabricStatus)!;
        back.Machines.Select(machine => machine.Machine.Name).ShouldBe(["vm0", "vm1"]);
        json.ShouldContain("\"state\":\"Ready\"");
    }
}
