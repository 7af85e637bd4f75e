// SPDX-License-Identifier: MIT
using System.Text;
using Shouldly;
using Tombolo.Store;

namespace Tombolo.Fabric.Tests;

/// <summary>The declared store: what is read of it, and that it serves.</summary>
public sealed class StoreTests : IDisposable
{
    private const string Text =
        """
        fabric: demo
        store:
          socket: names.sock
          mode: 0666
          journal: names.journal
          keys:
            /unikernel/random: { chmod: b, server_id: 0, client_id: 0, deep: { value: x, chmod: [n0, r5] } }
            /tool/version: "1"
            /empty:
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_EveryKey_IsTaken()
    {
        StoreDeclaration store = Yaml.Good(Text + "\n  domains: { 1000: 5, anna: 6 }\n  group: kvm\n").Store.ShouldNotBeNull();
        (store.Socket, store.Mode, store.Group, Path.GetFileName(store.Journal)).ShouldBe(("names.sock", (UnixFileMode)0x1B6, "kvm", "names.journal"));
        store.Domains.ShouldBe([new("1000", 5), new("anna", 6)]);
        store.Keys.ShouldBe([
            new("/unikernel/random", "", "b0"), new("/unikernel/random/server_id", "0", null), new("/unikernel/random/client_id", "0", null), new("/unikernel/random/deep", "x", "n0,r5"),
            new("/tool/version", "1", null), new("/empty", "", null),
        ]);
        FabricPaths paths = new(_folder["run"], "demo");
        paths.OwnJournalOf(store).ShouldBeNull();
        StoreDeclaration plain = Yaml.Good("fabric: demo\nstore:\n").Store.ShouldNotBeNull(), without = Yaml.Good("fabric: demo\nstore: { journal: none }\n").Store.ShouldNotBeNull();
        (plain.Socket, plain.Journal, paths.OwnJournalOf(plain)).ShouldBe(("store.sock", null, _folder["run/demo/store.journal"]));
        (without.Journal, paths.OwnJournalOf(without)).ShouldBe((null, null));
        Yaml.Good("fabric: demo\n").Store.ShouldBeNull();
    }

    [Fact]
    public async Task Host_ServesIt_WithItsKeys_AndAgainWithWhatTheJournalKept()
    {
        for (int round = 0; round < 2; round++)
        {
            byte[] source = Encoding.UTF8.GetBytes(Text);
            FabricDeclaration declaration = FabricFile.Parse(source, _folder["fabric.yaml"], _folder["run"]).Declaration.ShouldNotBeNull();
            await using FabricHost host = FabricHost.Open(declaration, source, _folder["fabric.yaml"], new() { Root = _folder["run"] });
            (await host.StartAsync(CancellationToken.None)).ShouldBeEmpty();
            await using (StoreClient client = await StoreClient.ConnectAsync(_folder["run/demo/names.sock"]))
            {
                (await client.ReadAsync("/unikernel/random/server_id")).ShouldBe(round == 0 ? "0" : "7");
                (await client.GetPermissionsAsync("/unikernel/random/client_id")).ShouldNotBeNull().ToString().ShouldBe("b0");   // its parent's
                await client.WriteAsync("/unikernel/random/server_id", "7");
                StoreStatus status = (await host.SnapshotAsync()).Store.ShouldNotBeNull();
                (status.IsUp, status.Connections, status.Socket).ShouldBe((true, 1, _folder["run/demo/names.sock"]));
            }
            await host.StopAsync();
            List<FabricEventKind> kinds = [];
            await foreach (FabricEvent happened in host.Events.ReadAllAsync()) kinds.Add(happened.Kind);
            kinds.ShouldBe([FabricEventKind.StoreUp, FabricEventKind.FabricUp, FabricEventKind.FabricStopping, FabricEventKind.StoreDown, FabricEventKind.FabricDown]);
        }
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
        File.Exists(_folder["names.journal"]).ShouldBeTrue();
    }

    /// <summary>Without a word about it, the nodes are on disk while the fabric is up, and gone after it.</summary>
    [Fact]
    public async Task Host_WithoutADeclaredJournal_KeepsOneUntilItsOrderlyEnd()
    {
        byte[] source = "fabric: demo\nstore: { keys: { /kept: here } }\n"u8.ToArray();
        FabricDeclaration declaration = FabricFile.Parse(source, _folder["fabric.yaml"], _folder["run"]).Declaration.ShouldNotBeNull();
        await using FabricHost host = FabricHost.Open(declaration, source, _folder["fabric.yaml"], new() { Root = _folder["run"] });
        (await host.StartAsync(CancellationToken.None)).ShouldBeEmpty();
        // As after kill -9 of everything: a copy of the file is all that a server needs.
        File.Copy(_folder["run/demo/store.journal"], _folder["copy"]);
        await using (StoreServer again = StoreServer.Start(new() { SocketPath = _folder["again"], JournalPath = _folder["copy"] })) again.Find("/kept").ShouldNotBeNull().Value.ShouldBe("here");
        await host.StopAsync();
        File.Exists(_folder["run/demo/store.journal"]).ShouldBeFalse();
    }
}
