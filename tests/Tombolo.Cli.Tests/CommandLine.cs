// SPDX-License-Identifier: MIT
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Tests;

/// <summary>Runs a command line in this process, as in a pipe.</summary>
internal sealed record CommandLine(int ExitCode, string Out, string Error)
{
    public static async Task<CommandLine> RunAsync(string line, Func<string, string?>? environment = null, TextReader? input = null, Stream? bytesOut = null, Stream? bytesIn = null, CancellationToken stop = default)
    {
        StringWriter output = new(), error = new();
        Screen screen = new() { Out = output, Error = error, In = input ?? TextReader.Null, OutBytes = () => bytesOut ?? Stream.Null, InBytes = () => bytesIn ?? Stream.Null };
        int code = await Runner.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), screen, environment ?? (_ => null), stop);
        return new(code, output.ToString(), error.ToString());
    }
}
