// SPDX-License-Identifier: MIT
using System.Numerics;

namespace Tombolo.Switching;

/// <summary>Who is there, who reaches whom, and which addresses the configuration gives to whom. Immutable: a change makes another, which data threads use from their next batch on.</summary>
internal sealed class ForwardingTable
{
    private readonly Port?[] _ports;
    private readonly ulong[][] _reach;
    private readonly (ulong Mac, int Port)[] _macs;
    private readonly int _mask;

    public ForwardingTable(IReadOnlyList<Port> ports, IReadOnlyList<TopologyOptions> topologies)
    {
        int slots = ports.Count == 0 ? 0 : ports.Max(static port => port.Index) + 1;
        _ports = new Port?[slots];
        foreach (Port port in ports) _ports[port.Index] = port;
        _reach = Reach(ports, topologies, slots);
        int count = ports.Sum(static port => port.Options.Macs.Count);
        _macs = new (ulong, int)[BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, count * 4))];
        _mask = _macs.Length - 1;
        Array.Fill(_macs, (0UL, -1));
        foreach (Port port in ports)
            foreach (MacAddress mac in port.Options.Macs) Insert(mac.Value, port.Index);
    }

    public ReadOnlySpan<Port?> Ports => _ports;

    /// <summary>Whether frames of one go to another.</summary>
    public bool Reaches(int from, int to) => (uint)from < (uint)_reach.Length && (uint)to < (uint)_reach.Length && (_reach[from][to >> 6] & (1UL << (to & 63))) != 0;

    /// <summary>The ports that one reaches, as bits.</summary>
    public ReadOnlySpan<ulong> ReachOf(int from) => (uint)from < (uint)_reach.Length ? _reach[from] : [];

    /// <summary>The port that has an address by configuration, among those that one reaches; its own counts.</summary>
    public Port? Find(int from, ulong mac)
    {
        for (int at = Hash(mac) & _mask; _macs[at].Port >= 0; at = (at + 1) & _mask)
            if (_macs[at].Mac == mac && (_macs[at].Port == from || Reaches(from, _macs[at].Port))) return _ports[_macs[at].Port];
        return null;
    }

    public Port? At(int index) => (uint)index < (uint)_ports.Length ? _ports[index] : null;

    internal static int Hash(ulong mac) => (int)((mac * 0x9E37_79B9_7F4A_7C15) >> 40);

    private void Insert(ulong mac, int port)
    {
        int at = Hash(mac) & _mask;
        while (_macs[at].Port >= 0) at = (at + 1) & _mask;
        _macs[at] = (mac, port);
    }

    private static ulong[][] Reach(IReadOnlyList<Port> ports, IReadOnlyList<TopologyOptions> topologies, int slots)
    {
        var reach = new ulong[slots][];
        for (int i = 0; i < slots; i++) reach[i] = new ulong[(slots + 63) / 64];
        var byName = ports.ToDictionary(static port => port.Name, static port => port.Index);
        IEnumerable<TopologyOptions> all = topologies.Count > 0 ? topologies : [new TopologyOptions { Name = "all", Members = [.. byName.Keys] }];
        foreach (TopologyOptions topology in all) Join(topology, byName, reach);
        return reach;
    }

    private static void Join(TopologyOptions topology, Dictionary<string, int> byName, ulong[][] reach)
    {
        string[] rest = [.. topology.Members.Except(topology.Partitions.SelectMany(static part => part))];
        foreach (IReadOnlyList<string> group in topology.Partitions.Append(rest))
            foreach (string one in group)
                foreach (string other in group)
                    if (one != other && byName.TryGetValue(one, out int from) && byName.TryGetValue(other, out int to) && !IsCut(topology, one, other))
                        reach[from][to >> 6] |= 1UL << (to & 63);
    }

    private static bool IsCut(TopologyOptions topology, string one, string other) =>
        topology.Cut.Any(pair => (pair.One == one && pair.Other == other) || (pair.One == other && pair.Other == one));
}
