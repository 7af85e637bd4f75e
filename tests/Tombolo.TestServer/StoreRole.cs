// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.TestServer;

/// <summary>A store in a process of its own; stops in order when its standard input ends.</summary>
/// <remarks>Arguments: socket, then key=value: journal=PATH, keeper=no, spin=MICROSECONDS, uid-domains=yes (user N is domain N; root is 0).</remarks>
internal static class StoreRole
{
    public static async Task<int> RunAsync(string socket, string[] args)
    {
        Dictionary<string, string> given = args.Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        var options = new StoreServerOptions
        {
            SocketPath = socket,
            JournalPath = given.GetValueOrDefault("journal"),
            KeeperCommand = given.GetValueOrDefault("keeper", "yes") == "yes" ? [Path.Combine(AppContext.BaseDirectory, "tombolo-keeper")] : [],
            Spin = TimeSpan.FromMicroseconds(double.Parse(given.GetValueOrDefault("spin", "0"), CultureInfo.InvariantCulture)),
            Keys = [new("/tool", "", StorePermissions.Parse("b0"))],
        };
        if (given.ContainsKey("uid-domains")) options = options with { SocketMode = (UnixFileMode)0x1B6, Identify = who => new DomainId((ushort)who.UserId) };
        try
        {
            await using StoreServer server = StoreServer.Start(options);
            Console.WriteLine(server.TookOver ? "ready again" : "ready");
            while (await Console.In.ReadLineAsync() is not null)
            {
                StoreSnapshot now = await server.SnapshotAsync();
                Console.WriteLine($"{now.Connections} connections, {now.Watches} watches, {now.Transactions} transactions, {now.Nodes} nodes");
            }
            return 0;
        }
        catch (TomboloException exception)
        {
            Console.WriteLine(exception.Message);
            return 1;
        }
    }
}
