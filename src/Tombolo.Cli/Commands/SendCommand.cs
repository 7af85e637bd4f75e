// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Client;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo send</c>: one message to one or several.</summary>
internal static class SendCommand
{
    public static Command Create(CommandContext context)
    {
        MailboxChoice choice = new();
        Argument<string> destination = new("dest") { Description = "An ID, a node name, server, all (oneself too) or other." };
        Argument<string[]> words = new("text") { Description = "The message; several words are joined by blanks.", Arity = ArgumentArity.OneOrMore };
        ExampleCommand command = new("send", "Sends a message and waits until it was taken.", "tombolo send vm1 hello", "tombolo send other 'the host goes down'") { destination, words };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            await using MailboxSession session = choice.Join(parsed, context);
            string text = string.Join(' ', parsed.GetRequiredValue(words));
            // Everybody is tried, so that one who does not take it keeps it from nobody else.
            List<string> failures = [];
            foreach (int id in Destination.Resolve(parsed.GetRequiredValue(destination), session))
            {
                try { await session.SendAsync(id, text, stop); }
                catch (CommandException exception) { failures.Add(exception.Message); }
            }
            return failures.Count == 0 ? ExitCode.Done : throw new CommandException(string.Join("; ", failures));
        });
        return command;
    }
}
