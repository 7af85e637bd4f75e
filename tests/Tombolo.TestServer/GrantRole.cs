// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Grants;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.TestServer;

/// <summary>A domain in a shared window that never rests: it grants, maps, binds, notifies, copies and ends, with another domain, until it is killed.</summary>
internal static class GrantRole
{
    /// <summary>The host of a window and the store that its domains reach, both with keepers; says "ready" or "ready again", and stops in order when its standard input ends.</summary>
    public static async Task<int> HostAsync(string window, string socket)
    {
        string[] keeper = [Path.Combine(AppContext.BaseDirectory, "tombolo-keeper")];
        try
        {
            await using StoreServer store = StoreServer.Start(new() { SocketPath = socket, KeeperCommand = keeper });
            await using WindowHost host = WindowHost.Start(new() { SocketPath = window, Shape = new() { Domains = 4, Ports = 128, Entries = 128, Pages = 32 }, Doorbell = options => options with { KeeperCommand = keeper } }, store);
            Console.WriteLine(store.TookOver && host.Server.TookOver ? "ready again" : "ready");
            while (await Console.In.ReadLineAsync() is not null) { }
            return 0;
        }
        catch (TomboloException exception)
        {
            Console.WriteLine(exception.Message);
            return 1;
        }
    }

    /// <summary>Lives with a domain that granted it a page and made it a port.</summary>
    public static int Run(string socket, string peer, string reference, string port)
    {
        using var self = WindowDomain.Connect(socket);
        DomainId other = new(ushort.Parse(peer, CultureInfo.InvariantCulture));
        GrantRef others = new(uint.Parse(reference, CultureInfo.InvariantCulture));
        EventPort remote = new(uint.Parse(port, CultureInfo.InvariantCulture));
        byte[] bytes = new byte[64];
        for (long round = 0; ; round++)
        {
            using GrantedPages own = self.Grant(other, 2);
            using (MappedPages mapped = self.Map(other, [others]))
            using (EventChannel bound = self.BindInterdomain(other, remote))
            {
                mapped.Window.View(0, 8).WriteRelease64(0, (ulong)round);
                bound.Notify();
                using EventChannel waiting = self.AllocateUnbound(other);
                _ = bound.TryTake();
            }
            self.CopyIn(other, others, 64, bytes);
            _ = own.TryEnd();
            if (round == 0) Console.WriteLine("lives");
        }
    }
}
