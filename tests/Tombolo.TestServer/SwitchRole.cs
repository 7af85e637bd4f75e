// SPDX-License-Identifier: MIT
using Tombolo.Switching;

namespace Tombolo.TestServer;

/// <summary>A switch in a process of its own. Arguments: name=socket=address for each port; it says "ready", answers "stats", and stops in order when its standard input ends.</summary>
internal static class SwitchRole
{
    public static async Task<int> RunAsync(string[] ports)
    {
        var options = new SwitchOptions { Ports = [.. ports.Select(static text => text.Split('=')).Select(Port)] };
        await using VirtualSwitch running = VirtualSwitch.Start(options);
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is not null)
            Console.WriteLine(string.Join(' ', (await running.SnapshotAsync()).Ports.Select(static port =>
                $"{port.Options.Name}:{port[PortCounter.FramesFrom]}:{port[PortCounter.BytesFrom]}:{port[PortCounter.FramesTo]}:{port.Lost}:{port.Fault}")));
        return 0;

        static PortOptions Port(string[] parts) => new()
        {
            Name = parts[0],
            SocketPath = parts[1],
            Macs = [MacAddress.TryParse(parts[2], out MacAddress mac) ? mac : throw new ArgumentException($"'{parts[2]}' is no address.", nameof(parts))],
        };
    }
}
