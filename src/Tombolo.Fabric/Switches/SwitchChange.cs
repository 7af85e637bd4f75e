// SPDX-License-Identifier: MIT
using Tombolo.Switching;

namespace Tombolo.Fabric;

/// <summary>Settings of a port that change; what is null stays.</summary>
public sealed record SwitchPortChange
{
    /// <summary>Its addresses.</summary>
    public IReadOnlyList<string>? Macs { get; init; }
    /// <summary>The largest packet; 65535 for no limit.</summary>
    public int? Mtu { get; init; }
    /// <summary>Whether the addresses that it sends with are learned.</summary>
    public bool? Learns { get; init; }
    /// <summary>Whether it may send with any source address.</summary>
    public bool? AnySource { get; init; }
    /// <summary>The link to the guest from now on.</summary>
    public SwitchLinkChange? ToGuest { get; init; }
    /// <summary>The link from the guest from now on.</summary>
    public SwitchLinkChange? FromGuest { get; init; }
}

/// <summary>Conditions of a link that change; what is null stays.</summary>
public sealed record SwitchLinkChange
{
    /// <summary>Begin with a perfect link, and not with what is there. Default false.</summary>
    public bool FromPerfect { get; init; }
    /// <summary>Bits per second; 0 for no limit.</summary>
    public long? BitsPerSecond { get; init; }
    /// <summary>How long each frame is under way.</summary>
    public TimeSpan? Delay { get; init; }
    /// <summary>Up to how much more.</summary>
    public TimeSpan? Jitter { get; init; }
    /// <summary>Which share is lost, 0 to 1.</summary>
    public double? Loss { get; init; }
    /// <summary>Which share comes twice, 0 to 1.</summary>
    public double? Duplicate { get; init; }
    /// <summary>Which share overtakes others, 0 to 1.</summary>
    public double? Reorder { get; init; }
    /// <summary>What the choices follow from.</summary>
    public int? Seed { get; init; }
    /// <summary>The most frames under way.</summary>
    public int? QueueFrames { get; init; }

    /// <summary>The link after the change.</summary>
    /// <param name="link">The link before; null: a perfect one.</param>
    /// <returns>Null for a perfect one.</returns>
    public LinkConditions? ApplyTo(LinkConditions? link)
    {
        LinkConditions start = FromPerfect || link is null ? new() : link;
        LinkConditions changed = start with
        {
            BitsPerSecond = BitsPerSecond ?? start.BitsPerSecond,
            Delay = Delay ?? start.Delay,
            Jitter = Jitter ?? start.Jitter,
            Loss = Loss ?? start.Loss,
            Duplicate = Duplicate ?? start.Duplicate,
            Reorder = Reorder ?? start.Reorder,
            Seed = Seed ?? start.Seed,
            QueueFrames = QueueFrames ?? start.QueueFrames,
        };
        return changed with { Seed = 1, QueueFrames = 1000 } == new LinkConditions() ? null : changed;
    }
}

/// <summary>A port that is added to a running switch.</summary>
public sealed record SwitchPortAddition
{
    /// <summary>Its name. One that the file declares begins with the file's settings.</summary>
    public required string Name { get; init; }
    /// <summary>What it leads to, where it is to be an uplink; null: a network card, or what the file declares.</summary>
    public SwitchUplinkDeclaration? Uplink { get; init; }
    /// <summary>The vhost-user socket, or a stream uplink's: a file name in the state folder, or an absolute path; null: SWITCH-PORT.sock.</summary>
    public string? Socket { get; init; }
    /// <summary>Whether the other side listens.</summary>
    public bool? Connects { get; init; }
    /// <summary>Permission bits of the socket.</summary>
    public UnixFileMode? Mode { get; init; }
    /// <summary>Queue pairs.</summary>
    public int? Queues { get; init; }
    /// <summary>Everything that may also change later.</summary>
    public SwitchPortChange Settings { get; init; } = new();
    /// <summary>The topologies it joins, TOPOLOGY or TOPOLOGY/PARTITION; null: the only one, or those that the file declares for it.</summary>
    public IReadOnlyList<string>? Topologies { get; init; }
}

/// <summary>Where a port of a running switch goes.</summary>
public sealed record SwitchMove
{
    /// <summary>The topologies it is in from now on, TOPOLOGY or TOPOLOGY/PARTITION (from 1; one more than there are makes a new one); empty: it reaches nobody; null: it stays.</summary>
    public IReadOnlyList<string>? To { get; init; }
    /// <summary>Topologies that do not exist are made. Default false: they are faults.</summary>
    public bool MayCreate { get; init; }
    /// <summary>Ports that it does not reach any more, in any of its topologies.</summary>
    public IReadOnlyList<string> Cut { get; init; } = [];
    /// <summary>Ports that it is no longer cut from.</summary>
    public IReadOnlyList<string> Uncut { get; init; } = [];
}
