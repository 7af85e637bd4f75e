// SPDX-License-Identifier: MIT
using Tombolo.Switching;

namespace Tombolo.Fabric;

/// <summary>A switch of a fabric at one moment.</summary>
public sealed record SwitchStatus
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>Whether it moves frames.</summary>
    public bool IsUp { get; init; }
    /// <summary>Whether it was changed since the fabric came up, and differs from the file.</summary>
    public bool IsChanged { get; init; }
    /// <summary>How often a fault of ours ended it and it was started again.</summary>
    public int Restarts { get; init; }
    /// <summary>Threads that move frames.</summary>
    public int Threads { get; init; }
    /// <summary>The MTU of ports that say none; null: no limit.</summary>
    public int? Mtu { get; init; }
    /// <summary>Its ports.</summary>
    public IReadOnlyList<SwitchPortStatus> Ports { get; init; } = [];
    /// <summary>Who may talk to whom.</summary>
    public IReadOnlyList<SwitchTopologyDeclaration> Topologies { get; init; } = [];
    /// <summary>Addresses that were learned.</summary>
    public IReadOnlyList<LearnedAddress> Learned { get; init; } = [];
}

/// <summary>A port of a switch at one moment.</summary>
public sealed record SwitchPortStatus
{
    /// <summary>Its settings.</summary>
    public required SwitchPortDeclaration Settings { get; init; }
    /// <summary>The vhost-user socket, or a stream uplink's; empty for an uplink that has none.</summary>
    public required string Socket { get; init; }
    /// <summary>The front end's process; null where none is attached.</summary>
    public int? ProcessId { get; init; }
    /// <summary>Whether a driver is there and takes frames.</summary>
    public bool IsUp { get; init; }
    /// <summary>How many rings run.</summary>
    public int Rings { get; init; }
    /// <summary>What its driver agreed to, by the names of the virtio specification's bits; empty where none is there.</summary>
    public string Features { get; init; } = "";
    /// <summary>Why it is stopped, where its driver lied.</summary>
    public string? Fault { get; init; }
    /// <summary>What its front end asked for in vain, last, and why; null where nothing was, or none is attached.</summary>
    public string? Refusal { get; init; }
    /// <summary>Why its last session ended.</summary>
    public string? LastEnd { get; init; }
    /// <summary>All frames lost, whatever the reason.</summary>
    public long Lost { get; init; }
    /// <summary>What was counted: every <see cref="PortCounter"/> in its order, its name in camelCase.</summary>
    public IReadOnlyDictionary<string, long> Counters { get; init; } = new Dictionary<string, long>();
}

/// <summary>What a capture came to.</summary>
/// <param name="Written">Frames written.</param>
/// <param name="Dropped">Frames that it had no room for.</param>
public sealed record CaptureEnd(long Written, long Dropped);

/// <summary>An address that a switch learned.</summary>
/// <param name="Mac">The address.</param>
/// <param name="Port">Behind which port.</param>
/// <param name="AgeSeconds">How long ago it was heard.</param>
public sealed record LearnedAddress(string Mac, string Port, double AgeSeconds);
