// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Mailbox;

namespace Tombolo.TestServer;

/// <summary>A mailbox with a keeper, as the daemon would run it; stops in order when its standard input ends.</summary>
internal static class MailboxRole
{
    public static async Task<int> RunAsync(string path)
    {
        var options = new MailboxOptions { Doorbell = new() { SocketPath = path, KeeperCommand = [Path.Combine(AppContext.BaseDirectory, "tombolo-keeper")] } };
        try
        {
            await using MailboxFabric fabric = await MailboxFabric.StartAsync(options);
            Console.WriteLine(fabric.Server.TookOver ? "ready again" : "ready");
            while (await Console.In.ReadLineAsync() is not null) { }
            return 0;
        }
        catch (TomboloException exception)
        {
            Console.WriteLine(exception.Message);
            return 1;
        }
    }
}
