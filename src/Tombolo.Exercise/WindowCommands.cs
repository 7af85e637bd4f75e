// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tombolo.Ivshmem;

namespace Tombolo.Exercise;

/// <summary>The commands that use a bare window: its memory and its doorbells, without a mailbox.</summary>
internal sealed class WindowCommands(TextWriter output)
{
    private readonly WindowChoice _window = new();
    private readonly Option<bool> _json = new("--json") { Description = "Print the report as JSON." };
    private readonly Option<string> _side = new("--side") { Description = "first begins, second answers; one of each is needed.", HelpName = "side", Required = true };
    private readonly Option<long?> _at = new("--at") { Description = "Where in the window, in bytes. It is overwritten, and must be zero before. Default: its middle.", HelpName = "offset" };
    private readonly Option<int> _size = new("--size", "-s") { Description = "Bytes of the block.", HelpName = "bytes", DefaultValueFactory = static _ => 4096 };
    private readonly Option<uint> _count = new("--count", "-n") { Description = "Rounds.", HelpName = "number", DefaultValueFactory = static _ => 1000 };
    private readonly Option<double> _timeout = new("--timeout") { Description = "Seconds that the other side may take for anything.", HelpName = "seconds", DefaultValueFactory = static _ => 30 };

    /// <summary>The commands.</summary>
    public IEnumerable<Command> Create()
    {
        var probe = new Command("probe", "Measure the window beside ordinary memory, and say how it is mapped. It changes nothing in it.\nExample: tombolo-exercise probe") { _json };
        probe.SetAction(parsed => Probe(parsed));
        var swap = new Command("swap", "Hand a block to and fro through the window and check every byte.\nExample: tombolo-exercise swap --side first --size 65536") { _side, _at, _size, _count, _timeout, _json };
        swap.SetAction((parsed, stop) => Task.FromResult(Swap(parsed, stop)));
        foreach (Option option in _window.Options)
        {
            probe.Add(option);
            swap.Add(option);
        }
        return [probe, swap];
    }

    private int Probe(ParseResult parsed)
    {
        using IParticipant self = _window.Open(parsed);
        WindowProbe probe = self is GuestParticipant guest ? WindowProbe.Of(guest, new()) : WindowProbe.Of(_window.NameOf(self, parsed), self.Window, new());
        if (parsed.GetValue(_json)) output.WriteLine(JsonSerializer.Serialize(probe, ExerciseJson.Default.WindowProbe));
        else foreach (string line in probe.Lines()) output.WriteLine(line);
        return 0;
    }

    private int Swap(ParseResult parsed, CancellationToken stop)
    {
        bool isFirst = parsed.GetValue(_side) switch { "first" => true, "second" => false, string other => throw new ArgumentException($"--side is '{other}'; it must be first or second."), null => throw new ArgumentException("--side is missing.") };
        (int size, double timeout) = (parsed.GetValue(_size), parsed.GetValue(_timeout));
        if (size is < 1 or > 1 << 28) throw new ArgumentException($"--size is {size}; it must be 1 to {1 << 28} bytes.");
        if (timeout is not (> 0 and <= 1_000_000)) throw new ArgumentException($"--timeout is {timeout.ToString(CultureInfo.InvariantCulture)}; it must be more than 0 and at most 1000000 seconds.");
        using IParticipant self = _window.Open(parsed);
        using var swapping = new Swapping(self, isFirst, parsed.GetValue(_at) ?? self.Window.LengthBytes / 2, size, TimeSpan.FromSeconds(timeout));
        Histogram times = swapping.Run(parsed.GetValue(_count), stop);
        var report = new SwapReport(_window.NameOf(self, parsed), self.Id.Value, parsed.GetValue(_count), size, Percentiles.Of(times));
        if (parsed.GetValue(_json)) output.WriteLine(JsonSerializer.Serialize(report, ExerciseJson.Default.SwapReport));
        else output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Rounds} rounds of {report.Bytes} bytes over {report.Window} (ID {report.Id}), every byte right; p50 {report.RoundMicroseconds?.P50 ?? 0:0.0} us, p99 {report.RoundMicroseconds?.P99 ?? 0:0.0} us"));
        return 0;
    }
}
