// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using Tombolo.Ivshmem;
using Tombolo.Linux;

if (args is not [var path])
{
    Console.Error.WriteLine("tombolo-keeper: give the path of the socket to listen on; it is started by a doorbell server.");
    return 2;
}
// A terminal's Ctrl-C or hang-up is meant for the server; the keeper goes when the server says so.
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
try
{
    DescriptorKeeper.Run(path, () =>
    {
        Console.Out.WriteLine("ready");
        Console.Out.Flush();
    });
    return 0;
}
catch (TomboloException exception)
{
    Console.Out.WriteLine(exception.Message);
    return 1;
}
