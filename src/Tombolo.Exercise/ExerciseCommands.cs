// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Tombolo.Exercise;

/// <summary>The command line: what its words mean, and the three commands.</summary>
internal sealed class ExerciseCommands(TextWriter output, Func<string?, string?, string, TimeSpan, IExerciseLink> open)
{
    private const int Clean = 0, Dirty = 1;

    private readonly Option<string?> _socket = new("--socket") { Description = "On a host: the mailbox fabric's socket.", HelpName = "path" };
    private readonly Option<string?> _device = new("--device") { Description = "In a guest: the driver's device. A /dev/tombolo_window_* is used without the driver's mailbox. Default: the only /dev/tombolo_bridge_* there is.", HelpName = "path" };
    private readonly Option<string> _name = new("--name") { Description = "On a host: the node name to show.", HelpName = "name", DefaultValueFactory = static _ => $"exercise-{Environment.ProcessId}" };
    private readonly Option<bool> _json = new("--json") { Description = "Print the report as JSON." };
    private readonly Option<double> _timeout = new("--timeout") { Description = "Seconds a receiver has to take a message (on a host), and an echo to come back.", HelpName = "seconds", DefaultValueFactory = static _ => 5 };
    private readonly Option<string> _size = new("--size", "-s") { Description = "Bytes of a message: a number, or a range such as 16-383 to draw from.", HelpName = "bytes", DefaultValueFactory = static _ => "64" };
    private readonly Option<double> _rate = new("--rate", "-r") { Description = "Messages a second over all targets; 0: as fast as they are taken.", HelpName = "number" };
    private readonly Option<long> _count = new("--count", "-n") { Description = "bloop: messages to each target. serve: end after so many.", HelpName = "number" };
    private readonly Option<double?> _duration = new("--duration", "-d") { Description = "Seconds after which to end.", HelpName = "seconds" };
    private readonly Option<bool> _echo = new("--echo", "-e") { Description = "Ask for every message back, and check it." };
    private readonly Option<int> _window = new("--window", "-w") { Description = "With --echo: questions to one target that may be on their way at once.", HelpName = "number", DefaultValueFactory = static _ => 1 };
    private readonly Option<int> _seed = new("--seed") { Description = "Seed of the sizes.", HelpName = "number", DefaultValueFactory = static _ => 1 };
    private readonly Option<double> _patience = new("--patience") { Description = "Seconds to wait for the targets to appear.", HelpName = "seconds", DefaultValueFactory = static _ => 10 };
    private readonly Option<double> _linger = new("--linger") { Description = "Seconds to go on serving others after the own run; with --streams no longer than until so many streams have ended.", HelpName = "seconds" };
    private readonly Option<long> _streams = new("--streams") { Description = "End after so many senders have said that they are done.", HelpName = "number" };
    private readonly Argument<string[]> _targets = new("target") { Description = "An ID, a node name, server, or all (every other client that shows a name).", Arity = ArgumentArity.OneOrMore };

    /// <summary>The whole command line.</summary>
    public RootCommand Create()
    {
        var bloop = new Command("bloop", "Send numbered messages at a rate and check what becomes of them. Answers others meanwhile.\nExample: tombolo-exercise bloop vm1 vm2 --echo --size 16-383 --count 1000")
        { _targets, _size, _rate, _count, _duration, _echo, _window, _seed, _patience, _linger, _streams, _timeout, _socket, _device, _name, _json };
        bloop.SetAction((parsed, stop) => Task.FromResult(Bloop(parsed, stop)));
        var serve = new Command("serve", "Receive and check streams, and send back what asks for it.\nExample: tombolo-exercise serve --socket genz.sock --streams 2") { _streams, _count, _duration, _timeout, _socket, _device, _name, _json };
        foreach (string alias in (ReadOnlySpan<string>)["bridge", "echo", "sink"]) serve.Aliases.Add(alias);
        serve.SetAction((parsed, stop) => Task.FromResult(Serve(parsed, stop)));
        var who = new Command("who", "List who can be a target.\nExample: tombolo-exercise who --socket genz.sock") { _timeout, _socket, _device, _name, _json };
        who.SetAction((parsed, _) => Task.FromResult(Who(parsed)));
        var root = new RootCommand("Traffic with every byte checked, through a mailbox, channels or a bare window, on a host or in a guest. Exit code: 0 all is right, 1 something is not, 2 wrong use.") { bloop, serve, who };
        foreach (Command command in (Command[])[.. new WindowCommands(output).Create(), .. new PictureCommands(output).Create()]) root.Add(command);
        root.Add(new ChannelCommands(output).Create());
        return root;
    }

