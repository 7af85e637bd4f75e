// SPDX-License-Identifier: MIT
using System.Text;
using Shouldly;
using Tombolo.Switching;

namespace Tombolo.Fabric.Tests;

/// <summary>A switch in a fabric: served, changed while it runs, taken over with its changes, and gone without a trace.</summary>
public sealed class SwitchHostTests : IDisposable
{
    private const string Text = "fabric: demo\nswitches: { lan: { members: { a: 02:00:00:00:00:0a, b: 02:00:00:00:00:0b } } }\n";

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromSeconds(90));

    public void Dispose()
    {
        _folder.Dispose();
        _watchdog.Dispose();
    }

    private FabricHost Open(string text = Text)
    {
        File.WriteAllText(_folder["fabric.yaml"], text);
        FabricHostOptions options = new() { Root = _folder["run"] };
        FabricReading reading = FabricFile.Load(_folder["fabric.yaml"], options.Root);
        reading.Faults.ShouldBeEmpty();
        return FabricHost.Open(reading.Declaration!, Encoding.UTF8.GetBytes(text), _folder["fabric.yaml"], options);
    }

    private static async Task<SwitchStatus> StatusAsync(FabricHost host) => (await host.SnapshotAsync()).Switches.ShouldHaveSingleItem();

    private static string Ports(SwitchStatus status) => string.Join(' ', status.Ports.Select(port => port.Settings.Name));

    [Fact]
    public async Task Start_ServesEachPort_AndGoesDownWithoutATrace()
    {
        FabricHost host = Open();
        (await host.StartAsync(_watchdog.Token)).ShouldBeEmpty();
        SwitchStatus lan = await StatusAsync(host);
        (lan.IsUp, lan.IsChanged, Ports(lan), lan.Topologies[0].Members.Count).ShouldBe((true, false, "a b", 2));
        lan.Ports.Select(port => port.Socket).ShouldBe([_folder["run/demo/lan-a.sock"], _folder["run/demo/lan-b.sock"]]);
        lan.Ports.ShouldAllBe(port => File.Exists(port.Socket) && port.Counters.Count == Enum.GetValues<PortCounter>().Length && port.ProcessId == null);
        File.GetUnixFileMode(lan.Ports[0].Socket).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await host.StopAsync();
        await host.DisposeAsync();
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
        List<(FabricEventKind, string)> events = [];
        await foreach (FabricEvent happened in host.Events.ReadAllAsync()) events.Add((happened.Kind, happened.Sentence));
        events[0].ShouldBe((FabricEventKind.SwitchUp, "Switch lan serves 2 ports."));
        events.ShouldContain((FabricEventKind.SwitchDown, "Switch lan no longer serves."));
    }

    [Fact]
    public async Task Change_EachVerb_IsSeen_AndOutlivesAKilledOwner()
    {
        FabricHost host = Open();
        _ = await host.StartAsync(_watchdog.Token);
        await host.ChangeSwitchAsync("lan", "c.", one => one.AddAsync(new() { Name = "c", Settings = new() { Mtu = 1400 } }));
        await host.ChangeSwitchAsync("lan", "cut.", one => one.MoveAsync("c", new() { Cut = ["a"] }));
        await host.ChangeSwitchAsync("lan", "slow.", one => one.SetAsync("b", new() { ToGuest = new() { Delay = TimeSpan.FromMilliseconds(5) } }));
        await host.ChangeSwitchAsync("lan", "gone.", one => one.RemoveAsync("a"));
        (await Should.ThrowAsync<FabricException>(() => host.ChangeSwitchAsync("lan", "", one => one.RemoveAsync("a")))).Message.ShouldBe("Switch lan has no port 'a'; there are b, c.");
        (await Should.ThrowAsync<FabricException>(() => host.ChangeSwitchAsync("wan", "", one => one.RemoveAsync("a")))).Message.ShouldBe("Fabric demo has no switch 'wan'; it has lan.");
        Judge(await StatusAsync(host));
        File.Exists(_folder["run/demo/lan-a.sock"]).ShouldBeFalse();
        await host.AbandonMachinesAsync();

        FabricHost second = Open();
        _ = await second.StartAsync(_watchdog.Token);
        Judge(await StatusAsync(second));
        await second.AbandonMachinesAsync();
        await File.WriteAllTextAsync(_folder["run/demo/lan-c.sock"], "");   // as an owner leaves it that is really killed
        _ = await FabricHost.EndLeftoversAsync("demo", new() { Root = _folder["run"] });
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();

        FabricHost third = Open();
        _ = await third.StartAsync(_watchdog.Token);
        Ports(await StatusAsync(third)).ShouldBe("a b");
        await third.ChangeSwitchAsync("lan", "c.", one => one.AddAsync(new() { Name = "c" }));
        await third.AbandonMachinesAsync();
        FabricHost other = Open(Text.Replace("0b }", "0e }", StringComparison.Ordinal));   // another declaration: what was changed then is void
        _ = await other.StartAsync(_watchdog.Token);
        (Ports(await StatusAsync(other)), (await StatusAsync(other)).IsChanged).ShouldBe(("a b", false));
        await other.DisposeAsync();
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();

        static void Judge(SwitchStatus lan)
        {
            (Ports(lan), lan.IsUp, lan.IsChanged).ShouldBe(("b c", true, true));
            (lan.Ports[0].Settings.ToGuest?.Delay, lan.Ports[0].Settings.FromGuest, lan.Ports[1].Settings.Mtu).ShouldBe((TimeSpan.FromMilliseconds(5), null, 1400));
            (string.Join(' ', lan.Topologies[0].Members), lan.Topologies[0].Cut.Count).ShouldBe(("b c", 0));
        }
    }

    [Fact]
    public async Task Change_ThatTheSwitchRefuses_ChangesNothing()
    {
        await using FabricHost host = Open();
        _ = await host.StartAsync(_watchdog.Token);
        await File.WriteAllTextAsync(_folder["run/demo/taken"], "");
        (await Should.ThrowAsync<SwitchException>(() => host.ChangeSwitchAsync("lan", "", one => one.AddAsync(new() { Name = "c", Socket = "taken" })))).Message.ShouldContain("exists and is not a socket");
        (await Should.ThrowAsync<FabricException>(() => host.ChangeSwitchAsync("lan", "", one => one.SetAsync("a", new() { Mtu = 5 })))).Message.ShouldContain("Mtu is 5; it must be 68 to 65535.");
        SwitchStatus lan = await StatusAsync(host);
        (Ports(lan), lan.IsChanged).ShouldBe(("a b", false));
        File.Delete(_folder["run/demo/taken"]);
    }
}
