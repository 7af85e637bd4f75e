// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tombolo.Channels;
using Tombolo.Ivshmem;

namespace Tombolo.Exercise;

/// <summary>The command that passes messages through channels of a window.</summary>
internal sealed class ChannelCommands(TextWriter output)
{
    private const string All = "all";

    private readonly WindowChoice _window = new();
    private readonly Option<string> _side = new("--side") { Description = "hub (consumer, publisher, server, listener) or spoke (producer, subscriber, client, caller); one of each is needed.", HelpName = "side", Required = true };
    private readonly Option<string> _kind = new("--kind") { Description = "ring, fanin, broadcast, request, stream, or all of them one after the other.", HelpName = "kind", DefaultValueFactory = static _ => All };
    private readonly Option<string> _name = new("--name") { Description = "The channels' name; the kind is put behind it. They stay: take another name for another run.", HelpName = "name", DefaultValueFactory = static _ => "exercise" };
    private readonly Option<uint> _count = new("--count", "-n") { Description = "Messages; the same on both sides.", HelpName = "number", DefaultValueFactory = static _ => 10_000 };
    private readonly Option<int> _size = new("--size", "-s") { Description = "The longest message in bytes; lengths are drawn from 16 bytes up.", HelpName = "bytes", DefaultValueFactory = static _ => 1000 };
    private readonly Option<int> _capacity = new("--capacity") { Description = "Bytes of a channel's ring, a power of two; the same on both sides.", HelpName = "bytes", DefaultValueFactory = static _ => 1 << 14 };
    private readonly Option<long> _at = new("--at") { Description = "Where in the window the channels are, a multiple of 4096.", HelpName = "offset" };
    private readonly Option<double> _timeout = new("--timeout") { Description = "Seconds that the other side may take for anything.", HelpName = "seconds", DefaultValueFactory = static _ => 30 };
    private readonly Option<double> _death = new("--death-after") { Description = "Seconds without a heartbeat after which the other side counts as dead.", HelpName = "seconds", DefaultValueFactory = static _ => 4 };
    private readonly Option<bool> _json = new("--json") { Description = "Print the report as JSON." };

    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("channel", "Pass messages through channels in the window and check every byte.\nExample: tombolo-exercise channel --side hub --kind ring") { _side, _kind, _name, _count, _size, _capacity, _at, _timeout, _death, _json };
        foreach (Option option in _window.Options) command.Add(option);
        command.SetAction((parsed, stop) => Task.FromResult(Run(parsed, stop)));
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken stop)
    {
        bool isHub = parsed.GetValue(_side) switch { "hub" => true, "spoke" => false, var other => throw new ArgumentException($"--side is '{other}'; it must be hub or spoke.") };
        ChannelKind[] kinds = KindsOf(parsed.GetValue(_kind)!);
        TrialPlan plan = new()
        {
            Name = parsed.GetValue(_name)!,
            Count = parsed.GetValue(_count),
            MostBytes = parsed.GetValue(_size),
            CapacityBytes = parsed.GetValue(_capacity),
            Timeout = Seconds(parsed.GetValue(_timeout), "--timeout"),
        };
        string[] problems = [.. plan.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems));
        FabricPartyOptions options = new() { DeathAfter = Seconds(parsed.GetValue(_death), "--death-after") };
        using IParticipant self = _window.Open(parsed);
        using var party = new FabricParty(new IvshmemFabric(self), options, ownsFabric: true);
        using ChannelArea area = ChannelArea.Open(self.Window, party, new() { OffsetBytes = parsed.GetValue(_at) });
        var trial = new ChannelTrial(area, isHub, plan, stop);
        IReadOnlyList<ChannelTrialReport> reports;
        try { reports = [.. kinds.Select(trial.Run)]; }
        catch (OperationCanceledException) { throw new ExerciseException("It was stopped."); }
        if (parsed.GetValue(_json)) output.WriteLine(JsonSerializer.Serialize(reports, ExerciseJson.Default.IReadOnlyListChannelTrialReport));
        else foreach (ChannelTrialReport report in reports) output.WriteLine(Sentence(report, _window.NameOf(self, parsed)));
        return 0;
    }

    private static ChannelKind[] KindsOf(string word) =>
        word == All ? Enum.GetValues<ChannelKind>()
        : Enum.TryParse(word, ignoreCase: true, out ChannelKind kind) && Enum.IsDefined(kind) && !char.IsDigit(word[0]) ? [kind]
        : throw new ArgumentException($"--kind is '{word}'; it must be ring, fanin, broadcast, request, stream or all.");

    private static string Sentence(ChannelTrialReport report, string window) => string.Create(CultureInfo.InvariantCulture,
        $"{report.Kind.ToString().ToLowerInvariant()} over {window}: {report.Messages} messages of {report.Bytes} bytes in {report.Seconds:0.000} s, every byte right; {report.Rings} rings, {report.Sleeps} sleeps")
        + (report.CallMicroseconds is { } call ? string.Create(CultureInfo.InvariantCulture, $"; a call took {call.P50:0.0} us, 99 % {call.P99:0.0} us") : "");

    private static TimeSpan Seconds(double value, string option) =>
        value is > 0 and <= 1_000_000 ? TimeSpan.FromSeconds(value) : throw new ArgumentException($"{option} is {value.ToString(CultureInfo.InvariantCulture)}; it must be more than 0 and at most 1000000 seconds.");
}
