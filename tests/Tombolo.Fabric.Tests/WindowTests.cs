// SPDX-License-Identifier: MIT
using System.Text;
using Shouldly;
using Tombolo.Grants;
using Tombolo.Ivshmem;
using Tombolo.Store;

namespace Tombolo.Fabric.Tests;

/// <summary>Declared windows of grants: what is read of them, who is which domain, and that a fabric looks after them. Guests in them are with the system's tests.</summary>
public sealed class WindowTests : IDisposable
{
    private const string Text =
        """
        fabric: demo
        store: {}
        grants:
          offers: /unikernel/random
          windows: { near: { socket: n.sock, mode: 0660, group: kvm, places: 3, pages: 64, grants: 128, ports: 64 }, far: { places: 2 }, apart: { first: 100 } }
        machines:
          vm0: { attach: near }
          vm1: { attach: [far, near] }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_EveryKey_IsTaken_AndDomainsFollowEachOther()
    {
        FabricDeclaration declaration = Yaml.Good(Text);
        IReadOnlyList<GrantWindowDeclaration> windows = declaration.Grants.ShouldNotBeNull().Windows;
        (windows[0].Name, windows[0].Socket, windows[0].Mode, windows[0].Group, windows[0].Places, windows[0].Pages, windows[0].Grants, windows[0].Ports).ShouldBe(("near", "n.sock", (UnixFileMode)0x1B0, "kvm", 3, 64, 128, 64));
        windows.Select(window => (window.First, window.Last)).ShouldBe([(1, 3), (4, 5), (100, 106)]);
        (windows[1].Socket, windows[2].Pages).ShouldBe(("far.sock", 1024));
        declaration.DomainOf("vm0", windows[0]).ShouldBe(1);
        declaration.DomainOf("vm1", windows[0]).ShouldBe(2);
        declaration.DomainOf("vm1", windows[1]).ShouldBe(4);
        declaration.DomainOf("vm0", windows[1]).ShouldBeNull();
    }

    [Theory]
    [InlineData("grants: { windows: { p: { places: 0 } } }", "'places' of window p")]
    [InlineData("grants: { windows: { p: { grants: 100 } } }", "'grants' of window p is 100; it must be a multiple of 64.")]
    [InlineData("grants: { windows: { p: { ports: 65 } } }", "'ports' of window p is 65; it must be a multiple of 64.")]
    [InlineData("grants: { windows: { p: { first: 32751 } } }", "Window p has the domains 32751 to 32757; the highest domain is 32751. Lower 'first' or 'places'.")]
    [InlineData("grants: { windows: { p: { first: 5 }, q: { first: 11 } } }", "Window q has the domains 11 to 17, and window p has 5 to 11; a domain is in one window.")]
    [InlineData("grants: { windows: { p: { pages: 100000 } } }", "Window p takes 4096M of memory; more than 1024M is not surely mapped by a guest's firmware. Lower 'places' or 'pages'.")]
    [InlineData("grants: { windows: { p: { socket: grants.sock } } }", "The grants and window p have the same socket")]
    [InlineData("grants: { windows: { p: { socket: a/b } } }", "'socket' of window p is 'a/b'; it must be a file name")]
    [InlineData("grants: { windows: { p: {} } }\nmailboxes: { p: { socket: m } }", "A mailbox and a window are called p; machines attach by name, so names must differ.")]
    [InlineData("grants: { windows: { p: {} } }\nstore: { domains: { 1000: 2 } }", "Window p has the domains 1 to 7, and 'domains' of the store makes user 1000 domain 2; give the window another 'first'.")]
    [InlineData("grants: { windows: { p: { places: 1 } } }\nmachines: { vm0: { attach: p }, vm1: { attach: p } }", "Machine vm1 is number 2 of window p, which has 1 places; raise 'places'.")]
    [InlineData("grants: { windows: { pages: {} } }\nmachines: { vm0: { attach: page } }", "'attach' of machine vm0 names mailbox, regions, switch or window 'page', which is not declared; did you mean 'pages'?")]
    [InlineData("grants: { windows: { '1': {} } }", "'1' under 'windows' is no name")]
    [InlineData("grants: { windows: [p] }", "'windows' is a list; it must be names with what they are, such as 'windows: { pages: { … } }'.")]
    [InlineData("grants: { windows: { p: { place: 3 } } }", "'place' is no key of window p; did you mean 'places'?")]
    public void Fault_IsOneSentence(string text, string sentence) =>
        FabricFile.Parse(Encoding.UTF8.GetBytes($"fabric: f\n{text}\n"), "f.yaml", "/run").Faults.ShouldHaveSingleItem().ToString().ShouldContain(sentence);

    /// <summary>Two host processes' standings take the places above the machines'. What they offer each other is listed, with the store knowing both, and the host copies between windows.</summary>
    [Fact]
    public async Task Host_LooksAfterThem_AndListsWhatIsGranted()
    {
        await using FabricHost host = await UpAsync();
        await using (StoreClient store = await StoreClient.ConnectAsync(_folder["run/demo/store.sock"]))
        {
            using var two = WindowDomain.Connect(_folder["run/demo/near.sock"]);
            using var three = WindowDomain.Connect(_folder["run/demo/near.sock"]);
            using var eleven = WindowDomain.Connect(_folder["run/demo/far.sock"]);
            (two.Id.Value, three.Id.Value, eleven.Id.Value).ShouldBe(((ushort)2, (ushort)3, (ushort)11), "place 1 of each is machine vm0's, and other places come first");
            await UntilAsync(async () => await store.IsDomainIntroducedAsync(new(2)) && await store.IsDomainIntroducedAsync(new(3)));

            await using GrantOffer offer = await GrantOffer.StartAsync(store, two);
            await using GrantAccept accept = await GrantAccept.StartAsync(store, three);
            Task sent = offer.SendAsync("through the window"u8.ToArray());
            await foreach (byte[] message in accept.ReceiveAllAsync(1)) message.ShouldBe("through the window"u8.ToArray());
            await sent;

            (IReadOnlyList<GrantInfo> grants, IReadOnlyList<PortInfo> ports) = GrantClient.List(new() { SocketPath = _folder["run/demo/grants.sock"] });
            grants.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
                grant => grant.From.ShouldBe(new DomainId(2)), grant => grant.To.ShouldBe(new DomainId(3)), grant => grant.Mappings.ShouldBe(1), grant => grant.Who.ShouldBe($"process {Environment.ProcessId}"));
            ports.Select(port => port.Domain.Value).ShouldBe([(ushort)2, (ushort)3]);
            using (GrantedPages several = two.Grant(new(3), 3, readOnly: true))
                GrantClient.List(new() { SocketPath = _folder["run/demo/grants.sock"] }).Grants.ShouldContain(grant => grant.Pages == 3 && grant.IsReadOnly && grant.First == several.References[0]);

            GrantWindowStatus status = (await host.SnapshotAsync()).Grants.ShouldNotBeNull().Windows[0];
            (status.Name, status.IsUp, status.First, status.Places).ShouldBe(("near", true, 1, 3));
            status.Members.Select(member => (member.Domain, member.Machine, member.ProcessId, member.Pages)).ShouldBe([(2, null, Environment.ProcessId, 1), (3, null, Environment.ProcessId, 0)]);

            Should.Throw<GrantException>(() => GrantClient.Connect(new() { SocketPath = _folder["run/demo/grants.sock"], Domain = new DomainId(2) }), "a place of a window is nobody's at the service").Fault.ShouldBe(GrantFault.BadDomain);
        }
        await host.DisposeAsync();
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
    }

    [Fact]
    public async Task Machine_JoinsWithAsManyVectorsAsThereArePlaces()
    {
        await using FabricHost host = await UpAsync();
        FabricPaths paths = new(_folder["run"], "demo");
        Translation.Attachments(host.Declaration, ["near"], paths).ShouldHaveSingleItem().ShouldBe(new("near", _folder["run/demo/near.sock"], 4));
        using IvshmemClient machine = IvshmemClient.Connect(new() { SocketPath = _folder["run/demo/near.sock"] });
        machine.Window.LengthBytes.ShouldBe(host.Window("near").ShouldNotBeNull().Server.Window.LengthBytes);
    }

    private async Task<FabricHost> UpAsync()
    {
        byte[] source = "fabric: demo\nstore: {}\ngrants: { offers: /unikernel/random, windows: { near: { places: 3 }, far: { first: 10, places: 2 } } }\nmachines: { vm0: { kernel: /none, accel: tcg, restart: never, attach: [near, far] } }\n"u8.ToArray();
        FabricDeclaration declaration = FabricFile.Parse(source, _folder["fabric.yaml"], _folder["run"]).Declaration.ShouldNotBeNull();
        FabricHost host = FabricHost.Open(declaration, source, _folder["fabric.yaml"], new() { Root = _folder["run"], QemuPath = "/bin/false" });
        _ = await host.StartAsync(CancellationToken.None);   // its machine does not run: /bin/false is no QEMU
        return host;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var watchdog = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds()) await Task.Delay(5, watchdog.Token);
    }
}
