// SPDX-License-Identifier: MIT
using Tombolo.Grants;
using Tombolo.Store;

// Three terminals, one line in each: serve /tmp/g; listen /tmp/g; call /tmp/g. In guests and Xen domains only the last line differs.
switch (args)
{
    case ["serve", var folder]:
    {
        Directory.CreateDirectory(folder);
        await using StoreServer store = StoreServer.Start(new() { SocketPath = Path.Combine(folder, "store") });
        await using GrantServer grants = GrantServer.Start(new() { SocketPath = Path.Combine(folder, "grants") });
        Console.WriteLine($"Serving in {folder}.");
        _ = Console.ReadLine();
        return 0;
    }
    case ["listen", var folder]:
    {
        (StoreClient store, IDomain self) = await JoinAsync(folder, new(1));
        await using GrantLink link = await GrantLink.OfferAsync(store, self, new(2), "/talk");   // grants pages to domain 2 alone
        using var reader = new StreamReader(link.Stream!, leaveOpen: true);
        while (await reader.ReadLineAsync() is { } line) Console.WriteLine($"{line.Length} characters: {line}");
        return 0;
    }
    case ["call", var folder]:
    {
        (StoreClient store, IDomain self) = await JoinAsync(folder, new(2));
        using GrantLink link = await GrantLink.AcceptAsync(store, self, new(1), "/talk");          // maps them
        await using var writer = new StreamWriter(link.Stream!);
        for (int i = 1; i <= 3; i++) await writer.WriteLineAsync($"line {i}");
        return 0;
    }
    default:
        Console.Error.WriteLine("Usage: tombolo-grants-sample serve|listen|call FOLDER");
        return 2;
}

static async Task<(StoreClient, IDomain)> JoinAsync(string folder, DomainId domain) =>
    (await StoreClient.ConnectAsync(Path.Combine(folder, "store")), GrantClient.Connect(new() { SocketPath = Path.Combine(folder, "grants"), Domain = domain }));
