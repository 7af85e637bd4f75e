// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Client;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo listen</c>: prints what comes.</summary>
internal static class ListenCommand
{
    public static Command Create(CommandContext context)
    {
        MailboxChoice choice = new();
        Option<int> count = new("-c", "--count") { Description = "End after this many messages; 0 means never.", HelpName = "n", DefaultValueFactory = _ => 0 };
        Option<double?> timeout = new("-t", "--timeout") { Description = "End after this many seconds; it has failed then if a count was asked for and did not come.", HelpName = "seconds" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("listen", "Joins a mailbox and prints the messages that come, a line each.", "tombolo listen --name logger", "tombolo listen --count 1 --timeout 10 --json") { count, timeout, json };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            TimeSpan? limit = Seconds.Of(timeout, parsed);
            int wanted = parsed.GetValue(count);
            if (wanted < 0) throw new CommandException($"--count is {wanted}; it must be 0 or more", ExitCode.WrongUse);
            await using MailboxSession session = choice.Join(parsed, context);
            context.Screen.Complain($"Listening as {session.OwnId}.");   // not on standard output, which is for messages alone
            int came = await ListenAsync(context, session, wanted, limit, parsed.GetValue(json), stop);
            return wanted == 0 || came == wanted || stop.IsCancellationRequested ? ExitCode.Done
                : throw new CommandException($"{came} of {wanted} messages came in {limit?.TotalSeconds} s");
        });
        return command;
    }

    private static async Task<int> ListenAsync(CommandContext context, MailboxSession session, int wanted, TimeSpan? limit, bool json, CancellationToken stop)
    {
        using CancellationTokenSource time = new(limit ?? Timeout.InfiniteTimeSpan, context.Time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop, time.Token);
        int came = 0;
        try
        {
            while (wanted == 0 || came < wanted)
            {
                Received message = await session.Messages.ReadAsync(either.Token);
                came++;
                if (json) context.Screen.Json(message, CliJson.Default.Received);
                else context.Screen.Line(ClientShell.Describe(message));
            }
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested) { }
        return came;
    }
}
