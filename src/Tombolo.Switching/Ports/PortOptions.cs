// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>One port of a switch. Immutable; change with <c>with</c>.</summary>
public sealed record PortOptions
{
    /// <summary>Its name, unique in the switch.</summary>
    public required string Name { get; init; }

    /// <summary>What it leads to; null (the default): a guest, by vhost-user.</summary>
    public UplinkOptions? Uplink { get; init; }

    /// <summary>The vhost-user socket, or a stream uplink's; empty for what needs none.</summary>
    public string SocketPath { get; init; } = "";

    /// <summary>False (the default): we listen, and the front end connects. True: the front end listens (QEMU's <c>server=on</c>), and we connect, again and again.</summary>
    public bool IsClient { get; init; }

    /// <summary>The mode of the socket that we make; null for what the process's mask gives.</summary>
    public UnixFileMode? SocketMode { get; init; }

    /// <summary>The addresses of its guest: frames for them go to it, and it may send with them.</summary>
    public IReadOnlyList<MacAddress> Macs { get; init; } = [];

    /// <summary>Whether it may send with any source address that is not another port's.</summary>
    public bool AllowsAnySource { get; init; }

    /// <summary>Whether the source addresses that it sends with are learned, so that answers find it. Needs <see cref="AllowsAnySource"/>.</summary>
    public bool Learns { get; init; }

    /// <summary>The most addresses learned from it. 1..4096, default 256.</summary>
    public int MostLearned { get; init; } = 256;

    /// <summary>The largest packet it may send or get, but for large segments. 68..65535; default 65535, no limit.</summary>
    public int Mtu { get; init; } = 65535;

    /// <summary>The most queue pairs, 1..127. Default 8.</summary>
    public int QueuePairs { get; init; } = 8;

    /// <summary>What is offered to the driver. Default: everything.</summary>
    public VirtioFeatures Features { get; init; } = VhostDeviceOptions.AllFeatures;

    /// <summary>What is offered to the front end. Default: everything but CONFIG.</summary>
    public VhostProtocolFeatures ProtocolFeatures { get; init; } = VhostDeviceOptions.AllProtocolFeatures & ~VhostProtocolFeatures.Config;

    /// <summary>How many bytes of frames may wait for its guest to make room, for each queue pair. 131072..67108864, default 1 MiB.</summary>
    public int BacklogBytes { get; init; } = 1 << 20;

    /// <summary>The link from the switch to its guest; null for a perfect one.</summary>
    public LinkConditions? ToGuest { get; init; }

    /// <summary>The link from its guest to the switch; null for a perfect one.</summary>
    public LinkConditions? FromGuest { get; init; }

    internal bool HasSocket => Uplink is null or { HasSocket: true };

    internal VhostDeviceOptions Device => new() { Features = Features, ProtocolFeatures = ProtocolFeatures, QueuePairs = QueuePairs, Mtu = Mtu, Mac = Macs.Count > 0 ? Macs[0] : null };

    /// <summary>What is wrong with these settings; nothing where they are good.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "A port has no name.";
        if (HasSocket && string.IsNullOrWhiteSpace(SocketPath)) yield return $"Port '{Name}' has no socket path.";
        if (!HasSocket && SocketPath.Length > 0) yield return $"Port '{Name}' has the socket '{SocketPath}', for which its uplink has no use.";
        foreach (string problem in Uplink?.Problems() ?? []) yield return $"Port '{Name}': {problem}";
        foreach (MacAddress mac in Macs)
            if (!mac.IsUnicast || mac.Value >> 48 != 0) yield return $"Port '{Name}' cannot have the address {mac}: it names a group, or nobody.";
        if (Learns && !AllowsAnySource) yield return $"Port '{Name}' learns addresses, but may send with its own alone; allow any source, or do not learn.";
        if (MostLearned is < 1 or > 4096) yield return $"Port '{Name}' has MostLearned {MostLearned}; it must be 1 to 4096.";
        if (BacklogBytes is < 1 << 17 or > 1 << 26) yield return $"Port '{Name}' has BacklogBytes {BacklogBytes}; it must be {1 << 17} to {1 << 26}.";
        foreach (string problem in Device.Problems().Concat(ToGuest?.Problems() ?? []).Concat(FromGuest?.Problems() ?? [])) yield return $"Port '{Name}': {problem}";
    }
}
