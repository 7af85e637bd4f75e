// SPDX-License-Identifier: MIT
using System.CommandLine;
using Microsoft.Extensions.Logging;
using Tombolo.Cli.Output;
using Tombolo.Grants;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo grant serve</c>: the service for grants in this process.</summary>
internal static class GrantServeCommand
{
    public static ExampleCommand Create(CommandContext context)
    {
        Option<string> socket = new("--grants") { Description = "The socket to serve.", HelpName = "path", Required = true };
        Option<bool> verbose = new("-v", "--verbose") { Description = "Say who comes and goes." };
        ExampleCommand command = new("serve", "Hands grants and event channels over until Ctrl-C. Every process may be any domain; only this user may connect.", "tombolo grant serve --grants /tmp/grants.sock") { socket, verbose };
        command.SetAction(async (parsed, stop) =>
        {
            GrantServerOptions options = new() { SocketPath = parsed.GetRequiredValue(socket) };
            string[] problems = [.. options.Problems()];
            if (problems.Length > 0) throw new CommandException(string.Join(' ', problems), ExitCode.WrongUse);
            LineLogger log = new(context.Screen.Error, parsed.GetValue(verbose) ? LogLevel.Debug : LogLevel.Warning, context.Time);
            await using GrantServer server = GrantServer.Start(options, null, log);
            context.Screen.Line($"Serving {options.SocketPath}{(server.TookOver ? ", in the place of a server that was killed" : "")}. Ctrl-C ends it.");
            try { await server.Completion.WaitAsync(stop); }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            return ExitCode.Done;
        });
        return command;
    }
}
