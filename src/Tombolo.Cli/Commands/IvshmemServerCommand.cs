// SPDX-License-Identifier: MIT
using System.CommandLine;
using Microsoft.Extensions.Logging;
using Tombolo.Cli.Output;
using Tombolo.Cli.Processes;
using Tombolo.Cli.Stock;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo ivshmem-server</c>: the stock doorbell server's flags, defaults and behaviour, on our server.</summary>
internal static class IvshmemServerCommand
{
    public static Command Create(CommandContext context)
    {
        StockServerFlags flags = new();
        ExampleCommand command = new("ivshmem-server", "Runs an ivshmem doorbell server: a drop-in for QEMU's, also when the program is started under that name.",
            "tombolo ivshmem-server -F -v -S /tmp/bell -l 1M -n 4",
            "tombolo ivshmem-server -S /run/bell.sock -p /run/bell.pid --sticky 14 --keeper",
            "qemu-system-x86_64 -chardev socket,path=/tmp/bell,id=b -device ivshmem-doorbell,vectors=4,chardev=b ...");
        foreach (Option option in flags.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            if (flags.Problem(parsed) is { } problem) throw new CommandException(problem, ExitCode.WrongUse);
            bool foreground = parsed.GetValue(flags.Foreground);
            bool reports = DetachedStart.Begin();
            if (foreground || reports) await ServeAsync(context, flags, parsed, reports, stop);
            else _ = await Detached.StartAsync(Detached.Self([.. OwnArguments(parsed)]), stop);
            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<string> OwnArguments(ParseResult parsed) => parsed.Tokens.Select(token => token.Value);

    private static async Task ServeAsync(CommandContext context, StockServerFlags flags, ParseResult parsed, bool reports, CancellationToken stop)
    {
        LogLevel least = parsed.GetValue(flags.Verbose) ? LogLevel.Information : LogLevel.Warning;
        string? logFile = parsed.GetValue(flags.LogFile);
        using StreamWriter? file = logFile is null ? null : new(logFile, append: true);
        LineLogger log = new(file ?? context.Screen.Error, least, context.Time);
        DoorbellServerOptions options = flags.Bind(parsed, Detached.Self("keeper"));
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new CommandException(string.Join(' ', problems), ExitCode.WrongUse);

        await using DoorbellServer server = DoorbellServer.Start(options, log: log);
        using PidFile? pidFile = reports ? new(parsed.GetRequiredValue(flags.PidFile)) : null;
        if (reports) DetachedStart.ReportReady();
        else context.Screen.Line($"Listening on {options.SocketPath}: {ByteSize.Format(options.SizeBytes)} of memory, {options.Vectors} vectors{(server.TookOver ? ", with the clients of the server before" : "")}. Ctrl-C ends it.");
        try { await server.Completion.WaitAsync(stop); }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
    }
}