    private int Bloop(ParseResult parsed, CancellationToken stop)
    {
        using LinkScope scope = new(Open(parsed));
        var serving = new Serving(scope.Link);
        SendPlan plan = PlanOf(parsed, scope.Link.MaxMessage);
        scope.Link.Listen(serving.Take);
        IReadOnlyList<Neighbour> targets = WaitForTargets(scope.Link, parsed.GetValue(_targets)!, Seconds(parsed.GetValue(_patience), "--patience"), stop);
        var sending = new Sending(scope.Link, serving, plan, TimeProvider.System);
        sending.Run(targets, stop);
        Await([serving.Goal(0, parsed.GetValue(_streams)), scope.Link.Broken], Seconds(parsed.GetValue(_linger), "--linger"), stop);
        return Tell(parsed, scope.Link, ExerciseReport.Of(scope.Link, sending.Elapsed, sending.Report(), serving));
    }

    private int Serve(ParseResult parsed, CancellationToken stop)
    {
        using LinkScope scope = new(Open(parsed));
        long start = TimeProvider.System.GetTimestamp();
        var serving = new Serving(scope.Link);
        Task goal = serving.Goal(parsed.GetValue(_count), parsed.GetValue(_streams));
        scope.Link.Listen(serving.Take);
        TimeSpan limit = parsed.GetValue(_duration) is { } seconds ? Seconds(seconds, "--duration") : Timeout.InfiniteTimeSpan;
        Await([goal, scope.Link.Broken], limit, stop);
        return Tell(parsed, scope.Link, ExerciseReport.Of(scope.Link, TimeProvider.System.GetElapsedTime(start), [], serving));
    }

    private static void Await(Task[] ends, TimeSpan limit, CancellationToken stop)
    {
        try { _ = Task.WaitAny(ends, (int)Math.Min(limit.TotalMilliseconds, int.MaxValue), stop); }
        catch (OperationCanceledException) { }   // Ctrl-C ends it in order, with a report
    }

    private int Who(ParseResult parsed)
    {
        using LinkScope scope = new(Open(parsed));
        IReadOnlyList<Neighbour> neighbours = scope.Link.Neighbours();
        if (parsed.GetValue(_json)) output.WriteLine(JsonSerializer.Serialize(neighbours, ExerciseJson.Default.IReadOnlyListNeighbour));
        else ReportTable.Write(output, ["name", "id", "server"], neighbours.Select(static one => (string[])[one.Label, one.Id.ToString(CultureInfo.InvariantCulture), one.IsServer ? "yes" : ""]));
        return Clean;
    }

    private IExerciseLink Open(ParseResult parsed) =>
        open(parsed.GetValue(_socket), parsed.GetValue(_device), parsed.GetValue(_name)!, Seconds(parsed.GetValue(_timeout), "--timeout"));

    private SendPlan PlanOf(ParseResult parsed, int maxMessage)
    {
        (int least, int most) = ReadSizes(parsed.GetValue(_size)!);
        var plan = new SendPlan
        {
            MinBytes = least,
            MaxBytes = most,
            Rate = parsed.GetValue(_rate),
            Count = parsed.GetValue(_count),
            Duration = parsed.GetValue(_duration) is { } seconds ? Seconds(seconds, "--duration") : null,
            WantsEchoes = parsed.GetValue(_echo),
            Window = parsed.GetValue(_window),
            EchoTimeout = Seconds(parsed.GetValue(_timeout), "--timeout"),
            Seed = parsed.GetValue(_seed),
        };
        string[] problems = [.. plan.Problems(maxMessage)];
        return problems.Length == 0 ? plan : throw new ArgumentException(string.Join(' ', problems));
    }

    private static (int Least, int Most) ReadSizes(string text)
    {
        string[] ends = text.Split('-');
        return ends.Length is 1 or 2 && int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int least) && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int most)
            ? (least, most) : throw new ArgumentException($"--size is '{text}'; give a number of bytes, or two with a dash between.");
    }

    private static TimeSpan Seconds(double value, string name) =>
        value is >= 0 and <= 1_000_000 ? TimeSpan.FromSeconds(value) : throw new ArgumentException($"{name} is {value}; it must be 0 to 1000000 seconds.");

    private static IReadOnlyList<Neighbour> WaitForTargets(IExerciseLink link, string[] words, TimeSpan patience, CancellationToken stop)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (Targets.Resolve(words, link.Neighbours(), out string missing) is { } targets) return targets;
            if (TimeProvider.System.GetElapsedTime(start) >= patience || stop.WaitHandle.WaitOne(50))
                throw new ExerciseException($"There is no target '{missing}' on {link.Name} after {patience.TotalSeconds} s; 'tombolo-exercise who' lists who is there.");
        }
    }

    private int Tell(ParseResult parsed, IExerciseLink link, ExerciseReport report)
    {
        string? broken = link.Broken.IsCompleted ? link.Broken.Result : null;
        if (parsed.GetValue(_json)) output.WriteLine(JsonSerializer.Serialize(report, ExerciseJson.Default.ExerciseReport));
        else ReportTable.Write(output, report);
        return broken is not null ? throw new ExerciseException(broken) : report.IsClean ? Clean : Dirty;
    }

    private readonly struct LinkScope(IExerciseLink link) : IDisposable
    {
        public IExerciseLink Link { get; } = link;

        public void Dispose() => Link.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
