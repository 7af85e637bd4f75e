// SPDX-License-Identifier: MIT
using Tombolo.Switching;

// One terminal: serve /tmp/lan. Then two guests, at /tmp/lan/vm0 and /tmp/lan/vm1 (tombolo vm stanza --port prints QEMU's arguments).
if (args is not ["serve", var folder])
{
    Console.Error.WriteLine("Usage: tombolo-switching-sample serve FOLDER");
    return 2;
}
Directory.CreateDirectory(folder);
PortOptions vm0 = new() { Name = "vm0", SocketPath = Path.Combine(folder, "vm0"), Macs = [new(0x0200_0000_AA01)] };
PortOptions vm1 = new() { Name = "vm1", SocketPath = Path.Combine(folder, "vm1"), Macs = [new(0x0200_0000_AA02)] };
await using VirtualSwitch lan = VirtualSwitch.Start(new() { Name = "lan", Ports = [vm0, vm1] });
Console.WriteLine($"Serving in {folder}. A line shows the counters, an empty one ends.");
while (Console.ReadLine() is { Length: > 0 })
    foreach (PortSnapshot port in (await lan.SnapshotAsync()).Ports)
        Console.WriteLine($"{port.Options.Name}: {port[PortCounter.FramesFrom]} frames came from it, {port[PortCounter.FramesTo]} went to it.");
return 0;
