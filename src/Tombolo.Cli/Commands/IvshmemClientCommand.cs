// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Editing;
using Tombolo.Cli.Output;
using Tombolo.Cli.Stock;
using Tombolo.Linux;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo ivshmem-client</c>: the stock client's flags, commands and notices.</summary>
internal static class IvshmemClientCommand
{
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(1);   // as the stock client says
    private static readonly string[] _words = ["dump", "help", "int", "quit"];

    public static Command Create(CommandContext context)
    {
        Option<bool> verbose = new("-v", "--verbose") { Description = "Tell of joins, leaves and one's own notifications." };
        Option<string> socket = new("-S", "--socket") { Description = "The UNIX socket of the server.", HelpName = "socket", DefaultValueFactory = _ => "/tmp/ivshmem_socket" };
        ExampleCommand command = new("ivshmem-client", "Joins any ivshmem doorbell server as a plain peer: a drop-in for QEMU's, also when the program is started under that name.",
            "tombolo ivshmem-client -v -S /tmp/bell", "echo 'int all' | tombolo ivshmem-client -S /tmp/bell") { verbose, socket };
        command.SetAction(async (parsed, stop) =>
        {
            using LineInput lines = new(context.Screen, "cmd> ", new History(), before => before.Contains(' ') ? ["all"] : _words, promptInPipes: true);
            foreach (string line in StockClient.Help) lines.Print(line);
            try { await ConverseAsync(context, lines, parsed.GetRequiredValue(socket), parsed.GetValue(verbose), stop); }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task ConverseAsync(CommandContext context, LineInput lines, string socket, bool verbose, CancellationToken stop)
    {
        Task<string?>? reading = null;
        while (true)
        {
            StockClient client;
            try { client = new(socket, lines, verbose); }
            catch (TomboloException exception)
            {
                lines.Print($"cannot connect to server, retry in 1 second ({exception.Message})");
                reading ??= lines.ReadAsync(stop);
                // A line that is typed without a server has nobody to go to; "quit" and the end of input count.
                if (await Task.WhenAny(reading, Task.Delay(_retry, context.Time, stop)) == reading)
                {
                    if (await reading is null or "quit") return;
                    reading = null;
                    lines.Print("not connected");
                }
                stop.ThrowIfCancellationRequested();
                continue;
            }
            using (client)
            {
                lines.Print($"listen on server socket {client.Descriptor}");
                while (true)
                {
                    reading ??= lines.ReadAsync(stop);
                    if (await Task.WhenAny(reading, client.Disconnected) == client.Disconnected) break;
                    if (await reading is not { } line) return;
                    reading = null;
                    foreach (string part in line.Split([';', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                    {
                        if (part == "quit") return;
                        client.Execute(part);
                    }
                }
                lines.Print("disconnected from server");
            }
        }
    }
}
