// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using Shouldly;
using Tombolo.Grants;
using Tombolo.Grants.GuestCheck;
using Tombolo.Machines;
using Tombolo.Store;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>Grants and event channels in real guests: the driver's calls, the suite that all back ends must pass, the store through its ring page, and copies between windows.</summary>
public sealed class GrantsWithGuestsTests : IDisposable
{
    private static readonly GrantWindowShape _shape = new() { Domains = 4 };
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private WindowHost Window(string name, StoreServer? store = null, CopyDesk? desk = null, int firstDomain = 0) =>
        WindowHost.Start(new() { SocketPath = _folder[name], Shape = _shape with { FirstDomain = firstDomain } }, store, desk);

    // The second serial port is a socket of ours.
    private Func<MachineOptions, MachineOptions> Attached(string link) => options => options with
    {
        Attachments = [new("grants", _folder["grants"], _shape.Domains)],
        ExtraArguments = ["-chardev", $"socket,id=link,path={_folder[link]},server=off", "-device", "isa-serial,chardev=link"],
    };

    private Socket Listen(string link)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_folder[link]));
        listener.Listen();
        return listener;
    }

    private static string[] Script(string name) => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Guest", name));

    [Fact]
    public async Task Driver_EveryCallDeathsUnplugAndTheStore()
    {
        await using StoreServer store = StoreServer.Start(new() { SocketPath = _folder["store"], Keys = [new("/guests/note", "from the host", new(new StorePermission(new(1), StoreAccess.Both)))] });
        await using WindowHost window = Window("grants", store);
        await using var trial = new GuestTrial(_folder);
        Machine guest = trial.Start("vm0", Script("grants.sh"), ["grant_check"], options => options with { Attachments = [new("grants", _folder["grants"], _shape.Domains)] });
        string console = await GuestTrial.EndedWellAsync(guest);
        foreach (string part in (string[])["store", "calls", "deaths", "gone", "again"]) console.ShouldContain($"PASSED {part}");
        console.ShouldContain("store says from the host");
        console.ShouldContain("event /guests/note");
        store.Find("/guests/note").ShouldNotBeNull().Value.ShouldBe("from the guest");
    }

    [Fact]
    public async Task Conformance_TwoGuests_EveryCheckHolds()
    {
        await using WindowHost window = Window("grants");
        using Socket one = Listen("link0"), other = Listen("link1");
        await using var trial = new GuestTrial(_folder);
        Machine first = trial.Start("vm0", ["SIDE=first PEER=2", .. Script("grant-conform.sh")], change: Attached("link0"));
        using var left = new NetworkStream(await one.AcceptAsync(), ownsSocket: true);
        await JoinedAsync(window, 1);   // who joins first is domain 1
        Machine second = trial.Start("vm1", ["SIDE=second PEER=1", .. Script("grant-conform.sh")], change: Attached("link1"));
        using var right = new NetworkStream(await other.AcceptAsync(), ownsSocket: true);
        _ = left.CopyToAsync(right);
        _ = right.CopyToAsync(left);
        foreach (Machine guest in (Machine[])[first, second]) (await GuestTrial.EndedWellAsync(guest)).ShouldContain("checks passed");
    }

    /// <summary>The same between a guest and a host process; and that guest copies from and to a domain whose window it does not see.</summary>
    [Fact]
    public async Task Conformance_GuestAndHost_EveryCheckHolds_AndCopiesReachAnotherWindow()
    {
        var desk = new CopyDesk();
        await using WindowHost window = Window("grants", desk: desk), far = Window("far", desk: desk, firstDomain: 10);
        using var granter = WindowDomain.Connect(_folder["far"]);
        using GrantedPages page = granter.Grant(new(1));
        page.Window.View(64, 16).CopyIn(0, "seen from afar!!"u8);
        using Socket link = Listen("link0");
        await using var trial = new GuestTrial(_folder);
        Machine guest = trial.Start("vm0", [$"SIDE=first PEER=2 FAR='{granter.Id} {page.References[0]}'", .. Script("grant-conform.sh")], change: Attached("link0"));
        using var line = new NetworkStream(await link.AcceptAsync(), ownsSocket: true);
        await JoinedAsync(window, 1);
        using var self = WindowDomain.Connect(_folder["grants"]);
        self.Id.ShouldBe(new DomainId(2));
        var said = new StringWriter();
        int passed = await Task.Factory.StartNew(() => Checks.Run(self, new(1), new SerialLink(line, line), isFirst: false, "", said), TaskCreationOptions.LongRunning);
        passed.ShouldBeGreaterThan(20, said.ToString());
        (await GuestTrial.EndedWellAsync(guest)).ShouldContain($"copied {Convert.ToHexString("seen from afar!!"u8)}");
        byte[] back = new byte[16];
        page.Window.View(128, 16).CopyOut(0, back);
        back.ShouldBe("seen from afar!!"u8.ToArray());
        page.TryEnd().ShouldBe(EndOfAccess.Ended);   // copies leave nothing mapped
    }

    // The guest is told its ID before its firmware runs.
    private static async Task JoinedAsync(WindowHost window, int count)
    {
        using var watchdog = new CancellationTokenSource(GuestTrial.Watchdog);
        while ((await window.Server.SnapshotAsync()).Peers.Count(static peer => peer.IsJoined) < count) await Task.Delay(50, watchdog.Token);
    }
}
