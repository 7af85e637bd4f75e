// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>A virtual switch. Immutable; change with <c>with</c>.</summary>
public sealed record SwitchOptions
{
    /// <summary>The most ports of one switch.</summary>
    public const int MaxPorts = 1024;

    /// <summary>Its name, for logs and thread names.</summary>
    public string Name { get; init; } = "switch";

    /// <summary>The ports it starts with.</summary>
    public IReadOnlyList<PortOptions> Ports { get; init; } = [];

    /// <summary>Who may talk to whom. None at all: every port reaches every other.</summary>
    public IReadOnlyList<TopologyOptions> Topologies { get; init; } = [];

    /// <summary>How many threads move frames; queues are spread over them. 1..64, default 1.</summary>
    public int DataThreads { get; init; } = 1;

    /// <summary>The longest that a data thread looks at an idle ring before it sleeps on its kick. 0 to 10 ms; default 50 µs. It adapts below this.</summary>
    public TimeSpan MaxSpin { get; init; } = TimeSpan.FromMicroseconds(50);

    /// <summary>After how long a learned address is forgotten when nothing is heard of it. 1 s or more, default 5 minutes.</summary>
    public TimeSpan Ageing { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long to wait before connecting again, for ports that connect. 10 ms or more, default 500 ms.</summary>
    public TimeSpan Reconnect { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>What is wrong with these settings; nothing where they are good.</summary>
    public IEnumerable<string> Problems()
    {
        if (DataThreads is < 1 or > 64) yield return $"DataThreads is {DataThreads}; it must be 1 to 64.";
        if (MaxSpin < TimeSpan.Zero || MaxSpin > TimeSpan.FromMilliseconds(10)) yield return $"MaxSpin is {MaxSpin}; it must be 0 to 10 ms.";
        if (Ageing < TimeSpan.FromSeconds(1)) yield return $"Ageing is {Ageing}; it must be 1 s or more.";
        if (Reconnect < TimeSpan.FromMilliseconds(10)) yield return $"Reconnect is {Reconnect}; it must be 10 ms or more.";
        if (Ports.Count > MaxPorts) yield return $"There are {Ports.Count} ports; there may be {MaxPorts}.";
        foreach (string problem in Ports.SelectMany(static port => port.Problems()).Concat(PortsTogether(Ports)).Concat(Topologies.SelectMany(static topology => topology.Problems()))) yield return problem;
        foreach (TopologyOptions topology in Topologies)
            foreach (string name in topology.Members.Where(name => Ports.All(port => port.Name != name))) yield return $"Topology '{topology.Name}' has the member '{name}', and there is no such port.";
    }

    internal static IEnumerable<string> PortsTogether(IEnumerable<PortOptions> ports)
    {
        PortOptions[] all = [.. ports];
        foreach (IGrouping<string, PortOptions> twice in all.GroupBy(static port => port.Name).Where(static group => group.Count() > 1)) yield return $"There are two ports named '{twice.Key}'.";
        foreach (IGrouping<string, PortOptions> twice in all.Where(static port => port.SocketPath.Length > 0).GroupBy(static port => Path.GetFullPath(port.SocketPath)).Where(static group => group.Count() > 1)) yield return $"Two ports use the socket '{twice.Key}'.";
    }
}
