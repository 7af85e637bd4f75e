// SPDX-License-Identifier: MIT
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Tombolo.Fabric.Yaml;
using Tombolo.Switching;

namespace Tombolo.Fabric.Reading;

/// <summary>A switch as it was read: its declaration, and its ports with their places.</summary>
internal sealed record DeclaredSwitch(SwitchDeclaration Value, Place Place, IReadOnlyList<Declared<SwitchPortDeclaration>> Ports);

/// <summary>Reads switches, once it is known which machines there are.</summary>
internal sealed partial class SwitchReader(ReadingContext context, string fabric, IReadOnlyList<Declared<MachineDeclaration>> machines)
{
    private static readonly (string Key, string Why)[] _cardKeys =
    [
        ("machine", "it is no machine's card"),
        ("socket", "a stream's socket is said by 'stream' under its 'uplink'"),
        ("connect", "say it under its 'uplink', beside a 'stream'"),
        ("mode", "say it under its 'uplink', beside a 'stream'"),
        ("queues", "only a network card has several"),
    ];

    private const string NameRule = "a letter followed by at most 30 letters, digits, '-' and '_'";

    public DeclaredSwitch Read((YamlScalar Name, YamlNode Value) entry)
    {
        string name = entry.Name.Text;
        (SwitchDraft draft, _) = Keys.Switch.Read(entry.Value, new(new() { Name = name }, null, null), $"switch {name}", context);
        List<Declared<SwitchPortDeclaration>> ports = [.. Ports(name, draft.Members)];
        if (ports.Count > SwitchOptions.MaxPorts) context.Faults.Add(ports[SwitchOptions.MaxPorts].Place, $"Switch {name} has {ports.Count} members; it may have {SwitchOptions.MaxPorts}.");
        string[] names = [.. ports.Select(port => port.Value.Name)];
        bool isOneForAll = draft.Topologies is null or YamlScalar { IsNull: true } or YamlMap { Entries.Count: 0 };
        IReadOnlyList<SwitchTopologyDeclaration> topologies = isOneForAll ? [new() { Name = name, Members = names }] : [.. Topologies(name, draft.Topologies!, names)];
        return new(draft.Value with { Ports = [.. ports.Select(port => port.Value)], Topologies = topologies, IsOneForAll = isOneForAll }, entry.Name.Place, ports);
    }

