// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using Tombolo.Cli;
using Tombolo.Cli.Output;

using CancellationTokenSource stop = new();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;   // not the runtime's sudden end: the command cleans up and returns
    stop.Cancel();
}
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);

return await Runner.RunAsync(ProgramName.Apply(ProgramName.Invoked(), args), Screen.OfProcess(), Environment.GetEnvironmentVariable, stop.Token);
