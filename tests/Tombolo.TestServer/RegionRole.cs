// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Linux;
using Tombolo.Regions;

namespace Tombolo.TestServer;

/// <summary>A region server with a keeper, or one of its clients, in a process that a test can kill.</summary>
internal static class RegionRole
{
    /// <summary>Says "ready" or "ready again"; stops in order when its standard input ends.</summary>
    public static async Task<int> ServeAsync(string qemu, string clients, string layout)
    {
        LayoutReading reading = LayoutFile.Load(layout);
        foreach (LayoutFault fault in reading.Faults) Console.WriteLine(fault);
        if (reading.Layout is null) return 1;
        try
        {
            await using RegionServer server = await RegionServer.StartAsync(new()
            {
                Layout = reading.Layout,
                ClientSocket = clients,
                Doorbell = new() { SocketPath = qemu, MemoryName = "regions-test", KeeperCommand = [Path.Combine(AppContext.BaseDirectory, "tombolo-keeper")] },
            });
            Console.WriteLine(server.TookOver ? "ready again" : "ready");
            while (await Console.In.ReadLineAsync() is { } line)
            {
                RegionSnapshot snapshot = await server.SnapshotAsync();
                Console.WriteLine(line == "machine" ? snapshot.Machine?.Who.ProcessId.ToString(CultureInfo.InvariantCulture) ?? "none" : snapshot.Doorbell.IsKept);
            }
            return 0;
        }
        catch (TomboloException exception)
        {
            Console.WriteLine(exception.Message);
            return 1;
        }
    }

    /// <summary>Claims a page of region "hwcomposer", says "owning", and gives it back when its standard input ends.</summary>
    public static async Task<int> OwnAsync(string socket)
    {
        RegionClientOptions options = new() { Socket = socket, Timeout = TimeSpan.FromSeconds(30) };
        using RegionClient manager = RegionClient.Open("fb_manager", options), managed = RegionClient.Open("hwcomposer", options);
        using RegionPermission permission = manager.CreatePermission(managed, 4096, 8192, manager.DataOffset, 5);
        Console.WriteLine("owning");
        _ = await Console.In.ReadLineAsync();
        return 0;
    }

    /// <summary>Signals a few offsets in turn, and waits for the guest's answer now and then, until it is killed. Says "going" once it does.</summary>
    public static async Task<int> SignalAsync(string socket, string region, uint firstWord)
    {
        using RegionClient client = RegionClient.Open(region, new() { Socket = socket, Timeout = TimeSpan.FromSeconds(30), RoomTimeout = TimeSpan.FromSeconds(30) });
        uint Word(uint index) => client.DataOffset + (4 * (firstWord + index));
        Console.WriteLine("going");
        for (uint round = 1; ; round++)
        {
            for (uint index = 0; index < 8; index++)
            {
                client.View(Word(index), 4).WriteRelease32(0, round);
                client.Signal(Word(index));
            }
            if (round % 16 == 0) _ = client.Wait(Word(9), client.View(Word(9), 4).ReadAcquire32(0), TimeSpan.FromMilliseconds(1));
            if (round % 64 == 0) await Task.Yield();
        }
    }
}
