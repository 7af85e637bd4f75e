// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Regions;

namespace Tombolo.Fuzz.Targets;

/// <summary>A layout file of any bytes: a layout whose regions lie apart within the window, or faults at places that exist.</summary>
internal sealed class RegionLayoutTarget : IFuzzTarget
{
    private const string Tables = """ "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 0 } """;

    private static readonly string[] _words =
    [
        "\"vsoc_shm_layout_descriptor\": ", "\"vsoc_device_regions\": ", "\"device_name\": ", "\"region_size\": ", "\"region_begin_offset\": ", "\"region_end_offset\": ", "\"managed_by\": ", "\"num_nodes_lg2\": ",
        "\"current_version\": ", "4096", "\"0x1000\"", "\"8192\"", "4294967295", "4294967296", "-1", "1e9", "2.5", "null", "true", "\"a\"", "\"..\"", "\"a name of many letters\"", "\"\\ud800\"", "{", "}", "[", "]", ", ", "\n", "//", "\uFEFF",
    ];

    public string Name => "region-layout";

    public IReadOnlyList<byte[]> Words { get; } = [.. _words.Select(Encoding.UTF8.GetBytes), [0xFF], [0]];

    public IEnumerable<byte[]> Seeds() => new[]
    {
        "",
        File(Region("screen", "\"region_size\": 65536", """, "managed_by": "fb" """), Region("input", "\"region_size\": 4096"), Region("fb", "\"region_size\": 5000")),
        File(Region("screen", "\"region_begin_offset\": \"0x1000\", \"region_end_offset\": \"12288\"")),
        File(Region("a", "\"region_begin_offset\": 4096, \"region_end_offset\": 12288"), Region("b", "\"region_begin_offset\": 8192, \"region_end_offset\": 16384")),
        File(Region("a", "\"region_size\": 4294963200")),
        "{ \"vsoc_device_regions\": [ 7, [], {} ] }",
    }.Select(Encoding.UTF8.GetBytes);

    public string Run(ReadOnlySpan<byte> input)
    {
        LayoutReading reading = LayoutFile.Parse(input, "l.json");
        FuzzFinding.Require(reading.Layout is null == reading.Faults.Count > 0, $"{reading.Faults.Count} faults, and {(reading.Layout is null ? "no" : "a")} layout.");
        int lines = 1 + input.Count((byte)'\n');
        foreach (LayoutFault fault in reading.Faults)
        {
            FuzzFinding.Require(fault.Line >= 1 && fault.Line <= lines + 1 && fault.Column >= 1, $"A fault is at line {fault.Line}, column {fault.Column} of {lines} lines.");
            FuzzFinding.Require(fault.Message.Length is > 0 and < 4096 && !fault.Message.Any(char.IsControl), $"A fault's sentence has {fault.Message.Length} characters, or some that no terminal should get: {fault.Message}");
        }
        if (reading.Layout is not { } layout) return $"{Math.Min(reading.Faults.Count, 3)} faults, {Shape(reading.Faults[0].Message)}";
        FuzzFinding.Require(long.IsPow2(layout.WindowBytes), $"The window has {layout.WindowBytes} bytes.");
        Judge(layout);
        return $"{Math.Min(layout.Regions.Count, 3)} regions{(layout.Regions.Any(region => region.ManagedBy != 0) ? ", managed" : "")}";
    }

    public void Dispose() { }

    /// <summary>What holds for every layout that was taken, wherever it came from.</summary>
    internal static void Judge(RegionLayout layout)
    {
        FuzzFinding.Require(layout.WindowBytes <= RegionLayout.MaxWindowBytes, $"The window has {layout.WindowBytes} bytes.");
        long after = 16 + (60L * layout.Regions.Count);
        foreach (RegionDescriptor region in layout.Regions.OrderBy(region => region.BeginOffset))
        {
            FuzzFinding.Require(region.BeginOffset >= after && region.EndOffset <= layout.WindowBytes && region.Problem is null, $"Region {region.Name} lies at {region.BeginOffset} to {region.EndOffset}, after {after}: {region.Problem}.");
            FuzzFinding.Require(region.ManagedBy < layout.Regions.Count, $"Region {region.Name} is managed by region {region.ManagedBy}.");
            after = region.EndOffset;
        }
        FuzzFinding.Require(layout.Regions.Select(region => region.Name).Distinct(StringComparer.Ordinal).Count() == layout.Regions.Count, "Two regions have one name.");
    }

    private static string File(params string[] regions) => $$"""{ "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 }, "vsoc_device_regions": [ {{string.Join(", ", regions)}} ] }""";

    private static string Region(string name, string place, string more = "") => $$"""{ "device_name": "{{name}}", "current_version": 0, "min_compatible_version": 0, {{place}}, {{Tables}}{{more}} }""";

    // The first words: what follows names things of the input.
    private static string Shape(string sentence) => string.Concat(sentence.TakeWhile(letter => letter != '\'').Where(letter => char.IsAsciiLetter(letter) || letter == ' ').Take(12));
}
