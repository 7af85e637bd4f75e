// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Cli.Switch;
using Tombolo.Fabric;
using Tombolo.Switching;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo switch stats</c>: what went through each port, and what was lost for which reason.</summary>
internal static class SwitchStatsCommand
{
    private static readonly (string Name, PortCounter Counter)[] _columns = [("from", PortCounter.FramesFrom), ("bytes from", PortCounter.BytesFrom), ("to", PortCounter.FramesTo), ("bytes to", PortCounter.BytesTo)];

    public static ExampleCommand Create(CommandContext context)
    {
        FabricChoice choice = new();
        Argument<string?> which = SwitchCommand.Which();
        Option<double?> watch = new("--watch") { Description = "Show it again after so many seconds (1 if none are given), with rates, until Ctrl-C.", HelpName = "seconds", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("stats", "Shows what went through each port, and what was lost for which reason.", "tombolo switch stats", "tombolo switch stats --watch 2") { which, choice.Option, watch, json };
        command.SetAction(async (parsed, stop) =>
        {
            FabricPaths paths = choice.PathsOf(parsed);
            TimeSpan? interval = parsed.GetResult(watch) is null ? null : Seconds.Of(watch, parsed) ?? TimeSpan.FromSeconds(1);
            Dictionary<string, (long At, SwitchPortStatus Port)> before = [];
            try
            {
                while (true)
                {
                    IReadOnlyList<SwitchStatus> switches = SwitchCommand.Chosen(parsed.GetValue(which), await PortChoice.SwitchesAsync(paths, stop), paths.Name);
                    if (parsed.GetValue(json)) context.Screen.Json([.. switches], CliJson.Default.SwitchStatuses);
                    else
                    {
                        if (interval is not null && context.Screen.Colour) context.Screen.Write("\x1b[H\x1b[2J");   // ECMA-48: home, erase everything
                        foreach (SwitchStatus one in switches) Print(context, one, interval is null ? null : before);
                    }
                    if (interval is not { } pause) return ExitCode.Done;
                    await Task.Delay(pause, context.Time, stop);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested && interval is not null) { return ExitCode.Done; }
        });
        return command;
    }

    // Rates are those since the last time; the first time there are none.
    private static void Print(CommandContext context, SwitchStatus one, Dictionary<string, (long At, SwitchPortStatus Port)>? before)
    {
        TextTable table = new([$"{one.Name} port", .. _columns.Select(column => column.Name), .. before is null ? Array.Empty<string>() : ["frames/s from", "frames/s to"], "lost"]);
        long now = context.Time.GetTimestamp();
        foreach (SwitchPortStatus port in one.Ports)
        {
            string key = $"{one.Name}/{port.Settings.Name}";
            string[] rates = before is null ? [] : before.TryGetValue(key, out var last) && context.Time.GetElapsedTime(last.At, now) is { Ticks: > 0 } span
                ? [Rate(last.Port, port, PortCounter.FramesFrom, span), Rate(last.Port, port, PortCounter.FramesTo, span)] : ["-", "-"];
            _ = table.Row([port.Settings.Name, .. _columns.Select(column => Number(Count(port, column.Counter))), .. rates, Losses(port)]);
            if (before is not null) before[key] = (now, port);
        }
        context.Screen.Table(table);
    }

    private static string Losses(SwitchPortStatus port)
    {
        string[] reasons = [.. Enum.GetValues<PortCounter>().Where(counter => counter >= PortCounter.Malformed && Count(port, counter) > 0).Select(counter => $"{Number(Count(port, counter))} {Words(counter)}")];
        return reasons.Length == 0 ? "0" : string.Join(", ", reasons);
    }

    private static string Rate(SwitchPortStatus last, SwitchPortStatus port, PortCounter counter, TimeSpan span) =>
        Math.Max(0, (Count(port, counter) - Count(last, counter)) / span.TotalSeconds).ToString("0", CultureInfo.InvariantCulture);

    private static long Count(SwitchPortStatus port, PortCounter counter) => port.Counters.GetValueOrDefault(JsonNamingPolicy.CamelCase.ConvertName(counter.ToString()));

    private static string Words(PortCounter counter) => JsonNamingPolicy.KebabCaseLower.ConvertName(counter.ToString()).Replace('-', ' ');

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
