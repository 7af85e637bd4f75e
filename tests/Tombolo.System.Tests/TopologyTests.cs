// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Fabric;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>Three real guests ping each other in rounds, while the switch between them changes whom they may reach. vm0 and vm1 share three topologies, with a card for each.</summary>
[Trait("Speed", "slow")]
public sealed partial class TopologyTests : IDisposable
{
    // A round: a line for each address, then its number. What answers does so at once; what does not costs two seconds.
    private const string Declaration =
        """
        fabric: net
        switches:
          lan:
            members:
              vm0: 02:00:00:00:AA:01
              vm1: 02:00:00:00:AA:02
              vm2: 02:00:00:00:AA:03
              vm0-red:  { machine: vm0, mac: 02:00:00:00:BB:01 }
              vm1-red:  { machine: vm1, mac: 02:00:00:00:BB:02 }
              vm0-blue: { machine: vm0, mac: 02:00:00:00:CC:01 }
              vm1-blue: { machine: vm1, mac: 02:00:00:00:CC:02 }
            topologies:
              all:  [vm0, vm1, vm2]
              red:  [vm0-red, vm1-red]
              blue: [vm0-blue, vm1-blue]
        machines:
          vm0: { attach: lan, accel: tcg, ready-within: 4m, grace: 0s, ip: { vm0: 192.168.1.1/24, vm0-red: 10.1.0.1/24, vm0-blue: 10.2.0.1/24 }, run: *rounds192.168.1.2,192.168.1.3,10.1.0.2,10.2.0.2 }
          vm1: { attach: lan, accel: tcg, ready-within: 4m, grace: 0s, ip: { vm1: 192.168.1.2/24, vm1-red: 10.1.0.2/24, vm1-blue: 10.2.0.2/24 } }
          vm2: { attach: lan, accel: tcg, ready-within: 4m, grace: 0s, ip: { vm2: 192.168.1.3/24 }, run: *rounds192.168.1.1,192.168.1.2 }
        """;

    private static readonly TimeSpan _watchdog = TimeSpan.FromMinutes(4);
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _cancel = new(TimeSpan.FromMinutes(9));

    public void Dispose()
    {
        _ = FabricHost.EndLeftoversAsync("net", new() { Root = _folder["run"] }).GetAwaiter().GetResult();   // after a failure
        _folder.Dispose();
        _cancel.Dispose();
    }

    [Fact]
    public async Task Topology_ChangedUnderGuests_SaysWhoReachesWhom()
    {
        string text = Rounds().Replace(Declaration, match => $"[ \"n=0; while true; do for a in {match.Groups[1].Value.Replace(',', ' ')}; do ping -c 1 -W 2 $a >/dev/null && echo PING $n $a yes. || echo PING $n $a no.; done; n=$((n+1)); done\" ]");
        File.WriteAllText(_folder["fabric.yaml"], text);
        FabricReading reading = FabricFile.Load(_folder["fabric.yaml"], _folder["run"]);
        reading.Faults.ShouldBeEmpty();
        await using FabricHost host = FabricHost.Open(reading.Declaration!, Encoding.UTF8.GetBytes(text), _folder["fabric.yaml"], new() { Root = _folder["run"] });
        (await host.StartAsync(_cancel.Token)).ShouldBeEmpty();
        await ReachAsync("everybody", vm0: "192.168.1.2 192.168.1.3 10.1.0.2 10.2.0.2", vm2: "192.168.1.1 192.168.1.2");

        // vm2 is cut off, also from the broadcasts of those who look for it.
        await host.ChangeSwitchAsync("lan", "vm2 is cut off.", one => one.MoveAsync("vm2", new() { To = [] }));
        long before = await GotAsync(host, "vm2");
        await ReachAsync("vm2 cut off", vm0: "192.168.1.2 10.1.0.2 10.2.0.2", vm2: "");
        (await GotAsync(host, "vm2")).ShouldBe(before);

        // Two partitions: vm0 and vm2 in one, vm1 alone in the other. The other cards of vm1 are none of its business.
        await host.ChangeSwitchAsync("lan", "Partitions.", async one =>
        {
            await one.MoveAsync("vm0", new() { To = ["all/1"] });
            await one.MoveAsync("vm1", new() { To = ["all/2"] });
            await one.MoveAsync("vm2", new() { To = ["all/1"] });
        });
        await ReachAsync("two partitions", vm0: "192.168.1.3 10.1.0.2 10.2.0.2", vm2: "192.168.1.1");

        // Two guests that share several topologies: one of them goes, the others do not notice.
        await host.ChangeSwitchAsync("lan", "Red is cut.", one => one.MoveAsync("vm1-red", new() { To = [] }));
        await ReachAsync("red cut", vm0: "192.168.1.3 10.2.0.2", vm2: "192.168.1.1");
        (await host.SnapshotAsync()).Switches[0].Ports.ShouldAllBe(port => port.IsUp && port.Fault == null);
    }

    private static async Task<long> GotAsync(FabricHost host, string port) =>
        (await host.SnapshotAsync()).Switches[0].Ports.Single(one => one.Settings.Name == port).Counters["framesTo"];

    // Two whole rounds that began after the change, one after the other, in which each guest reached these and no others.
    private async Task ReachAsync(string when, string vm0, string vm2)
    {
        foreach ((string name, string expected) in new[] { ("vm0", vm0), ("vm2", vm2) })
        {
            int first = LastRound(name) + 1;
            long end = Environment.TickCount64 + (long)_watchdog.TotalMilliseconds;
            while (!Enumerable.Range(first, Math.Max(0, LastRound(name) - first - 1)).Any(round => Reached(name, round) == expected && Reached(name, round + 1) == expected))
            {
                Environment.TickCount64.ShouldBeLessThan(end, $"watchdog: {when}: {name} should reach '{expected}', and reached {string.Join(", ", Enumerable.Range(first, Math.Max(0, LastRound(name) - first)).TakeLast(3).Select(round => $"'{Reached(name, round)}'"))} in its last rounds");
                _cancel.Token.ThrowIfCancellationRequested();
                await Task.Delay(50, _cancel.Token);
            }
        }
    }

    private string Console(string machine)
    {
        string path = new FabricPaths(_folder["run"], "net").Machine(machine).ConsoleLog;
        if (!File.Exists(path)) return "";
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return new StreamReader(stream).ReadToEnd();
    }

    // The round that is going on; those before it are whole.
    private int LastRound(string machine) => Ping().Matches(Console(machine)).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).DefaultIfEmpty(0).Max();

    private string Reached(string machine, int round) =>
        string.Join(' ', Ping().Matches(Console(machine)).Where(match => match.Groups[1].Value == round.ToString(CultureInfo.InvariantCulture) && match.Groups[3].Value == "yes").Select(match => match.Groups[2].Value));

    [GeneratedRegex(@"\*rounds([0-9.,]+)")] private static partial Regex Rounds();

    [GeneratedRegex(@"PING (\d+) ([0-9.]+) (yes|no)\.")] private static partial Regex Ping();
}
