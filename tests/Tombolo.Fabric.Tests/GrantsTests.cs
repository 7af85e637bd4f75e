// SPDX-License-Identifier: MIT
using System.Text;
using Shouldly;
using Tombolo.Grants;
using Tombolo.Store;

namespace Tombolo.Fabric.Tests;

/// <summary>The declared grants: what is read of them, and that they serve, with the store knowing who is there.</summary>
public sealed class GrantsTests : IDisposable
{
    private const string Text = "fabric: demo\nstore: {}\ngrants: { socket: pages.sock, mode: 0660, group: kvm, offers: [/unikernel/random, /two], pages: 100, ports: 7 }\n";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_EveryKey_IsTaken()
    {
        GrantsDeclaration grants = Yaml.Good(Text).Grants.ShouldNotBeNull();
        (grants.Socket, grants.Mode, grants.Group, grants.Pages, grants.Ports).ShouldBe(("pages.sock", (UnixFileMode)0x1B0, "kvm", 100, 7));
        grants.Offers.ShouldBe(["/unikernel/random", "/two"]);
        Yaml.Good("fabric: demo\ngrants:\n").Grants.ShouldNotBeNull().Socket.ShouldBe("grants.sock");
        Yaml.Good("fabric: demo\n").Grants.ShouldBeNull();
    }

    [Theory]
    [InlineData("fabric: f\ngrants: { offers: /a }", "there is no 'store' for its keys")]
    [InlineData("fabric: f\nstore: {}\ngrants: { offers: a }", "which is no path")]
    [InlineData("fabric: f\nstore: {}\ngrants: { socket: store.sock }", "have the same socket")]
    [InlineData("fabric: f\ngrants: { pages: 0 }", "'pages'")]
    public void Fault_IsTold(string text, string sentence) => FabricFile.Parse(Encoding.UTF8.GetBytes(text), "f.yaml", "/run").Faults.ShouldHaveSingleItem().ToString().ShouldContain(sentence);

    [Fact]
    public async Task Host_ServesThem_WithTheKeys_AndTellsTheStoreWhoIsThere()
    {
        byte[] source = "fabric: demo\nstore: {}\ngrants: { offers: /unikernel/random }\n"u8.ToArray();
        FabricDeclaration declaration = FabricFile.Parse(source, _folder["fabric.yaml"], _folder["run"]).Declaration.ShouldNotBeNull();
        FabricHost host = FabricHost.Open(declaration, source, _folder["fabric.yaml"], new() { Root = _folder["run"] });
        (await host.StartAsync(CancellationToken.None)).ShouldBeEmpty();
        await using (StoreClient store = await StoreClient.ConnectAsync(_folder["run/demo/store.sock"]))
        {
            foreach (string name in OfferKeys.Names) (await store.ReadAsync($"/unikernel/random/{name}")).ShouldBe("0");
            (await store.GetPermissionsAsync("/unikernel/random/gnt_ref")).ShouldNotBeNull().ToString().ShouldBe("b0");
            await using IAsyncEnumerator<StoreEvent> gone = store.WatchAsync(StorePath.ReleaseDomain).GetAsyncEnumerator();
            (await gone.MoveNextAsync()).ShouldBeTrue();
            using (IDomain five = GrantClient.Connect(new() { SocketPath = _folder["run/demo/grants.sock"], Domain = new DomainId(5) }))
            using (GrantedPages pages = five.Grants.Grant(new(6), 2))
            {
                GrantsStatus status = (await host.SnapshotAsync()).Grants.ShouldNotBeNull();
                (status.IsUp, status.Grants, status.Pages).ShouldBe((true, 1, 2));
                status.Domains.ShouldBe([5]);
            }
            (await gone.MoveNextAsync()).ShouldBeTrue();   // its only process went
            (await store.IsDomainIntroducedAsync(new(5))).ShouldBeFalse();
        }
        await host.DisposeAsync();
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
    }
}
