// SPDX-License-Identifier: MIT
using Tombolo.TestServer;

// A doorbell server, a mailbox, or a client, in a process of its own that a test can kill.
return args switch
{
    ["client", var path] => ClientRole.Run(path),
    ["mailbox", var path] => await MailboxRole.RunAsync(path),
    _ => await ServerRole.RunAsync(args),
};