    /// <summary>The address of a card that is given none: the same for the same names, locally administered.</summary>
    public static string DefaultMac(string fabric, string name, string port)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{fabric}/{name}/{port}"));
        hash[0] = 2;
        return MacAddress.Read(hash).ToString();
    }

    /// <summary>Whether a port or a topology may be called so.</summary>
    public static bool IsName(string name) => NamePattern().IsMatch(name);

    private IEnumerable<Declared<SwitchPortDeclaration>> Ports(string name, YamlNode? node)
    {
        IEnumerable<(YamlScalar Key, YamlNode Value)> entries = [];
        if (node is YamlMap map) entries = map.Entries;
        else if (node is YamlList list && list.Items.All(static item => item is YamlScalar)) entries = list.Items.Cast<YamlScalar>().Select(static item => (item, (YamlNode)new YamlScalar(item.Place, "", true)));
        else if (node is not (null or YamlScalar { IsNull: true })) context.Faults.Add(node.Place, $"'members' of switch {name} is {node.Kind}; it must be ports with what they are, such as {{ vm0: 02:00:00:00:AA:01 }}, or a list of names.");
        HashSet<string> seen = [];
        foreach ((YamlScalar key, YamlNode value) in entries)
        {
            if (!NamePattern().IsMatch(key.Text)) context.Faults.Add(key.Place, $"'{key.Text}' under 'members' of switch {name} is no name; it must be {NameRule}.");
            else if (!seen.Add(key.Text)) context.Faults.Add(key.Place, $"Switch {name} has the member '{key.Text}' twice.");
            else yield return Port(name, key, value);
        }
    }

    private Declared<SwitchPortDeclaration> Port(string name, YamlScalar key, YamlNode value)
    {
        SwitchPortDeclaration start = new() { Name = key.Text, Socket = $"{name}-{key.Text}.sock", Machine = machines.Any(one => one.Value.Name == key.Text) ? key.Text : null };
        string subject = $"member {key.Text} of switch {name}";
        (SwitchPortDeclaration port, IReadOnlyDictionary<string, YamlNode> found) = value is YamlScalar { IsNull: false } or YamlList
            ? (start with { Macs = SwitchReading.Macs(value, new("mac", subject, context)) ?? [] }, new Dictionary<string, YamlNode> { ["mac"] = value })
            : Keys.Port.Read(value, start, subject, context);
        if (found.ContainsKey("uplink")) return Uplink(port, key.Place, found, subject);
        if (port.Macs.Count == 0 && (!port.Learns || port.Machine is not null)) port = port with { Macs = [DefaultMac(fabric, name, port.Name)] };
        return new(port, key.Place, found);
    }

    // What its keys say alone is judged here, where their places are known; what it shares with others, in SwitchChecks.
    private Declared<SwitchPortDeclaration> Uplink(SwitchPortDeclaration port, Place place, IReadOnlyDictionary<string, YamlNode> outer, string subject)
    {
        foreach ((string key, string why) in _cardKeys)
            if (outer.TryGetValue(key, out YamlNode? value)) context.Faults.Add(value.Place, $"{Sentences.Upper(subject)} is an uplink and has '{key}'; {why}.");
        bool learns = port.Learns || !(outer.ContainsKey("mac") || outer.ContainsKey("learn") || outer.ContainsKey("any-source"));
        SwitchPortDeclaration start = UplinkRules.Start(port.Name, new(), learns) with { Macs = port.Macs, AnySource = port.AnySource, Mtu = port.Mtu, BacklogBytes = port.BacklogBytes, ToGuest = port.ToGuest, FromGuest = port.FromGuest };
        YamlNode node = outer["uplink"];
        int faults = context.Faults.Count;
        (SwitchPortDeclaration uplink, IReadOnlyDictionary<string, YamlNode> found) = Keys.Uplink.Read(node, start, $"the uplink of {subject}", context);
        foreach ((string key, string sentence) in context.Faults.Count > faults ? [] : UplinkRules.Problems(uplink, subject)) context.Faults.Add(found.TryGetValue(key, out YamlNode? at) ? at.Place : node.Place, sentence);
        Dictionary<string, YamlNode> places = new(outer);
        foreach ((string key, YamlNode value) in found) places[key == "stream" ? "socket" : key] = value;
        return new(uplink, place, places);
    }

    private IEnumerable<SwitchTopologyDeclaration> Topologies(string name, YamlNode node, string[] ports)
    {
        if (node is not YamlMap map)
        {
            context.Faults.Add(node.Place, $"'topologies' of switch {name} is {node.Kind}; it must be names with members, such as {{ front: [vm0, vm1], back: [vm1, vm2] }}.");
            yield break;
        }
        foreach ((YamlScalar key, YamlNode value) in map.Entries)
        {
            if (!NamePattern().IsMatch(key.Text))
            {
                context.Faults.Add(key.Place, $"'{key.Text}' under 'topologies' of switch {name} is no name; it must be {NameRule}.");
                continue;
            }
            string subject = $"topology {key.Text} of switch {name}";
            TopologyDraft draft = value is YamlMap ? Keys.Topology.Read(value, new(null, null, null), subject, context).Draft : new(value, null, null);
            string[] members = [.. Known(draft.Members, "'members'", subject, ports)];
            yield return new()
            {
                Name = key.Text,
                Members = members,
                Partitions = [.. Groups(draft.Partitions, "partitions", subject, members)],
                Cut = [.. Groups(draft.Cut, "cut", subject, members).Where(static pair => pair.Count == 2).Select(static pair => new SwitchPair(pair[0], pair[1]))],
            };
        }
    }

    // A list of lists of members; no member in two partitions, and two in what is cut.
    private IEnumerable<IReadOnlyList<string>> Groups(YamlNode? node, string key, string subject, string[] members)
    {
        if (node is null or YamlScalar { IsNull: true }) yield break;
        if (node is not YamlList list || list.Items.Any(static item => item is not YamlList))
        {
            context.Faults.Add(node.Place, $"'{key}' of {subject} is {(node is YamlList ? "a list of something else than lists" : node.Kind)}; it must be a list of lists of members, such as [[vm0, vm1], [vm2]].");
            yield break;
        }
        HashSet<string> seen = [];
        foreach (YamlNode item in list.Items)
        {
            int count = ((YamlList)item).Items.Count;
            if (key == "cut" && count != 2) context.Faults.Add(item.Place, $"'cut' of {subject} has {count} names where a pair is wanted, such as [[vm0, vm2]].");
            string[] group = [.. Known(item, $"'{key}'", subject, members)];
            foreach (string twice in key == "partitions" ? group.Where(one => !seen.Add(one)) : []) context.Faults.Add(item.Place, $"'{key}' of {subject} has '{twice}' in two partitions.");
            yield return group;
        }
    }

    // Names that are among the known ones; the others are faults.
    private IEnumerable<string> Known(YamlNode? node, string key, string subject, string[] known)
    {
        IReadOnlyList<YamlNode> items = node is null or YamlScalar { IsNull: true } ? [] : node is YamlList list ? list.Items : [node];
        HashSet<string> seen = [];
        foreach (YamlNode item in items)
        {
            if (item is not YamlScalar { IsNull: false } name) context.Faults.Add(item.Place, $"A name in {key} of {subject} is {item.Kind}; it must be a name.");
            else if (!known.Contains(name.Text)) context.Faults.Add(name.Place, $"{key} of {subject} names '{name.Text}', which is not declared; {Sentences.DidYouMean(name.Text, known, "there are none.")}");
            else if (!seen.Add(name.Text)) context.Faults.Add(name.Place, $"{key} of {subject} names '{name.Text}' twice.");
            else yield return name.Text;
        }
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_-]{0,30}$")] private static partial Regex NamePattern();
}
