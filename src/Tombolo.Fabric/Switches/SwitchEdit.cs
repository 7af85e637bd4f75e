// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Fabric.Reading;
using Tombolo.Switching;

namespace Tombolo.Fabric;

/// <summary>What a switch is after a change. Pure: whoever hosts the switch makes it so.</summary>
/// <param name="fabric">The fabric's name.</param>
/// <param name="declared">The switch as the file has it.</param>
internal sealed class SwitchEdit(string fabric, SwitchDeclaration declared)
{
    public SwitchDeclaration Add(SwitchDeclaration now, SwitchPortAddition addition)
    {
        string name = addition.Name;
        if (!SwitchReader.IsName(name)) throw new FabricException($"'{name}' is no name for a port; it must be a letter followed by at most 30 letters, digits, '-' and '_'.");
        if (now.Ports.Any(port => port.Name == name)) throw new FabricException($"Switch {now.Name} has a port '{name}' already.");
        SwitchPortDeclaration? known = declared.Ports.FirstOrDefault(port => port.Name == name);
        SwitchPortDeclaration port = addition.Uplink is { } uplink ? UplinkRules.Start(name, uplink, learns: addition.Settings is { Macs: null, AnySource: null })
            : known ?? new() { Name = name, Socket = $"{now.Name}-{name}.sock" };
        port = Changed(port with
        {
            Socket = addition.Socket ?? port.Socket,
            Connects = addition.Connects ?? port.Connects,
            Mode = addition.Mode ?? port.Mode,
            Queues = addition.Queues ?? port.Queues,
        }, addition.Settings);
        if (port.Uplink is null && port.Macs.Count == 0 && !port.Learns) port = port with { Macs = [SwitchReader.DefaultMac(fabric, now.Name, name)] };
        if (addition.Socket is { } socket && !Path.IsPathRooted(socket) && socket.Contains('/', StringComparison.Ordinal)) throw new FabricException($"The socket of port '{name}' is '{socket}'; it must be a file name, for a socket in the state folder, or an absolute path.");
        string problems = string.Join(' ', UplinkRules.Problems(port, $"port '{name}'").Select(static problem => problem.Sentence).Concat(UplinkRules.Claims(port).Intersect(now.Ports.SelectMany(UplinkRules.Claims)).Select(claim => $"Another port of switch {now.Name} {claim.Words}; only one can.")));
        if (problems.Length > 0) throw new FabricException(problems);
        CheckMacs(now, port);
        IReadOnlyList<string> topologies = addition.Topologies ?? Usual(now, name, known is not null);
        return Move(now with { Ports = [.. now.Ports, port] }, name, new() { To = topologies });
    }

    public static SwitchDeclaration Remove(SwitchDeclaration now, string port)
    {
        _ = Find(now, port);
        return now with { Ports = [.. now.Ports.Where(one => one.Name != port)], Topologies = [.. now.Topologies.Select(topology => Without(topology, port, andCut: true))] };
    }

    public static SwitchDeclaration Set(SwitchDeclaration now, string port, SwitchPortChange change)
    {
        SwitchPortDeclaration changed = Changed(Find(now, port), change);
        CheckMacs(now, changed);
        return now with { Ports = [.. now.Ports.Select(one => one.Name == port ? changed : one)] };
    }

    public static SwitchDeclaration Move(SwitchDeclaration now, string port, SwitchMove move)
    {
        _ = Find(now, port);
        foreach (string other in move.Cut.Concat(move.Uncut))
        {
            _ = Find(now, other);
            if (other == port) throw new FabricException($"Port '{port}' cannot be cut from itself.");
        }
        if (move.To is { } targets)
        {
            now = now with { Topologies = [.. now.Topologies.Select(topology => targets.Any(target => Split(target).Topology == topology.Name) ? topology : Without(topology, port, andCut: false))] };
            foreach (string target in targets) now = Join(now, port, target, move.MayCreate);
        }
        return now with { Topologies = [.. now.Topologies.Select(topology => Recut(topology, port, move))] };
    }

    // A topology's cut pairs outlive a move: who comes back is cut as before.
    private static SwitchTopologyDeclaration Recut(SwitchTopologyDeclaration topology, string port, SwitchMove move) => !topology.Members.Contains(port) ? topology : topology with
    {
        Cut = [.. topology.Cut.Where(pair => !move.Uncut.Any(other => pair.Is(port, other))), .. move.Cut.Where(other => topology.Members.Contains(other) && !topology.Cut.Any(pair => pair.Is(port, other))).Select(other => new SwitchPair(port, other))],
    };

