// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Client;
using Tombolo.Cli.Editing;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo client</c>: takes part in a mailbox, interactively.</summary>
internal static class ClientCommand
{
    public static Command Create(CommandContext context)
    {
        MailboxChoice choice = new();
        Option<bool> verbose = new("-v", "--verbose") { Description = "Show also what the fabric itself says: pings, questions for attributes, addresses." };
        ExampleCommand command = new("client", "Takes part in a mailbox: type help for the commands. In a pipe it reads commands line by line.", "tombolo client", "echo 'send vm1 hello' | tombolo client --socket /run/tombolo/demo/genz.sock") { verbose };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            await using MailboxSession session = choice.Join(parsed, context);
            session.ShowsFabric = parsed.GetValue(verbose);
            try { await ConverseAsync(context, session, stop); }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task ConverseAsync(CommandContext context, MailboxSession session, CancellationToken stop)
    {
        ClientShell? shell = null;
        using LineInput lines = new(context.Screen, $"{session.OwnId}> ", new History(History.PathOfUser(context.Environment)), before => shell!.Complete(before));
        shell = new(session, lines.Print);
        string server = session.ServerId is { } id ? $"the server is {id}" : "the server is silent";
        lines.Print($"Joined as {session.OwnId}; {server}. Type help for the commands.");
        Task printing = PrintAsync(session, lines);
        while (await lines.ReadAsync(stop) is { } line && await shell.ExecuteAsync(line, stop)) { }
        await session.DisposeAsync();
        await printing;   // what came before leaving is still shown
    }

    private static async Task PrintAsync(MailboxSession session, LineInput lines)
    {
        await foreach (Received message in session.Messages.ReadAllAsync(CancellationToken.None)) lines.Print(ClientShell.Describe(message));
    }
}
