// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Grants;
using Tombolo.Store;

namespace Tombolo.TestServer;

/// <summary>A domain in a shared window that never rests: it grants, maps, binds, notifies, copies and ends, with another domain, until it is killed.</summary>
internal static class GrantRole
{
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
