// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Channels;
using Tombolo.Cli.Channels;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo channel …</c>: look at channels, and take part in them.</summary>
internal static class ChannelCommand
{
    public static Command Create(CommandContext context) =>
        new ExampleCommand("channel", "Looks at channels in shared memory, and takes part in them.", "tombolo channel ls /dev/shm/ticks", "tombolo channel sub --create /dev/shm/ticks", "date | tombolo channel pub /dev/shm/ticks")
        {
            List(context), Watch(context), Tap(context), Publish(context), Subscribe(context), Bench(context), BenchPeer(),
        };

    private static ExampleCommand List(CommandContext context)
    {
        ChannelPlace place = new();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("ls", "Lists the channels of a file or a window: kind, who holds the ends, what was sent and taken.", "tombolo channel ls /dev/shm/ticks", "tombolo channel ls --socket /tmp/bell --at 64K") { place.Path, json };
        place.AddTo(command);
        command.SetAction(parsed =>
        {
            using ChannelGround ground = place.Open(parsed);
            ChannelArea area = ground.Area;
            List<ChannelRow> rows = [.. area.List().Select(ChannelRow.Of)];
            if (parsed.GetValue(json)) context.Screen.Json(rows, CliJson.Default.ChannelRows);
            else context.Screen.Table(ChannelView.TableOf(rows));
            return ExitCode.Done;
        });
        return command;
    }

    private static ExampleCommand Watch(CommandContext context)
    {
        ChannelPlace place = new();
        Option<double> interval = new("--interval") { Description = "Seconds between two looks.", HelpName = "seconds", DefaultValueFactory = _ => 1 };
        Option<int> count = new("-c", "--count") { Description = "End after so many looks; 0 means never.", HelpName = "n" };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("watch", "Shows the channels of a file again and again, with messages and bytes a second, until Ctrl-C.", "tombolo channel watch /dev/shm/ticks --interval 5") { place.Path, interval, count, json };
        place.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            (double seconds, int wanted) = (parsed.GetValue(interval), CountOf(count, parsed));
            if (seconds is not (> 0 and <= 86400)) throw new CommandException($"--interval is {seconds}; it must be more than 0 and at most 86400 seconds", ExitCode.WrongUse);
            using ChannelGround ground = place.Open(parsed);
            ChannelArea area = ground.Area;
            ChannelView view = new(context.Screen, context.Time, parsed.GetValue(json));
            try
            {
                for (int looks = 1; ; looks++)
                {
                    view.Show(area);
                    if (looks == wanted) return ExitCode.Done;
                    await Task.Delay(TimeSpan.FromSeconds(seconds), context.Time, stop);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { return ExitCode.Done; }
        });
        return command;
    }

    private static ExampleCommand Tap(CommandContext context)
    {
        ChannelPlace place = new();
        Option<int> ring = new("--ring") { Description = "Which ring of a channel with several.", HelpName = "n" };
        Option<int> count = Count();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("tap", "Shows messages that pass, without taking them. What its reader takes at once is not seen; how much that was is told at the end.", "tombolo channel tap /dev/shm/ticks --count 10") { place.Path, place.Name, ring, count, json };
        place.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            int wanted = CountOf(count, parsed);
            using ChannelGround ground = place.Open(parsed);
            ChannelArea area = ground.Area;
            string name = place.Choose(parsed, area).Name;
            MessagePrinter printer = new(context.Screen, parsed.GetValue(json));
            RingTap tap = area.Tap(name, parsed.GetValue(ring));
            byte[] buffer = new byte[MessagePrinter.MostBytes];
            try
            {
                while (wanted == 0 || tap.Seen < (ulong)wanted)
                {
                    if (tap.TryLook(buffer, out int length)) printer.Show(buffer.AsSpan(0, Math.Min(length, buffer.Length)), length);
                    else await Task.Delay(TimeSpan.FromMilliseconds(1), context.Time, stop);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            context.Screen.Complain($"Seen {tap.Seen} of {Math.Max(tap.Seen, tap.Sent)} messages.");
            return ExitCode.Done;
        });
        return command;
    }

