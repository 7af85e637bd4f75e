// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Tombolo.Cli.Output;
using Tombolo.Cli.Processes;
using Tombolo.Store;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo store serve</c>: a store's server in this process.</summary>
internal static class StoreServeCommand
{
    public static ExampleCommand Create(CommandContext context)
    {
        Option<string> socket = new("--socket") { Description = "The socket to serve.", HelpName = "path", Required = true };
        Option<string?> journal = new("--journal") { Description = "Keep the nodes in this file, so that they outlive the server; 'none' keeps them in memory alone. By default SOCKET.journal.", HelpName = "file" };
        Option<bool> keeper = new("--keeper") { Description = "Survive a kill: connections and watches go on with the next server." };
        Option<string> mode = new("--mode") { Description = "Permission bits of the socket, octal.", HelpName = "bits", DefaultValueFactory = _ => "0600" };
        Option<double> spin = new("--spin") { Description = "Microseconds to look for the next request before sleeping.", HelpName = "microseconds" };
        Option<bool> verbose = new("-v", "--verbose") { Description = "Say who comes and goes." };
        ExampleCommand command = new("serve", "Serves a store until Ctrl-C. Every client is domain 0; the socket's mode says who may connect.", "tombolo store serve --socket /tmp/store.sock", "tombolo store serve --socket /run/store.sock --journal /var/lib/store.journal --keeper") { socket, journal, keeper, mode, spin, verbose };
        command.SetAction(async (parsed, stop) =>
        {
            string path = parsed.GetRequiredValue(socket), bits = parsed.GetRequiredValue(mode);
            StoreServerOptions options = new()
            {
                SocketPath = path,
                JournalPath = parsed.GetValue(journal) is not "none" and var file ? Path.GetFullPath(file ?? path + ".journal") : null,
                KeeperCommand = parsed.GetValue(keeper) ? Detached.Self("keeper") : [],
                SocketMode = int.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out _) && bits.All(digit => digit is >= '0' and <= '7') && bits.Length <= 4
                    ? (UnixFileMode)Convert.ToInt32(bits, 8) & (UnixFileMode)0x1FF : throw new CommandException($"--mode is '{Printable.Text(bits)}'; it must be octal digits, such as 0660", ExitCode.WrongUse),
                Spin = parsed.GetValue(spin) is var wait and >= 0 and <= 1e6 ? TimeSpan.FromMicroseconds(wait) : throw new CommandException($"--spin is {parsed.GetValue(spin)}; it must be 0 to 1000000", ExitCode.WrongUse),
            };
            string[] problems = [.. options.Problems()];
            if (problems.Length > 0) throw new CommandException(string.Join(' ', problems), ExitCode.WrongUse);
            LineLogger log = new(context.Screen.Error, parsed.GetValue(verbose) ? LogLevel.Information : LogLevel.Warning, context.Time);
            await using StoreServer server = StoreServer.Start(options, log);
            context.Screen.Line($"Serving {path}{(server.TookOver ? ", with the clients of the server before" : "")}. Ctrl-C ends it.");
            try { await server.Completion.WaitAsync(stop); }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            return ExitCode.Done;
        });
        return command;
    }
}
