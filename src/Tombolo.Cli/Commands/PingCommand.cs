// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using Tombolo.Cli.Client;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo ping</c>: round trips to participants, as ping(8) shows them.</summary>
internal static class PingCommand
{
    public static Command Create(CommandContext context)
    {
        MailboxChoice choice = new();
        Argument<string> destination = new("dest") { Description = "An ID, a node name, server, all or other; by default the server.", DefaultValueFactory = _ => "server", Arity = ArgumentArity.ZeroOrOne };
        Option<int> count = new("-c", "--count") { Description = "How many; 0 means until Ctrl-C.", HelpName = "n", DefaultValueFactory = _ => 4 };
        Option<double> interval = new("-i", "--interval") { Description = "Seconds between two.", HelpName = "seconds", DefaultValueFactory = _ => 1 };
        Option<double> timeout = new("-W", "--timeout") { Description = "Seconds to wait for an answer.", HelpName = "seconds", DefaultValueFactory = _ => 5 };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("ping", "Measures the round trip to participants. It has failed if one never answered.", "tombolo ping vm1", "tombolo ping other -c 1", "tombolo ping server -c 1000 -i 0") { destination, count, interval, timeout, json };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            PingPlan plan = new(parsed.GetValue(count), Seconds.Of(interval, parsed), Seconds.Of(timeout, parsed), parsed.GetValue(json));
            if (plan.Count < 0) throw new CommandException($"--count is {plan.Count}; it must be 0 or more", ExitCode.WrongUse);
            if (plan.Timeout <= TimeSpan.Zero) throw new CommandException("--timeout must be more than 0", ExitCode.WrongUse);
            await using MailboxSession session = choice.Join(parsed, context);
            IReadOnlyList<int> targets = Destination.Resolve(parsed.GetRequiredValue(destination), session);
            PingReport[] reports = await Task.WhenAll(targets.Select(target => RunAsync(context, session, target, plan, stop)));
            if (!plan.Json)
            {
                for (int i = 0; i < targets.Count; i++)
                    foreach (string line in reports[i].Lines(LabelOf(session, targets[i]))) context.Screen.Line(line);
            }
            return reports.Length > 0 && reports.All(report => report.Answered > 0) ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private sealed record PingPlan(int Count, TimeSpan Interval, TimeSpan Timeout, bool Json);

    private static async Task<PingReport> RunAsync(CommandContext context, MailboxSession session, int target, PingPlan plan, CancellationToken stop)
    {
        PingReport report = new();
        try
        {
            for (int sequence = 1; plan.Count == 0 || sequence <= plan.Count; sequence++)
            {
                long start = context.Time.GetTimestamp();
                TimeSpan? time = await session.PingAsync(target, plan.Timeout, stop);
                report.Add(time);
                Show(context.Screen, session, target, sequence, time, plan);
                TimeSpan rest = plan.Interval - context.Time.GetElapsedTime(start);
                if (sequence != plan.Count && rest > TimeSpan.Zero) await Task.Delay(rest, context.Time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { }   // Ctrl-C: the figures so far
        return report;
    }

    private static void Show(Screen screen, MailboxSession session, int target, int sequence, TimeSpan? time, PingPlan plan)
    {
        if (plan.Json) screen.Json(new PingOutcome(target, sequence, time?.TotalMilliseconds), CliJson.Default.PingOutcome);
        else if (time is { } taken) screen.Line(string.Create(CultureInfo.InvariantCulture, $"pong from {LabelOf(session, target)}: seq={sequence} time={taken.TotalMilliseconds:0.000} ms"));
        else screen.Line($"no answer from {LabelOf(session, target)}: seq={sequence}");
    }

    private static string LabelOf(MailboxSession session, int id) => Destination.Label(id, session.Participants().FirstOrDefault(one => one.Id == id)?.Name ?? "");
}
