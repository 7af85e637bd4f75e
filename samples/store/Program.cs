// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Store;

// Three terminals, one line in each: serve /tmp/store; watch /tmp/store 3; count /tmp/store 3. Debian's xenstore-ls -s (with XENSTORED_PATH=/tmp/store) shows the same tree.
switch (args)
{
    case ["serve", var socket]:
    {
        await using StoreServer server = StoreServer.Start(new() { SocketPath = socket });
        Console.WriteLine($"Serving at {socket}.");
        _ = Console.ReadLine();
        return 0;
    }
    case ["watch", var socket, var last]:
    {
        await using StoreClient store = await StoreClient.ConnectAsync(socket);
        await foreach (StoreEvent change in store.WatchAsync("/visitors"))
        {
            string? value = await store.ReadAsync("/visitors");
            Console.WriteLine($"{change.Path} is {value ?? "not there"}.");
            if (value == last) break;
        }
        return 0;
    }
    case ["count", var socket, var times]:
    {
        await using StoreClient store = await StoreClient.ConnectAsync(socket);
        for (int i = int.Parse(times, CultureInfo.InvariantCulture); i > 0; i--)
            await store.TransactAsync(async all =>   // done again where somebody else counted meanwhile
                await all.WriteAsync("/visitors", (int.Parse(await all.ReadAsync("/visitors") ?? "0", CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture)));
        return 0;
    }
    default:
        Console.Error.WriteLine("Usage: tombolo-store-sample serve SOCKET, watch SOCKET LAST, count SOCKET TIMES");
        return 2;
}
