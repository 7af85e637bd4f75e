// SPDX-License-Identifier: MIT
using System.Text;
using Shouldly;
using Tombolo.Linux;
using Tombolo.Regions;
using Tombolo.TestPeers;

namespace Tombolo.Fabric.Tests;

/// <summary>Regions in a fabric: declared, checked with their layout, served, and joined by a machine (a stand-in for QEMU).</summary>
public sealed class RegionsTests : IDisposable
{
    private const string Layout = """
        { "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 }, "vsoc_device_regions": [
          { "device_name": "screen", "current_version": 0, "min_compatible_version": 0, "region_size": 65536, "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 4 } },
          { "device_name": "input", "current_version": 0, "min_compatible_version": 0, "region_size": 4096, "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 4 } } ] }
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromSeconds(90));
    private readonly FabricHostOptions _options;

    public RegionsTests()
    {
        File.WriteAllText(_folder["kernel"], "");
        File.WriteAllText(_folder["phone.json"], Layout);
        _options = new() { Root = _folder["run"], QemuPath = QemuStandIn.Write(_folder) };
    }

    public void Dispose()
    {
        _folder.Dispose();
        _watchdog.Dispose();
    }

    private FabricReading Load(string text)
    {
        File.WriteAllText(_folder["fabric.yaml"], text);
        return FabricFile.Load(_folder["fabric.yaml"], _options.Root);
    }

    private FabricHost Open(string text)
    {
        FabricReading reading = Load(text);
        reading.Faults.ShouldBeEmpty();
        return FabricHost.Open(reading.Declaration!, Encoding.UTF8.GetBytes(text), _folder["fabric.yaml"], _options);
    }

    [Fact]
    public void Load_Defaults_AreWrittenOut()
    {
        RegionsDeclaration phone = Load("fabric: demo\nregions: { phone: { layout: phone.json } }").Declaration.ShouldNotBeNull().Regions.ShouldHaveSingleItem();
        phone.ShouldBe(new() { Name = "phone", Layout = _folder["phone.json"], Qemu = "phone-qemu.sock", Clients = "phone.sock", Rules = phone.Rules });
        phone.Rules.ShouldBeEmpty();
    }

    [Fact]
    public void Load_FaultsOfTheLayout_AreToldWithTheirOwnPlaces()
    {
        File.WriteAllText(_folder["bad.json"], Layout.Replace("\"input\"", "\"screen\"", StringComparison.Ordinal).Replace("\"major_version\": 2", "\"major_version\": 1", StringComparison.Ordinal));
        FabricReading reading = Load("fabric: demo\nregions: { phone: { layout: bad.json } }");
        reading.Declaration.ShouldBeNull();
        reading.Faults.Select(fault => (fault.File, fault.Line)).ShouldBe([(_folder["bad.json"], 1), (_folder["bad.json"], 3)]);
        reading.Faults[1].Sentence.ShouldBe("There is a region 'screen' already, $.vsoc_device_regions[0]; names must differ. (At $.vsoc_device_regions[1].device_name.)");
    }

    [Fact]
    public void Load_WhatDoesNotFitTheLayout_IsAFault()
    {
        Load("fabric: demo\nregions: { phone: { layout: phone.json, vectors: 1 } }").Faults.ShouldHaveSingleItem().Sentence.ShouldBe("The layout has 2 regions, and 'vectors' of regions phone is 1; the machine needs one for each.");
        Load("fabric: demo\nregions: { phone: { layout: phone.json } }\npolicy: [ { who: { uid: 5 }, may: read phone/scren } ]").Faults.ShouldHaveSingleItem().Sentence
            .ShouldBe("Policy names region 'scren' of regions phone, which the layout does not have; did you mean 'screen'?");
        Load("fabric: demo\nregions: { phone: { layout: none.json } }").Faults.ShouldHaveSingleItem().Sentence.ShouldContain("There is no such file.");
    }

    [Fact]
    public void Policy_BecomesTheServersRules_TheOwnUserFirst_WritersBeforeReaders()
    {
        FabricDeclaration declaration = Load("""
            fabric: demo
            regions: { phone: { layout: phone.json } }
            policy:
              - { who: { uid: 1000 }, may: [read phone, write phone/input] }
              - { who: { gid: 7 }, may: read phone/screen }
            """).Declaration.ShouldNotBeNull();
        IReadOnlyList<RegionAccess> rules = Translation.ToRegions(declaration, declaration.Regions[0], new(_options.Root, "demo"), _options).Access.ShouldNotBeNull();
        rules.Select(rule => (rule.Region, User: rule.Users.FirstOrDefault(), Group: rule.Groups.FirstOrDefault(), rule.Rights)).ShouldBe(
        [
            (null, LinuxProcess.EffectiveUserId, 0u, RegionRights.Write), ("input", 1000u, 0u, RegionRights.Write), (null, 1000u, 0u, RegionRights.Read), ("screen", 0u, 7u, RegionRights.Read),
        ]);
    }

    [Fact]
    public void Attachment_HasAVectorForEachRegion()
    {
        FabricDeclaration declaration = Load("fabric: demo\nmailboxes: { genz: }\nregions: { phone: { layout: phone.json } }\nmachines: { vm0: { kernel: kernel, attach: [phone, genz] } }").Declaration.ShouldNotBeNull();
        Translation.Attachments(declaration, declaration.Machines[0].Attach, new("/r", "demo")).ShouldBe([new("phone", "/r/demo/phone-qemu.sock", 2), new("genz", "/r/demo/genz.sock", 16)]);
        declaration.SlotOf("vm0", "phone").ShouldBe(1);
    }

    private FabricHost OpenWithDriver(string readyWithin) =>
        Open($"fabric: demo\nregions: {{ phone: {{ layout: phone.json }} }}\nmachines:\n  vm0: {{ kernel: kernel, accel: tcg, ready: TOMBOLO-READY, ready-within: {readyWithin}, attach: phone, qemu: [ \"{QemuStandIn.Ready}\" ] }}\n");

    [Fact]
    public async Task Start_WaitsForTheMachinesDriver()
    {
        await using FabricHost host = OpenWithDriver("80s");
        Task<IReadOnlyList<string>> starting = host.StartAsync(_watchdog.Token);
        await foreach (FabricEvent happened in host.Events.ReadAllAsync(_watchdog.Token))
            if (happened.Kind == FabricEventKind.MachineReady) break;
        using ScriptedClient guest = ScriptedClient.Connect(_folder["run/demo/phone-qemu.sock"]);
        ScriptedHandshake told = guest.ReadHandshake(vectors: 2);
        starting.IsCompleted.ShouldBeFalse("the driver has not rung");
        EventFd.Signal(told.Peers[0][0]);
        (await starting).ShouldBeEmpty();
        (await host.SnapshotAsync()).Regions[0].HasDriver.ShouldBeTrue();
        FabricEvent shared = await host.Events.ReadAsync(_watchdog.Token);
        (shared.Kind, shared.Sentence).ShouldBe((FabricEventKind.RegionsReady, "Regions phone are shared: the server is there, and the driver of machine vm0."));
        await host.StopAsync();
    }

    [Fact]
    public async Task Start_ServesBeforeTheMachine_ShowsBoth_AndGoesDownWithoutATrace()
    {
        FabricHost host = Open($"fabric: demo\nregions: {{ phone: {{ layout: phone.json, memory: tombolo-fabric-{Environment.ProcessId} }} }}\nmachines:\n  vm0: {{ kernel: kernel, accel: tcg, ready: TOMBOLO-READY, ready-within: 1s, attach: phone, qemu: [ \"{QemuStandIn.Ready}\" ] }}\n");
        (await host.StartAsync(_watchdog.Token)).ShouldHaveSingleItem().ShouldStartWith("Machine vm0 runs, but its driver has not taken up regions phone within 1 s; tombolo_region must be loaded in it");
        RegionsStatus phone = (await host.SnapshotAsync()).Regions.ShouldHaveSingleItem();
        (phone.IsUp, phone.WindowBytes, phone.Regions.Count, phone.Machine).ShouldBe((true, 1 << 17, 2, null));   // the stand-in does not connect
        phone.Regions[1].ShouldBe(new("input", 0x11000, 0x12000, 136, null));
        using (RegionClient client = RegionClient.Open("input", new() { Socket = phone.ClientSocket })) client.View(client.DataOffset, 4).WriteRelease32(0, 1);
        (await host.SnapshotAsync()).Regions[0].Served.ShouldBe(1);
        host.Regions("phone").ShouldNotBeNull();
        await host.StopAsync();
        await host.DisposeAsync();
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
        File.Exists(SharedFile.PosixPath($"tombolo-fabric-{Environment.ProcessId}")).ShouldBeFalse();
        List<(FabricEventKind, string)> events = [];
        await foreach (FabricEvent happened in host.Events.ReadAllAsync()) events.Add((happened.Kind, happened.Sentence));
        events[0].ShouldBe((FabricEventKind.RegionsUp, $"Regions phone are served at {_folder["run/demo/phone.sock"]} (2 regions in 131072 bytes)."));
        events.ShouldContain((FabricEventKind.RegionsDown, "Regions phone are no longer served."));
    }
}
