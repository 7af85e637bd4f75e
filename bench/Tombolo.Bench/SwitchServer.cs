// SPDX-License-Identifier: MIT
using Tombolo.Switching;

namespace Tombolo.Bench;

/// <summary>A switch in a process of its own: the first two ports carry frames, the others are there and idle.</summary>
internal static class SwitchServer
{
    /// <summary>The addresses that testpmd sends from: its port 0 to …:00 and port 1 to …:01, by default.</summary>
    private const ulong FirstAddress = 0x0200_0000_0000;

    public static async Task RunAsync(string folder, int ports)
    {
        await using VirtualSwitch running = VirtualSwitch.Start(new()
        {
            Name = "bench",
            Ports = [.. Enumerable.Range(0, ports).Select(index => new PortOptions
            {
                Name = $"p{index}",
                SocketPath = Path.Combine(folder, $"{index}"),
                Macs = [new(index < 2 ? FirstAddress + (ulong)(1 - index) : FirstAddress + 0x1000 + (ulong)index)],
                AllowsAnySource = index < 2,
            })],
        });
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            if (line != "counters") break;
            SwitchSnapshot snapshot = await running.SnapshotAsync();
            PortSnapshot[] carrying = [.. snapshot.Ports.Where(port => port.Options.Name is "p0" or "p1")];
            Console.WriteLine($"{carrying.Sum(port => port[PortCounter.FramesTo])} {carrying.Sum(port => port.Lost)} {carrying.Sum(port => port[PortCounter.Calls])} {carrying.Sum(port => port[PortCounter.Waited])}");
        }
    }
}
