// SPDX-License-Identifier: MIT
using Tombolo.Machines;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>What the tests of regions in real guests share: a layout, the sockets, guests on them.</summary>
internal sealed class RegionTrial(TemporaryFolder folder) : IAsyncDisposable
{
    /// <summary>Three regions: a plain one with tables of four slots each, which are soon full; a managed one; its manager.</summary>
    public const string Layout =
        """
        { "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 },
          "vsoc_device_regions": [
            { "device_name": "plain", "current_version": 1, "min_compatible_version": 1, "region_size": 65536,
              "guest_to_host_signal_table": { "num_nodes_lg2": 2 }, "host_to_guest_signal_table": { "num_nodes_lg2": 2 } },
            { "device_name": "managed", "current_version": 0, "min_compatible_version": 0, "region_size": 65536, "managed_by": "manager",
              "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 4 } },
            { "device_name": "manager", "current_version": 0, "min_compatible_version": 0, "region_size": 8192,
              "guest_to_host_signal_table": { "num_nodes_lg2": 0 }, "host_to_guest_signal_table": { "num_nodes_lg2": 0 } } ] }
        """;

    private const int Regions = 3;

    private readonly GuestTrial _guests = new(folder);
    private readonly List<Child> _children = [];

    public string Qemu => folder["q"];

    public string Clients => folder["c"];

    private static string TestServer => Path.Combine(AppContext.BaseDirectory, "tombolo-test-server");

    /// <summary>A server in a process of its own, with a keeper.</summary>
    public Child StartServer(string says)
    {
        string layout = folder["layout.json"];
        File.WriteAllText(layout, Layout);
        return Start(says, "regions", Qemu, Clients, layout);
    }

    /// <summary>A host process that plays some lanes of region "plain".</summary>
    public Child StartPlayer(int first, int lanes, int rounds) => Start("playing", "region-player", Clients, "plain", $"{first}", $"{lanes}", $"{rounds}");

    public Machine StartGuest(string name, params string[] script) =>
        _guests.Start(name, script, ["region_check"], options => options with { Attachments = [new("regions", Qemu, Regions)] });

    /// <summary>Waits until a player has played to its end, and lost nothing.</summary>
    public static async Task DoneAsync(Child player)
    {
        await UntilAsync(() => player.HasExited, "a player has played to its end");
        string? said = player.ReadLine();
        if (said != "done") throw new InvalidOperationException($"A player said '{said}'.");
    }

    /// <summary>Looks again and again, for what another machine does in its own time.</summary>
    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        long end = Environment.TickCount64 + (long)GuestTrial.Watchdog.TotalMilliseconds;
        while (!holds())
        {
            if (Environment.TickCount64 > end) throw new TimeoutException($"It did not come about that {what}.");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _guests.DisposeAsync();
        foreach (Child child in _children) child.Dispose();
        LeftKeeper.End(Qemu + ".keeper");
    }

    private Child Start(string says, params string[] arguments)
    {
        var child = new Child(TestServer, arguments);
        _children.Add(child);
        string? said = child.ReadLine();
        return said == says ? child : throw new InvalidOperationException($"{string.Join(' ', arguments)} said '{said}', not '{says}'.");
    }
}
