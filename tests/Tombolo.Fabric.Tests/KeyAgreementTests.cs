// SPDX-License-Identifier: MIT
using System.Text.Json;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Fabric.Reading;

namespace Tombolo.Fabric.Tests;

/// <summary>Parser, JSON Schema and reference page know the same keys.</summary>
public sealed partial class KeyAgreementTests
{
    private static readonly Dictionary<string, string[]> _parser = new()
    {
        ["top"] = Names(Keys.Fabric),
        ["mailbox"] = Names(Keys.Mailbox),
        ["store"] = Names(Keys.Store),
        ["grants"] = Names(Keys.Grants),
        ["window"] = Names(Keys.GrantWindow),
        ["regions"] = Names(Keys.Regions),
        ["switch"] = Names(Keys.Switch),
        ["port"] = Names(Keys.Port),
        ["uplink"] = Names(Keys.Uplink),
        ["topology"] = Names(Keys.Topology),
        ["link"] = Names(Keys.Link),
        ["machine"] = Names(Keys.Machine),
        ["disk"] = Names(Keys.Disk),
        ["who"] = Names(Keys.Who),
        ["policy"] = Names(Keys.Policy),
    };

    private static string[] Names<T>(Section<T> section) => [.. section.Keys.Select(key => key.Name)];

    private static string Text(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "files", file));

    [Fact]
    public void Schema_EachSection_HasTheParsersKeysAndNoOthers()
    {
        using JsonDocument schema = JsonDocument.Parse(Text("fabric.schema.json"));
        Dictionary<string, string[]> known = new() { ["top"] = Properties(schema.RootElement) };
        foreach (JsonProperty definition in schema.RootElement.GetProperty("$defs").EnumerateObject())
            if (definition.Value.TryGetProperty("properties", out _)) known[definition.Name] = Properties(definition.Value);
        known.Keys.Order().ShouldBe(_parser.Keys.Order());
        foreach ((string section, string[] keys) in _parser) known[section].ShouldBe(keys, section);
    }

    [Fact]
    public void Schema_EachReference_LeadsSomewhere()
    {
        string text = Text("fabric.schema.json");
        using JsonDocument schema = JsonDocument.Parse(text);
        foreach (Match reference in Reference().Matches(text))
            schema.RootElement.GetProperty("$defs").TryGetProperty(reference.Groups[1].Value, out _).ShouldBeTrue(reference.Value);
    }

    [Fact]
    public void Schema_EverySection_RefusesUnknownKeysAndDescribesEachOfItsOwn()
    {
        using JsonDocument schema = JsonDocument.Parse(Text("fabric.schema.json"));
        foreach (JsonElement section in schema.RootElement.GetProperty("$defs").EnumerateObject().Select(one => one.Value).Where(one => one.TryGetProperty("properties", out _)).Append(schema.RootElement))
        {
            section.GetProperty("additionalProperties").GetBoolean().ShouldBeFalse();
            foreach (JsonProperty key in section.GetProperty("properties").EnumerateObject()) key.Value.TryGetProperty("description", out _).ShouldBeTrue(key.Name);
        }
    }

    [Fact]
    public void ReferencePage_EachSectionsTable_HasTheParsersKeysAndNoOthers()
    {
        string[] parts = Heading().Split(Text("fabric-yaml.md"));
        (string Heading, string Section)[] tables = [("The top", "top"), ("mailboxes", "mailbox"), ("store", "store"), ("grants", "grants"), ("windows", "window"), ("regions", "regions"), ("switches", "switch"), ("members", "port"), ("uplinks", "uplink"), ("links", "link"), ("topologies", "topology"), ("machines", "machine"), ("policy", "policy")];
        foreach ((string heading, string section) in tables)
            Row().Matches(parts.First(part => part.StartsWith(heading + "\n", StringComparison.Ordinal))).Select(row => row.Groups[1].Value).ShouldBe(_parser[section], section);
        foreach (string key in _parser["disk"].Concat(_parser["who"])) Text("fabric-yaml.md").ShouldContain($"{key}");
    }

    [Fact]
    public void Example_Demo_HasNoFaults() => Yaml.Good(Text("fabric.yaml")).Machines.Count.ShouldBe(3);

    [Fact]
    public void Example_Grants_HasNoFaults() => Yaml.Good(Text("grants.yaml")).Grants.ShouldNotBeNull().Windows.ShouldHaveSingleItem().Places.ShouldBe(3);

    private static string[] Properties(JsonElement section) => [.. section.GetProperty("properties").EnumerateObject().Select(property => property.Name)];

    [GeneratedRegex(@"#/\$defs/([a-z]+)")] private static partial Regex Reference();
    [GeneratedRegex("\n###? ")] private static partial Regex Heading();
    [GeneratedRegex("^\\| `([a-z-]+)` \\|", RegexOptions.Multiline)] private static partial Regex Row();
}
