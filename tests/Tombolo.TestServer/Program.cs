// SPDX-License-Identifier: MIT
using Tombolo.TestServer;

// A doorbell server, a mailbox, a client, or a whole fabric, in a process of its own that a test can kill.
return args switch
{
    ["client", var path] => ClientRole.Run(path),
    ["mailbox", var path] => await MailboxRole.RunAsync(path),
    ["fabric", var file, var root] => await FabricRole.RunAsync(file, root),
    _ => await ServerRole.RunAsync(args),
};
