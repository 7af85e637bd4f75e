// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Client;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo int</c>: rings a doorbell as anybody, for tests.</summary>
internal static class IntCommand
{
    public static Command Create(CommandContext context)
    {
        MailboxChoice choice = new();
        Argument<string> destination = new("dest") { Description = "Whom to ring: an ID, a node name, server, all or other." };
        Argument<string> source = new("src") { Description = "As whom: an ID, a node name or server." };
        Argument<string[]> words = new("text") { Description = "Put this into the slot of <src> before.", Arity = ArgumentArity.ZeroOrMore };
        ExampleCommand command = new("int", "Rings a doorbell as if another had rung it; a lie, for tests of those who trust the source.", "tombolo int vm1 server", "tombolo int vm1 vm0 'I am vm0'") { destination, source, words };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, _) =>
        {
            await using MailboxSession session = choice.Join(parsed, context);
            IReadOnlyList<int> sources = Destination.Resolve(parsed.GetRequiredValue(source), session);
            if (sources.Count != 1) throw new CommandException("Only one can be the source of an interrupt", ExitCode.WrongUse);
            string text = string.Join(' ', parsed.GetValue(words) ?? []);
            foreach (int id in Destination.Resolve(parsed.GetRequiredValue(destination), session))
                if (!session.Interrupt(id, sources[0], text.Length > 0 ? text : null)) throw new CommandException($"Peer {id} has no doorbell for {sources[0]}");
            return ExitCode.Done;
        });
        return command;
    }
}
