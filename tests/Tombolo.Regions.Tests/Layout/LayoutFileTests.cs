// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Regions.Tests.Layout;

public sealed class LayoutFileTests
{
    internal const string Tables = """ "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 4 } """;

    internal static string Region(string name, string place, string more = "") =>
        $$"""{ "device_name": "{{name}}", "current_version": 0, "min_compatible_version": 0, {{place}}, {{Tables}}{{more}} }""";

    internal static string File(params string[] regions) =>
        $$"""{ "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 }, "vsoc_device_regions": [ {{string.Join(",\n", regions)}} ] }""";

    internal static LayoutReading Read(string text) => LayoutFile.Parse(Encoding.UTF8.GetBytes(text), "l.json");

    internal static RegionLayout Layout(params string[] regions) => Read(File(regions)) is { Layout: { } layout } ? layout : throw new InvalidOperationException("the test's layout has faults");

    [Fact]
    public void Parse_SizesAlone_PlacesRegionsOnPagesAfterTheDescriptors()
    {
        RegionLayout layout = Layout(Region("a", "\"region_size\": 5000"), Region("b", "\"region_size\": 4096", """, "managed_by": "c" """), Region("c", "\"region_size\": 1" + "00000"));
        layout.Regions.Select(region => (region.BeginOffset, region.EndOffset)).ShouldBe([(0x1000u, 0x3000u), (0x3000u, 0x4000u), (0x4000u, 0x1D000u)]);
        layout.WindowBytes.ShouldBe(0x20000);
        layout.Regions.Select(region => region.ManagedBy).ShouldBe([0u, 2u, 0u]);
        layout.Regions[0].ShouldBe(new(0, 0, 0x1000, 0x3000, 136, new(4, 0, 64), new(4, 68, 132), "a", 0));
    }

    [Fact]
    public void Parse_ManyRegions_TheDescriptorsPushThemToLaterPages()
    {
        RegionLayout layout = Layout([.. Enumerable.Range(0, 100).Select(index => Region($"r{index}", "\"region_size\": 4096"))]);
        layout.Regions[0].BeginOffset.ShouldBe(0x2000u);   // 16 + 100 * 60 bytes take two pages
    }

    [Theory]
    [InlineData("\"region_begin_offset\": 8192, \"region_end_offset\": 16384")]
    [InlineData("\"region_begin_offset\": \"8192\", \"region_end_offset\": \"16384\"")]
    [InlineData("\"region_begin_offset\": \"0x2000\", \"region_end_offset\": \"0x4000\"")]
    [InlineData("\"region_begin_offset\": 8192, \"region_end_offset\": 16384, \"region_size\": 8192")]
    public void Parse_OlderGeneration_TakesNumbersAndNumericStrings(string place)
    {
        RegionLayout layout = Layout(Region("a", place));
        (layout.Regions[0].BeginOffset, layout.Regions[0].EndOffset, layout.WindowBytes).ShouldBe((8192u, 16384u, 16384L));
    }

    [Theory]
    // one fault each; {0} stands for it
    [InlineData("$", "The file holds a list", "[]")]
    [InlineData("$", "'vsoc_shm_layout_descriptor' is missing", """{ "vsoc_device_regions": [ {a} ] }""")]
    [InlineData("$", "'vsoc_device_regions' is missing", """{ "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 } }""")]
    [InlineData("$.vsoc_shm_layout_descriptor.major_version", "'major_version' is 1; the guest's driver takes only 2", """{ "vsoc_shm_layout_descriptor": { "major_version": 1, "minor_version": 0 }, "vsoc_device_regions": [ {a} ] }""")]
    [InlineData("$.vsoc_shm_layout_descriptor", "'minor_version' is missing", """{ "vsoc_shm_layout_descriptor": { "major_version": 2 }, "vsoc_device_regions": [ {a} ] }""")]
    [InlineData("$.vsoc_shm_layout_descriptor.minor_version", "'minor_version' is -1", """{ "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": -1 }, "vsoc_device_regions": [ {a} ] }""")]
    [InlineData("$.vsoc_device_regions", "has 0 regions", "{h: []}")]
    [InlineData("$.vsoc_device_regions", "is an object; it must be a list", "{h: {}}")]
    [InlineData("$.vsoc_device_regions[1]", "A region is 7", "{h: [ {a}, 7 ]}")]
    public void Parse_OneFault_SaysWhatAndWhere(string where, string what, string text)
    {
        text = text.Replace("{h: ", """{ "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 }, "vsoc_device_regions": """, StringComparison.Ordinal)
            .Replace("{a}", Region("a", "\"region_size\": 4096"), StringComparison.Ordinal);
        LayoutFault fault = Read(text).Faults.ShouldHaveSingleItem();
        fault.Path.ShouldBe(where);
        fault.Message.ShouldContain(what);
    }

