// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>The host of a window: it looks after domains that died, joins them to the store, and copies between windows.</summary>
public sealed class WindowHostTests : IDisposable
{
    private static readonly GrantWindowShape _shape = new() { Domains = 4, Ports = 128, Entries = 128, Pages = 32 };
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private WindowHost Start(string name = "grants", StoreServer? store = null, CopyDesk? desk = null, int firstDomain = 0) =>
        WindowHost.Start(new() { SocketPath = _folder[name], Shape = _shape with { FirstDomain = firstDomain } }, store, desk);

    // TOMBOLO_KILLS makes it more; each takes a process's start.
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("TOMBOLO_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out int kills) ? kills : 15;

    private static async Task GoneAsync(WindowHost window, int left)
    {
        using var watchdog = new CancellationTokenSource(Watchdog.Limit);
        while ((await window.Server.SnapshotAsync()).Peers.Count > left) await Task.Delay(5, watchdog.Token);
    }

    /// <summary>Killed anywhere in the protocol, over and over: the survivor gets its page and its port back, and the next one lives in the same place.</summary>
    [Fact]
    [Trait("Speed", "slow")]
    public async Task KilledAnywhere_TheSurvivorGoesOn()
    {
        await using WindowHost window = Start();
        using var survivor = WindowDomain.Connect(_folder["grants"]);
        using EventChannel port = survivor.AllocateUnbound(new(2));
        var random = new Random(3);
        for (int round = 0; round < Kills; round++)
        {
            using GrantedPages page = survivor.Grant(new(2));
            using (var victim = new Child(Path.Combine(AppContext.BaseDirectory, "tombolo-test-server"), "grant-life", _folder["grants"], "1", $"{page.References[0]}", $"{port.Port}"))
            {
                victim.ReadLine().ShouldBe("lives", victim.Errors);
                _ = port.Wait(TimeSpan.FromMilliseconds(random.Next(30)));   // anywhere
                victim.Kill();
            }
            await GoneAsync(window, 1);
            page.TryEnd().ShouldBe(EndOfAccess.Ended, $"round {round}");
            window.Words.Port(1, port.Port).ShouldBe(PortWord.UnboundFor(new(2)));
        }
    }

    [Fact]
    public async Task Death_OfAGranter_LeavesTheMapping_AndItsPageIsNotUsedAgain()
    {
        await using WindowHost window = Start();
        using var mapper = WindowDomain.Connect(_folder["grants"]);
        MappedPages mapped;
        using (var granter = WindowDomain.Connect(_folder["grants"]))
        {
            granter.Id.ShouldBe(new DomainId(2));
            GrantedPages pages = granter.Grant(mapper.Id);
            pages.Window.View(0, 4).WriteRelease32(0, 42);
            mapped = mapper.Map(granter.Id, pages.References);
        }
        await GoneAsync(window, 1);
        mapped.Window.View(0, 4).ReadAcquire32(0).ShouldBe(42u);
        Should.Throw<GrantException>(() => mapper.Map(new(2), mapped.References)).Fault.ShouldBe(GrantFault.BadReference);
        using var again = WindowDomain.Connect(_folder["grants"]);
        again.Id.ShouldBe(new DomainId(2));
        List<GrantedPages> all = [];
        for (int page = 1; page < _shape.Pages; page++) all.Add(again.Grant(mapper.Id));
        mapped.Window.View(0, 4).ReadAcquire32(0).ShouldBe(42u);
        Should.Throw<GrantException>(() => again.Grant(mapper.Id)).Fault.ShouldBe(GrantFault.Quota);
        mapped.Dispose();
        all.Add(again.Grant(mapper.Id));   // now it is free
    }

    [Fact]
    public async Task Store_DomainsThatComeAndGo_AreIntroducedAndReleased()
    {
        await using StoreServer store = StoreServer.Start(new() { SocketPath = _folder["store"] });
        await using WindowHost window = Start(store: store);
        using (var domain = WindowDomain.Connect(_folder["grants"])) await AwaitIntroducedAsync(store, 1);
        await GoneAsync(window, 0);
        await AwaitIntroducedAsync(store, 0);
    }

    private static async Task AwaitIntroducedAsync(StoreServer store, int domains)
    {
        using var watchdog = new CancellationTokenSource(Watchdog.Limit);
        while ((await store.SnapshotAsync()).Domains.Count(static domain => domain.Value != 0) != domains) await Task.Delay(5, watchdog.Token);
    }

    [Fact]
    public async Task Copies_BetweenWindows_GoByBothTables()
    {
        var desk = new CopyDesk();
        await using WindowHost near = Start("near", desk: desk), far = Start("far", desk: desk, firstDomain: 10);
        using var asker = WindowDomain.Connect(_folder["near"]);
        using var granter = WindowDomain.Connect(_folder["far"]);
        granter.Id.ShouldBe(new DomainId(11));
        using GrantedPages page = granter.Grant(asker.Id), readOnly = granter.Grant(asker.Id, readOnly: true), others = granter.Grant(new(2));
        using GrantedPages own = asker.Grant(new(0));
        page.Window.View(8, 5).CopyIn(0, "hello"u8);
        uint frame = near.Words.Entry(1, own.References[0]).Frame;

        Ask(new(5, Grant(granter, page, 8), Own(frame))).ShouldBe(CopyStatus.Okay);
        byte[] bytes = new byte[5];
        own.Window.View(0, 5).CopyOut(0, bytes);
        bytes.ShouldBe("hello"u8.ToArray());
        Ask(new(5, Own(frame), Grant(granter, page, 4091))).ShouldBe(CopyStatus.Okay);
        Ask(new(5, Own(frame), Grant(granter, page, 4092))).ShouldBe(CopyStatus.BadArgument);
        Ask(new(5, Own(frame), Grant(granter, readOnly, 0))).ShouldBe(CopyStatus.PermissionDenied);
        Ask(new(5, Grant(granter, readOnly, 0), Own(frame))).ShouldBe(CopyStatus.Okay);
        Ask(new(5, Grant(granter, others, 0), Own(frame))).ShouldBe(CopyStatus.PermissionDenied);
        Ask(new(5, new(true, 100, 0, granter.Id), Own(frame))).ShouldBe(CopyStatus.BadReference);
        Ask(new(5, new(true, 8, 0, new(99)), Own(frame))).ShouldBe(CopyStatus.BadDomain);
        Ask(new(5, new(true, own.References[0].Value, 0, asker.Id), Own(frame))).ShouldBe(CopyStatus.BadDomain);   // within the window it maps by itself
        Ask(new(5, Grant(granter, page, 0), Own(near.Words.FirstFrame(2)))).ShouldBe(CopyStatus.BadPage);           // not its own
        Ask(new(5, Own(frame), Own(frame))).ShouldBe(CopyStatus.BadArgument);
        page.TryEnd().ShouldBe(EndOfAccess.Ended);

        CopyStatus Ask(CopyRequest request)
        {
            SharedView slot = near.Words.Window.View(_shape.AreaOf(1) + GrantWindowShape.CopiesAt, GrantWindowShape.CopyBytes);
            Span<byte> written = stackalloc byte[GrantWindowShape.CopyBytes];
            request.Write(written);
            slot.CopyIn(0, written);
            slot.WriteRelease32(0, (uint)CopyState.Posted);
            int answered = 0;
            desk.Serve(near.Words, place => answered = place);
            answered.ShouldBe(1);
            slot.ReadAcquire32(0).ShouldBe((uint)CopyState.Done);
            return (CopyStatus)(short)slot.ReadAcquire16(CopyRequest.StatusAt);
        }

        static CopyEnd Own(uint number) => new(false, number, 0, new(1));

        static CopyEnd Grant(WindowDomain granter, GrantedPages pages, ushort offset) => new(true, pages.References[0].Value, offset, granter.Id);
    }
}