    private static ExampleCommand Publish(CommandContext context)
    {
        ChannelPlace place = new();
        Argument<string[]> words = new("text") { Description = "The message; several words are joined by blanks. Without it every line of standard input is a message.", Arity = ArgumentArity.ZeroOrMore };
        ExampleCommand command = new("pub", "Sends messages. Waits for room where there is none.", "tombolo channel pub /dev/shm/ticks hello", "seq 1000000 | tombolo channel pub --create /dev/shm/ticks") { place.Path, words, place.Name };
        place.AddTo(command, mayCreate: true);
        command.SetAction(async (parsed, stop) =>
        {
            using ChannelGround ground = place.Open(parsed, mayCreate: true);
            ChannelInfo channel = place.Choose(parsed, ground.Area);
            using MessageWriter to = await ground.TakeAsync(area => ChannelEnds.OpenWriter(area, channel), context.Time, stop);
            string[] text = parsed.GetValue(words) ?? [];
            if (place.IsElsewhere(parsed) && parsed.GetValue(place.Path) is { } first) text = [first, .. text];   // there is no file, so this was the message's first word
            if (text.Length > 0) await ChannelEnds.SendAsync(to, string.Join(' ', text), stop);
            else await foreach (string line in context.Screen.LinesAsync(stop)) await ChannelEnds.SendAsync(to, line, stop);
            return ExitCode.Done;
        });
        return command;
    }

    private static ExampleCommand Subscribe(CommandContext context)
    {
        ChannelPlace place = new();
        Option<int> count = Count();
        Option<double?> timeout = new("-t", "--timeout") { Description = "End after this many seconds without a message; it has failed then if a count was asked for and did not come.", HelpName = "seconds" };
        Option<bool> keep = new("--keep") { Description = "Go on when the sender closes its end or dies, and wait for the next." };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("sub", "Takes messages and prints them, a line each, until the sender closes its end.", "tombolo channel sub --create --keep /dev/shm/ticks", "tombolo channel sub /dev/shm/ticks --count 1 --timeout 10") { place.Path, place.Name, count, timeout, keep, json };
        place.AddTo(command, mayCreate: true);
        command.SetAction(async (parsed, stop) =>
        {
            int wanted = CountOf(count, parsed);
            TimeSpan patience = Seconds.Of(timeout, parsed) ?? Timeout.InfiniteTimeSpan;
            using ChannelGround ground = place.Open(parsed, mayCreate: true);
            ChannelInfo channel = place.Choose(parsed, ground.Area);
            EndOptions options = new() { AwaitsSuccessor = parsed.GetValue(keep) };
            using MessageReader from = await ground.TakeAsync(area => ChannelEnds.OpenReader(area, channel, options), context.Time, stop);
            int came = await ChannelEnds.ReceiveAsync(from, new(context.Screen, parsed.GetValue(json)), wanted, patience, stop);
            return wanted == 0 || came >= wanted || stop.IsCancellationRequested ? ExitCode.Done : throw new CommandException($"{came} of {wanted} messages came");
        });
        return command;
    }

    private static ExampleCommand Bench(CommandContext context)
    {
        Option<int> bytes = new("--bytes") { Description = "Bytes of a message: 8 to 1048576.", HelpName = "n", DefaultValueFactory = _ => 64 };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("bench", "Measures a channel between two processes on this machine: latency, throughput, waking. A few seconds.", "tombolo channel bench", "tombolo channel bench --bytes 4096 --json") { bytes, json };
        command.SetAction((parsed, stop) =>
        {
            int size = parsed.GetValue(bytes);
            if (size is < 8 or > 1 << 20) throw new CommandException($"--bytes is {size}; it must be 8 to 1048576", ExitCode.WrongUse);
            ChannelFigures figures = ChannelMeter.Measure(size, stop);
            if (parsed.GetValue(json)) context.Screen.Json(figures, CliJson.Default.ChannelFigures);
            else context.Screen.Table(ChannelView.TableOf(figures));
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    private static Command BenchPeer()
    {
        Argument<string> folder = new("folder") { Description = "Where the channels are." };
        Argument<int> bytes = new("bytes") { Description = "Bytes of a message." };
        Command command = new("bench-peer", "The other process of 'bench'; started by it.") { folder, bytes };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            ChannelMeter.Answer(parsed.GetRequiredValue(folder), parsed.GetValue(bytes));
            return ExitCode.Done;
        });
        return command;
    }

    private static int CountOf(Option<int> option, ParseResult parsed) =>
        parsed.GetValue(option) is >= 0 and var count ? count : throw new CommandException($"--count is {parsed.GetValue(option)}; it must be 0 or more", ExitCode.WrongUse);

    private static Option<int> Count() => new("-c", "--count") { Description = "End after this many messages; 0 means never.", HelpName = "n" };
}