    [Theory]
    [InlineData("sixteenletters..", "region_size\": 4096", "", ".device_name", "its name has 16 characters; 15 is the most")]
    [InlineData("a/b", "region_size\": 4096", "", ".device_name", "printable ASCII without blanks, '/' and '!'")]
    [InlineData("a!b", "region_size\": 4096", "", ".device_name", "printable ASCII without blanks, '/' and '!'")]
    [InlineData("", "region_size\": 4096", "", ".device_name", "its name is empty")]
    [InlineData("first", "region_size\": 4096", "", ".device_name", "There is a region 'first' already, $.vsoc_device_regions[0]")]
    [InlineData("b", "region_size\": \"big\"", "", ".region_size", "'region_size' is 'big'; it must be a whole number")]
    [InlineData("b", "region_size\": 1.5", "", ".region_size", "'region_size' is 1.5")]
    [InlineData("b", "region_size\": 4294967296", "", ".region_size", "must be below 4 GiB")]
    [InlineData("b", "region_size\": 4294963200", "", "", "beyond 4 GiB")]
    [InlineData("b", "region_size\": 2147483648", "", "", "2147483648 is the most")]
    [InlineData("b", "region_size\": 136", "", "", "too few for its signal tables, which take 136")]
    [InlineData("b", "region_size\": 0", "", "", "too few for its signal tables")]
    [InlineData("b", "other\": 1", "", "", "'region_size' is missing")]
    [InlineData("b", "region_begin_offset\": 8192", "", "", "'region_end_offset' is missing")]
    [InlineData("b", "region_end_offset\": 8192", "", "", "'region_begin_offset' is missing")]
    [InlineData("b", "region_begin_offset\": 8192, \"region_end_offset\": 12288, \"region_size\": 5", "", ".region_size", "leave one of the two away")]
    [InlineData("b", "region_begin_offset\": 8193, \"region_end_offset\": 12288", "", ".region_begin_offset", "multiples of 4096")]
    [InlineData("b", "region_begin_offset\": 8192, \"region_end_offset\": 12289", "", ".region_end_offset", "multiples of 4096")]
    [InlineData("b", "region_begin_offset\": 12288, \"region_end_offset\": 8192", "", "", "it must end after it begins")]
    [InlineData("b", "region_begin_offset\": 0, \"region_end_offset\": 4096", "", "", "overlaps the descriptors, which end at 4096")]
    [InlineData("b", "region_begin_offset\": 4096, \"region_end_offset\": 12288", "", "", "overlaps the region 'first' (4096 to 8192)")]
    [InlineData("b", "region_size\": 4096", """, "managed_by": "nobody" """, ".managed_by", "there is no such region")]
    [InlineData("b", "region_size\": 4096", """, "managed_by": "first" """, ".managed_by", "index 0 means \"not managed\"")]
    [InlineData("b", "region_size\": 4096", """, "managed_by": "b" """, ".managed_by", "cannot manage itself")]
    [InlineData("b", "region_size\": 4096", """, "managed_by": 1 """, ".managed_by", "it must be the name of a region")]
    [InlineData("b", "region_size\": 4096", """, "current_version": 1 """, ".current_version", "'current_version' stands here twice")]
    public void Parse_OneFaultInTheSecondRegion_SaysWhatAndWhere(string name, string place, string more, string where, string what)
    {
        LayoutReading reading = Read(File(Region("first", "\"region_size\": 4096"), Region(name, "\"" + place, more)));
        reading.Layout.ShouldBeNull();
        LayoutFault fault = reading.Faults[0];
        reading.Faults.ShouldAllBe(found => found.Path.StartsWith("$.vsoc_device_regions[1]"));
        fault.Path.ShouldBe("$.vsoc_device_regions[1]" + where);
        fault.Message.ShouldContain(what);
        fault.Line.ShouldBe(2);
    }

    [Theory]
    [InlineData("device_name")]
    [InlineData("current_version")]
    [InlineData("min_compatible_version")]
    [InlineData("guest_to_host_signal_table")]
    [InlineData("host_to_guest_signal_table")]
    [InlineData("num_nodes_lg2")]
    public void Parse_MissingKey_IsNamed(string key)
    {
        string region = Region("a", "\"region_size\": 4096");
        int at = region.IndexOf($"\"{key}\"", StringComparison.Ordinal);
        LayoutFault fault = Read(File(region.Remove(at + 1, 1).Insert(at + 1, "?"))).Faults.ShouldHaveSingleItem();
        fault.Message.ShouldContain($"'{key}' is missing");
        fault.Path.ShouldStartWith("$.vsoc_device_regions[0]");
    }

