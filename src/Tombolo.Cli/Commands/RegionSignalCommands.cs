// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Cli.Region;
using Tombolo.Regions;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo region wait|signal|watch</c>: words that somebody changes, and the signals that say so.</summary>
internal static class RegionSignalCommands
{
    private static readonly Dictionary<string, SignalSides> _sides = new() { ["both"] = SignalSides.Both, ["guest"] = SignalSides.Guest, ["host"] = SignalSides.Host };

    public static ExampleCommand Wait(CommandContext context)
    {
        RegionChoice choice = new();
        Argument<string> offset = Offset();
        Option<string?> value = new("--value") { Description = "Wait for the word to differ from this; by default from what it is now.", HelpName = "number" };
        Option<double?> timeout = new("-t", "--timeout") { Description = "Give up after so many seconds: then it has failed.", HelpName = "seconds" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("wait", "Waits until a word of 32 bits changes and that is signalled; prints its value.", "tombolo region wait phone/touch 0x88", "tombolo region wait touch 0x88 --value 0 --timeout 10") { choice.Region, offset, value, timeout, json };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            uint at = RegionChoice.Number(parsed.GetRequiredValue(offset), "The offset");
            TimeSpan? limit = Seconds.Of(timeout, parsed);
            using RegionClient client = choice.Open(parsed, readOnly: false);
            uint expected = parsed.GetValue(value) is { } given ? RegionChoice.Number(given, "--value") : ValueAt(client, at);
            if (!await ChangedAsync(client, at, expected, limit, context.Time, stop)) throw new CommandException($"The word at {RegionCommand.Hex(at)} of region {client.Name} held {expected} for {limit?.TotalSeconds} s");
            Show(context.Screen, client, at, parsed.GetValue(json));
            return ExitCode.Done;
        });
        return command;
    }

    public static ExampleCommand Watch(CommandContext context)
    {
        RegionChoice choice = new();
        Argument<string> offset = Offset();
        Option<int> count = new("-c", "--count") { Description = "End after so many changes; 0 means never.", HelpName = "n", DefaultValueFactory = _ => 0 };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("watch", "Prints a word of 32 bits, and again whenever a change of it is signalled, until Ctrl-C.", "tombolo region watch phone/touch 0x88") { choice.Region, offset, count, json };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            uint at = RegionChoice.Number(parsed.GetRequiredValue(offset), "The offset");
            int wanted = parsed.GetValue(count);
            if (wanted < 0) throw new CommandException($"--count is {wanted}; it must be 0 or more", ExitCode.WrongUse);
            using RegionClient client = choice.Open(parsed, readOnly: false);
            uint seen = Show(context.Screen, client, at, parsed.GetValue(json));
            try
            {
                for (int changes = 0; wanted == 0 || changes < wanted; changes++)
                {
                    _ = await ChangedAsync(client, at, seen, null, context.Time, stop);
                    seen = Show(context.Screen, client, at, parsed.GetValue(json));
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            return ExitCode.Done;
        });
        return command;
    }

    public static ExampleCommand Signal(CommandContext context)
    {
        RegionChoice choice = new();
        Argument<string> offset = Offset();
        Option<string> side = new("--side") { Description = "Whom to wake: both, guest or host.", HelpName = "side", DefaultValueFactory = _ => "both" };
        side.AcceptOnlyFromAmong([.. _sides.Keys]);
        ExampleCommand command = new("signal", "Wakes whoever sleeps on a word.", "tombolo region signal phone/touch 0x88", "tombolo region signal touch 0x88 --side guest") { choice.Region, offset, side };
        foreach (Option option in choice.All) command.Add(option);
        command.SetAction(parsed =>
        {
            uint at = RegionChoice.Number(parsed.GetRequiredValue(offset), "The offset");
            using RegionClient client = choice.Open(parsed, readOnly: false);
            client.Signal(at, _sides[parsed.GetRequiredValue(side)]);
            return ExitCode.Done;
        });
        _ = context;
        return command;
    }

    private static Argument<string> Offset() => new("offset") { Description = "The word, from the region's begin: a multiple of 4, decimal or 0x and hexadecimal." };

    private static async Task<bool> ChangedAsync(RegionClient client, uint offset, uint expected, TimeSpan? limit, TimeProvider time, CancellationToken stop)
    {
        using CancellationTokenSource timer = new(limit ?? Timeout.InfiniteTimeSpan, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop, timer.Token);
        try
        {
            await client.WaitAsync(offset, expected, either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested) { return false; }
    }

    private static uint ValueAt(RegionClient client, uint offset) => client.View(offset, sizeof(uint)).ReadAcquire32(0);

    private static uint Show(Screen screen, RegionClient client, uint offset, bool json)
    {
        uint value = ValueAt(client, offset);
        if (json) screen.Json(new(client.Name, offset, value), CliJson.Default.RegionWord);
        else screen.Line(RegionCommand.Number(value));
        return value;
    }
}
