// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Mailbox;

namespace Tombolo.Bench;

/// <summary>The server that two sides of a round trip meet at. It has no part in the trips.</summary>
internal static class RoundTripServer
{
    public static async Task RunAsync(string socket, string kind)
    {
        if (kind == "mailbox")
        {
            await using MailboxFabric fabric = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = socket, SizeBytes = 1 << 20 }, Clients = 14 });
            WaitForEnd();
        }
        else
        {
            await using DoorbellServer server = DoorbellServer.Start(new() { SocketPath = socket, SizeBytes = 1 << 20 });
            WaitForEnd();
        }
    }

    private static void WaitForEnd()
    {
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null) { }
    }
}
