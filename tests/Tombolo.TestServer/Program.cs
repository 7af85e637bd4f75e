// SPDX-License-Identifier: MIT
using Tombolo.TestServer;

// A doorbell server, a mailbox, regions, a store, grants, a switch, a client, an end of a channel, or a whole fabric, in a process of its own that a test can kill.
return args switch
{
    ["client", var path] => ClientRole.Run(path),
    ["mailbox", var path] => await MailboxRole.RunAsync(path),
    ["regions", var qemu, var clients, var layout] => await RegionRole.ServeAsync(qemu, clients, layout),
    ["region-client", var socket, var region, var first] => await RegionRole.SignalAsync(socket, region, uint.Parse(first, System.Globalization.CultureInfo.InvariantCulture)),
    ["region-owner", var socket] => await RegionRole.OwnAsync(socket),
    ["region-player", var socket, var region, var first, var lanes, var rounds] => RegionPlayer.Run(socket, region, uint.Parse(first, System.Globalization.CultureInfo.InvariantCulture), int.Parse(lanes, System.Globalization.CultureInfo.InvariantCulture), int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture)),
    ["channel", var folder, var role, var next] => ChannelRole.Run(folder, role, next),
    ["store", var socket, .. var options] => await StoreRole.RunAsync(socket, options),
    ["grant-host", var window, var store] => await GrantRole.HostAsync(window, store),
    ["grant-life", var socket, var peer, var reference, var port] => GrantRole.Run(socket, peer, reference, port),
    ["switch", .. var ports] => await SwitchRole.RunAsync(ports),
    ["fabric", var file, var root] => await FabricRole.RunAsync(file, root),
    _ => await ServerRole.RunAsync(args),
};
