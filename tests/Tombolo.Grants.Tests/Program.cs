// SPDX-License-Identifier: MIT
namespace Tombolo.Grants.Tests;

/// <summary>The second process that some tests need; see <see cref="Child"/>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        switch (args)
        {
            case ["server", string socket]:
                GrantServer server = GrantServer.Start(new() { SocketPath = socket });
                Console.WriteLine(server.TookOver ? "ready again" : "ready");
                _ = Console.ReadLine();
                server.DisposeAsync().AsTask().GetAwaiter().GetResult();
                return 0;
            case ["echo", string grants, string store]:
                return LinkTests.EchoAsync(grants, store).GetAwaiter().GetResult();
            case ["offer", string grants, string store, string from]:
                return OfferKillTests.OfferAsync(grants, store, from).GetAwaiter().GetResult();
            case ["accept", string grants, string store]:
                return OfferKillTests.AcceptAsync(grants, store).GetAwaiter().GetResult();
            default:
                Console.Error.WriteLine($"These tests have no part called '{string.Join(' ', args)}'.");
                return 2;
        }
    }
}
