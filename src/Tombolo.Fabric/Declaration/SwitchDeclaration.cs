// SPDX-License-Identifier: MIT
using Tombolo.Switching;

namespace Tombolo.Fabric;

/// <summary>A declared virtual Ethernet switch. Immutable; a running switch that was changed has another one.</summary>
public sealed record SwitchDeclaration
{
    /// <summary>Its name, unique in the fabric, among mailboxes and regions too.</summary>
    public required string Name { get; init; }
    /// <summary>Its ports, in the order of the file.</summary>
    public IReadOnlyList<SwitchPortDeclaration> Ports { get; init; } = [];
    /// <summary>Who may talk to whom; at least one. Where the file says nothing: one, named as the switch, of all ports.</summary>
    public IReadOnlyList<SwitchTopologyDeclaration> Topologies { get; init; } = [];
    /// <summary>The file says nothing about topologies, so ports that are added join the only one. Default false.</summary>
    public bool IsOneForAll { get; init; }
    /// <summary>Threads that move frames. Default 1.</summary>
    public int Threads { get; init; } = 1;
    /// <summary>The longest that a thread looks at idle rings before it sleeps. Default 50 µs.</summary>
    public TimeSpan Spin { get; init; } = TimeSpan.FromMicroseconds(50);
    /// <summary>After how long a learned address is forgotten. Default 5 minutes.</summary>
    public TimeSpan Ageing { get; init; } = TimeSpan.FromMinutes(5);
    /// <summary>The MTU of ports that say none; null: no limit, and guests are told none. Default null.</summary>
    public int? Mtu { get; init; }
}

/// <summary>A declared port of a switch: one network card, or an uplink.</summary>
public sealed record SwitchPortDeclaration
{
    /// <summary>Its name, unique in the switch.</summary>
    public required string Name { get; init; }
    /// <summary>The declared machine whose card it is; null for somebody's own QEMU or DPDK.</summary>
    public string? Machine { get; init; }
    /// <summary>What it leads to, where it is no network card; null for a card. Default null.</summary>
    public SwitchUplinkDeclaration? Uplink { get; init; }
    /// <summary>The vhost-user socket, as written: a file name in the state folder, or an absolute path. Default SWITCH-PORT.sock. Of an uplink: the stream's, or empty.</summary>
    public required string Socket { get; init; }
    /// <summary>The other side listens and the switch connects. Default false.</summary>
    public bool Connects { get; init; }
    /// <summary>Permission bits of the socket file. Default 0600.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    /// <summary>Its addresses; the first is its card's. Empty only where it learns, or is an uplink.</summary>
    public IReadOnlyList<string> Macs { get; init; } = [];
    /// <summary>It may send with any source address, and answers find it. Default false.</summary>
    public bool Learns { get; init; }
    /// <summary>It may send with any source address that is not another port's. Default false.</summary>
    public bool AnySource { get; init; }
    /// <summary>The largest packet; null: no limit. Default null.</summary>
    public int? Mtu { get; init; }
    /// <summary>Queue pairs of its card. Default 1.</summary>
    public int Queues { get; init; } = 1;
    /// <summary>How many bytes of frames may wait for its guest to make room. Default 1 MiB.</summary>
    public int BacklogBytes { get; init; } = 1 << 20;
    /// <summary>The link from the switch to the guest; null: a perfect one. Default null.</summary>
    public LinkConditions? ToGuest { get; init; }
    /// <summary>The link from the guest to the switch; null: a perfect one. Default null.</summary>
    public LinkConditions? FromGuest { get; init; }
}

/// <summary>Where an uplink leads: to a tap, to another program's stream socket at the port's <see cref="SwitchPortDeclaration.Socket"/>, or to files. Exactly one of these.</summary>
public sealed record SwitchUplinkDeclaration
{
    /// <summary>The tap's name; null for no tap. Default null.</summary>
    public string? Tap { get; init; }
    /// <summary>The network namespace of the tap, as written: a name that <c>ip netns</c> knows, or an absolute path; null: the one of whoever runs the fabric. Default null.</summary>
    public string? NetworkNamespace { get; init; }
    /// <summary>A UNIX stream socket: passt, QEMU's <c>-netdev stream</c>. Default false.</summary>
    public bool IsStream { get; init; }
    /// <summary>The pcap or pcapng file whose frames are sent when the switch starts; null for none. Default null.</summary>
    public string? Replay { get; init; }
    /// <summary>How much faster than it was recorded; 0: as fast as can be. Default 1.</summary>
    public double Speed { get; init; } = 1;
    /// <summary>The pcapng file that is written anew with what comes for the port; null for none. Default null.</summary>
    public string? Record { get; init; }
}

/// <summary>A declared topology: ports that reach each other.</summary>
public sealed record SwitchTopologyDeclaration
{
    /// <summary>Its name, unique in the switch.</summary>
    public required string Name { get; init; }
    /// <summary>The ports in it.</summary>
    public IReadOnlyList<string> Members { get; init; } = [];
    /// <summary>Groups of members that reach only their own; members in none form one more.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Partitions { get; init; } = [];
    /// <summary>Pairs of members that do not reach each other.</summary>
    public IReadOnlyList<SwitchPair> Cut { get; init; } = [];
}

/// <summary>Two ports of a topology, whichever comes first.</summary>
/// <param name="One">A port.</param>
/// <param name="Other">Another.</param>
public sealed record SwitchPair(string One, string Other)
{
    /// <summary>Whether these two are meant.</summary>
    /// <param name="one">A port.</param>
    /// <param name="other">Another.</param>
    public bool Is(string one, string other) => (One == one && Other == other) || (One == other && Other == one);
}

/// <summary>An address of a machine's network card.</summary>
/// <param name="Card">The switch, or the port of it, as written.</param>
/// <param name="Address">The address with its prefix length, such as 192.168.1.1/24.</param>
public sealed record MachineAddress(string Card, string Address);