    [Fact]
    public void Parse_ManyFaults_AllAtOnce_InTheOrderOfTheFile_WithLineAndColumn()
    {
        LayoutReading reading = Read("""
            {
              "vsoc_shm_layout_descriptor": { "major_version": 3 },
              "vsoc_device_regions": [
                { "device_name": "a", "current_version": 0, "min_compatible_version": "x", "region_size": 4096,
                  "guest_to_host_signal_table": { "num_nodes_lg2": 40 }, "host_to_guest_signal_table": 4 },
                { "device_name": "ä", "device_name": "b" }
              ]
            }
            """);
        reading.Faults.Select(fault => (fault.Line, fault.Column, fault.Path)).ShouldBe(
        [
            (2, 33, "$.vsoc_shm_layout_descriptor"),
            (2, 52, "$.vsoc_shm_layout_descriptor.major_version"),
            (4, 75, "$.vsoc_device_regions[0].min_compatible_version"),
            (5, 56, "$.vsoc_device_regions[0].guest_to_host_signal_table.num_nodes_lg2"),
            (5, 92, "$.vsoc_device_regions[0].host_to_guest_signal_table"),
            (6, 5, "$.vsoc_device_regions[1]"), (6, 5, "$.vsoc_device_regions[1]"), (6, 5, "$.vsoc_device_regions[1]"), (6, 5, "$.vsoc_device_regions[1]"), (6, 5, "$.vsoc_device_regions[1]"),
            (6, 22, "$.vsoc_device_regions[1].device_name"),
            (6, 27, "$.vsoc_device_regions[1].device_name"),
        ]);
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("{\n  \"a\": }", 2)]
    [InlineData("{} {}", 1)]
    [InlineData("{ \"a\": \"\\ud800\" }", 1)]
    public void Parse_NoJson_SaysWhere(string text, int line)
    {
        LayoutFault fault = Read(text).Faults.ShouldHaveSingleItem();
        fault.Message.ShouldStartWith("This is not JSON: ");
        fault.Line.ShouldBe(line);
    }

    // What else is wrong with a region, or with another one, hides no fault and makes none.
    [Theory]
    [InlineData("$.vsoc_device_regions[1] The region 'b' (4096 to 8192) overlaps the region 'a' (4096 to 8192)|$.vsoc_device_regions[1].guest_to_host_signal_table.num_nodes_lg2 'num_nodes_lg2' is 40",
        """{ "device_name": "a", R, "region_size": 4096, T }""", """{ "device_name": "b", R, "region_begin_offset": 4096, "region_end_offset": 8192, "guest_to_host_signal_table": { "num_nodes_lg2": 40 }, "host_to_guest_signal_table": { "num_nodes_lg2": 0 } }""")]
    [InlineData("$.vsoc_device_regions[1] The region 'b' (4096 to 8200) overlaps the region 'a' (4096 to 8192)|$.vsoc_device_regions[1].region_end_offset 'region_end_offset' is 8200",
        """{ "device_name": "a", R, "region_size": 4096, T }""", """{ "device_name": "b", R, "region_begin_offset": 4096, "region_end_offset": 8200, T }""")]
    [InlineData("$.vsoc_device_regions[0] A region is 7", "7", """{ "device_name": "fb", R, "region_size": 4096, T }""", """{ "device_name": "a", R, "region_size": 4096, T, "managed_by": "fb" }""")]
    [InlineData("$.vsoc_device_regions[0] The region 'a' would end at 4294967296, beyond 4 GiB", """{ "device_name": "a", R, "region_size": 4294963200, T }""", """{ "device_name": "b", R, "region_size": 4096, T }""")]
    public void Parse_SeveralFaults_EachIsToldAndNoOther(string faults, params string[] regions)
    {
        LayoutReading reading = Read(File([.. regions.Select(static region => region.Replace("R,", "\"current_version\": 0, \"min_compatible_version\": 0,", StringComparison.Ordinal).Replace(" T", Tables, StringComparison.Ordinal))]));
        string[] wanted = faults.Split('|');
        reading.Faults.Count.ShouldBe(wanted.Length, string.Join('\n', reading.Faults));
        foreach ((LayoutFault fault, string begin) in reading.Faults.Zip(wanted)) $"{fault.Path} {fault.Message}".ShouldStartWith(begin);
    }

    [Theory]
    [InlineData("/", "This is a folder; a layout is a file.")]
    [InlineData("", "No file is named.")]
    [InlineData("/nonexistent/x.json", "There is no such file.")]
    [InlineData("/dev/zero", "The file has more than 4194304 bytes")]
    [InlineData("/dev/null", "This is not JSON")]
    public void Load_WhatIsNoLayoutFile_SaysSo(string path, string what) => LayoutFile.Load(path).Faults.ShouldHaveSingleItem().Message.ShouldStartWith(what);

    [Fact]
    public void Parse_AnyMutation_EndsInALayoutOrFaults_NeverInAnException()
    {
        byte[] good = Encoding.UTF8.GetBytes(File(Region("a", "\"region_size\": 4096"), Region("b", "\"region_begin_offset\": \"8192\", \"region_end_offset\": 16384", """, "managed_by": "c" """), Region("c", "\"region_size\": 70000")));
        var random = new Random(20261121);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = [.. good];
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                int at = random.Next(bytes.Length);
                bytes[at] = random.Next(3) == 0 ? (byte)random.Next(256) : good[random.Next(good.Length)];
            }
            LayoutReading reading = LayoutFile.Parse(bytes, "m.json");
            (reading.Layout is null).ShouldBe(reading.Faults.Count > 0);
        }
    }
}
