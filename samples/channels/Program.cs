// SPDX-License-Identifier: MIT
using Tombolo.Samples.Channels;

// Two terminals, one line in each: receive /dev/shm/x, send /dev/shm/x.
switch (args)
{
    case ["send", var path]: RingSample.Send(path); break;
    case ["receive", var path]: RingSample.Receive(path); break;
    case ["log", var path]: FanInSample.Log(path); break;
    case ["collect", var path]: FanInSample.Collect(path); break;
    case ["publish", var path]: await BroadcastSample.PublishAsync(path); break;
    case ["subscribe", var path]: await BroadcastSample.SubscribeAsync(path); break;
    case ["serve", var path]: RequestSample.Serve(path); break;
    case ["ask", var path]: await RequestSample.AskAsync(path); break;
    case ["listen", var path]: await StreamSample.ListenAsync(path); break;
    case ["call", var path]: await StreamSample.CallAsync(path); break;
    default:
        Console.Error.WriteLine("Usage: tombolo-channel-samples send|receive|log|collect|publish|subscribe|serve|ask|listen|call FILE");
        return 2;
}
return 0;
