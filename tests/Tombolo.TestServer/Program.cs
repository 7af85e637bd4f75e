// SPDX-License-Identifier: MIT
using Tombolo.TestServer;

// A doorbell server, or a client, in a process of its own that a test can kill.
return args is ["client", var path] ? ClientRole.Run(path) : await ServerRole.RunAsync(args);
