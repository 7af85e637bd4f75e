// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Daemon;
using Tombolo.Linux;

bool isAwaited = DetachedStart.Begin();   // before anything else: a terminal's signals must not reach us
DaemonOptions options = new();
ParseResult parsed = options.Command.Parse(args);
options.Command.SetAction((line, _) => FabricDaemon.RunAsync(options.Bind(line), isAwaited));
if (parsed.Errors.Count > 0)
{
    Console.Error.WriteLine($"tombolod: {parsed.Errors[0].Message.TrimEnd('.')}. Try 'tombolod --help'.");
    return 2;
}
try
{
    // Signals are the daemon's own business: it stops in order.
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (Exception exception) when (exception is TomboloException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"tombolod: {exception.Message}");
    return 1;
}