    private static SwitchDeclaration Join(SwitchDeclaration now, string port, string target, bool mayCreate)
    {
        (string name, int? partition) = Split(target);
        if (now.Topologies.All(topology => topology.Name != name))
        {
            if (!mayCreate) throw new FabricException($"Switch {now.Name} has no topology '{name}'; {Sentences.DidYouMean(name, [.. now.Topologies.Select(topology => topology.Name)], "it has none.")} A new one must be asked for.");
            if (!SwitchReader.IsName(name)) throw new FabricException($"'{name}' is no name for a topology; it must be a letter followed by at most 30 letters, digits, '-' and '_'.");
            now = now with { Topologies = [.. now.Topologies, new() { Name = name }] };
        }
        return now with { Topologies = [.. now.Topologies.Select(topology => topology.Name == name ? With(topology, port, partition) : topology)] };
    }

    private static SwitchTopologyDeclaration With(SwitchTopologyDeclaration topology, string port, int? partition)
    {
        if (partition > topology.Partitions.Count + 1) throw new FabricException($"Topology '{topology.Name}' has {topology.Partitions.Count} partitions; '{topology.Name}/{partition}' would leave a gap.");
        List<IReadOnlyList<string>> partitions = [.. topology.Partitions.Select(group => (IReadOnlyList<string>)[.. group.Where(member => member != port)])];
        if (partition > partitions.Count) partitions.Add([]);
        if (partition is { } number) partitions[number - 1] = [.. partitions[number - 1], port];
        return topology with { Members = topology.Members.Contains(port) ? topology.Members : [.. topology.Members, port], Partitions = partitions };
    }

    private static SwitchTopologyDeclaration Without(SwitchTopologyDeclaration topology, string port, bool andCut) => topology with
    {
        Members = [.. topology.Members.Where(member => member != port)],
        Partitions = [.. topology.Partitions.Select(group => (IReadOnlyList<string>)[.. group.Where(member => member != port)])],
        Cut = andCut ? [.. topology.Cut.Where(pair => pair.One != port && pair.Other != port)] : topology.Cut,
    };

    private static (string Topology, int? Partition) Split(string target)
    {
        string[] parts = target.Split('/', 2);
        if (parts.Length == 1) return (parts[0], null);
        return int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? (parts[0], number)
            : throw new FabricException($"'{target}' names no partition; write TOPOLOGY/NUMBER, the number from 1.");
    }

    private List<string> Usual(SwitchDeclaration now, string port, bool isDeclared)
    {
        if (isDeclared && declared.Topologies.Where(topology => topology.Members.Contains(port)).Select(topology => PlaceIn(topology, port)).Where(place => now.Topologies.Any(topology => topology.Name == Split(place).Topology)).ToList() is { Count: > 0 } places) return places;
        if (now.Topologies.Count == 1) return [now.Topologies[0].Name];
        throw new FabricException($"Which topologies of switch {now.Name} does port '{port}' join? There {(now.Topologies.Count == 0 ? "are none" : $"are {string.Join(", ", now.Topologies.Select(topology => topology.Name))}")}; none at all must be said too.");
    }

    private static string PlaceIn(SwitchTopologyDeclaration topology, string port)
    {
        for (int i = 0; i < topology.Partitions.Count; i++)
            if (topology.Partitions[i].Contains(port)) return string.Create(CultureInfo.InvariantCulture, $"{topology.Name}/{i + 1}");
        return topology.Name;
    }

    private static SwitchPortDeclaration Changed(SwitchPortDeclaration port, SwitchPortChange change) => port with
    {
        Macs = change.Macs is { } macs ? [.. macs.Select(text => MacAddress.TryParse(text, out MacAddress mac) && mac.IsUnicast ? mac.ToString() : throw new FabricException($"'{text}' is no address of a card; it must be six hexadecimal bytes between colons, such as 02:00:00:00:AA:01."))] : port.Macs,
        Mtu = change.Mtu ?? port.Mtu,
        Learns = change.Learns ?? port.Learns,
        AnySource = change.AnySource ?? port.AnySource,
        ToGuest = change.ToGuest is { } to ? to.ApplyTo(port.ToGuest) : port.ToGuest,
        FromGuest = change.FromGuest is { } from ? from.ApplyTo(port.FromGuest) : port.FromGuest,
    };

    private static void CheckMacs(SwitchDeclaration now, SwitchPortDeclaration port)
    {
        foreach (SwitchPortDeclaration other in now.Ports.Where(one => one.Name != port.Name))
            if (other.Macs.Intersect(port.Macs).FirstOrDefault() is { } same) throw new FabricException($"Port '{other.Name}' of switch {now.Name} has the address {same} already.");
    }

    private static SwitchPortDeclaration Find(SwitchDeclaration now, string port) => now.Ports.FirstOrDefault(one => one.Name == port)
        ?? throw new FabricException($"Switch {now.Name} has no port '{port}'; {Sentences.DidYouMean(port, [.. now.Ports.Select(one => one.Name)], "it has none.")}");
}
