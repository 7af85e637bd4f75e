// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Exercise;
using Tombolo.Linux;

const string GuestNode = "/dev/tombolo_window_";

static IExerciseLink Open(string? socket, string? device, string name, TimeSpan timeout) => (socket, device) switch
{
    (not null, not null) => throw new ArgumentException("Both --socket and --device are given; choose one."),
    (not null, null) => EndpointLink.OfSocket(socket, name, timeout),
    (null, not null) when device.StartsWith(GuestNode, StringComparison.Ordinal) => EndpointLink.OfGuest(device, name, timeout),
    _ => DeviceLink.Open(device ?? DeviceLink.Find()),
};

const int Failed = 1, WrongUse = 2;
ParseResult parsed = new ExerciseCommands(Console.Out, Open).Create().Parse(args);
if (parsed.Errors.Count > 0 && parsed.Action is null or System.CommandLine.Invocation.ParseErrorAction)
{
    Console.Error.WriteLine($"tombolo-exercise: {parsed.Errors[0].Message} Try 'tombolo-exercise --help'.");
    return WrongUse;
}
try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (ArgumentException exception)
{
    Console.Error.WriteLine($"tombolo-exercise: {exception.Message}");
    return WrongUse;
}
catch (Exception exception) when (exception is TomboloException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"tombolo-exercise: {exception.Message}");
    return Failed;
}
