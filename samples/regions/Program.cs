// SPDX-License-Identifier: MIT
using Tombolo.Regions;

// Three terminals, one line in each: serve /tmp/phone; sink /tmp/phone; source /tmp/phone. A guest with tombolo_region.ko has the same bytes in /dev/lamp (QEMU's socket is /tmp/phone.qemu).
switch (args)
{
    case ["serve", var socket]:
    {
        LayoutReading layout = LayoutFile.Load(Path.Combine(AppContext.BaseDirectory, "layout.json"));
        await using RegionServer server = await RegionServer.StartAsync(new()
        {
            Layout = layout.Layout ?? throw new InvalidDataException(string.Join('\n', layout.Faults)),
            ClientSocket = socket,
            Doorbell = new() { SocketPath = socket + ".qemu" },
        });
        Console.WriteLine($"Serving at {socket}.");
        _ = Console.ReadLine();
        return 0;
    }
    case ["sink", var socket]:
    {
        using RegionClient lamp = Open(socket);
        for (uint seen = 0; seen < 3; seen = Word(lamp))
        {
            await lamp.WaitAsync(lamp.DataOffset, seen);   // sleeps until the word differs from what was seen
            Console.WriteLine($"The lamp says {Word(lamp)}.");
        }
        return 0;
    }
    case ["source", var socket]:
    {
        using RegionClient lamp = Open(socket);
        for (uint value = 1; value <= 3; value++)
        {
            lamp.View(lamp.DataOffset, sizeof(uint)).WriteRelease32(0, value);
            lamp.Signal(lamp.DataOffset);                  // whoever waits for this word, in the guest and on the host
        }
        return 0;
    }
    default:
        Console.Error.WriteLine("Usage: tombolo-regions-sample serve|sink|source SOCKET");
        return 2;
}

static RegionClient Open(string socket) => RegionClient.Open("lamp", new() { Socket = socket });
static uint Word(RegionClient lamp) => lamp.View(lamp.DataOffset, sizeof(uint)).ReadAcquire32(0);
