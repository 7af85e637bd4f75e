// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>What a vhost-user device offers. Immutable.</summary>
public sealed record VhostDeviceOptions
{
    /// <summary>All that we can do.</summary>
    public const VirtioFeatures AllFeatures =
        VirtioFeatures.Checksum | VirtioFeatures.GuestChecksum | VirtioFeatures.Mtu | VirtioFeatures.GuestTso4 | VirtioFeatures.GuestTso6 | VirtioFeatures.GuestEcn
        | VirtioFeatures.HostTso4 | VirtioFeatures.HostTso6 | VirtioFeatures.HostEcn | VirtioFeatures.MergeableBuffers | VirtioFeatures.Status | VirtioFeatures.ControlQueue
        | VirtioFeatures.GuestAnnounce | VirtioFeatures.MultiQueue | VirtioFeatures.IndirectDescriptors | VirtioFeatures.EventIndex | VirtioFeatures.ProtocolFeatures
        | VirtioFeatures.Version1 | VirtioFeatures.RingPacked | VirtioFeatures.InOrder;

    /// <summary>All protocol features that we can do. CONFIG is not among those offered by default: QEMU 7.2 prints a warning for every network device that has it.</summary>
    public const VhostProtocolFeatures AllProtocolFeatures =
        VhostProtocolFeatures.MultiQueue | VhostProtocolFeatures.Rarp | VhostProtocolFeatures.ReplyAck | VhostProtocolFeatures.Mtu | VhostProtocolFeatures.Config
        | VhostProtocolFeatures.InFlight | VhostProtocolFeatures.ResetDevice | VhostProtocolFeatures.MemorySlots | VhostProtocolFeatures.Status;

    /// <summary>Offered features. Default: <see cref="AllFeatures"/>.</summary>
    public VirtioFeatures Features { get; init; } = AllFeatures;

    /// <summary>Offered protocol features. Default: all but CONFIG.</summary>
    public VhostProtocolFeatures ProtocolFeatures { get; init; } = AllProtocolFeatures & ~VhostProtocolFeatures.Config;

    /// <summary>The most queue pairs, 1..127. Default 8.</summary>
    public int QueuePairs { get; init; } = 8;

    /// <summary>The largest MTU that a front end may set, and what the configuration says. 68..65535, default 65535.</summary>
    public int Mtu { get; init; } = 65535;

    /// <summary>The address that the configuration says; null for none.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>What is wrong with these settings; nothing where they are good.</summary>
    public IEnumerable<string> Problems()
    {
        if ((Features & ~AllFeatures) != 0) yield return $"Features has bits that the switch cannot do: {(ulong)(Features & ~AllFeatures):x}.";
        if ((ProtocolFeatures & ~AllProtocolFeatures) != 0) yield return $"ProtocolFeatures has bits that the switch cannot do: {(ulong)(ProtocolFeatures & ~AllProtocolFeatures):x}.";
        if (QueuePairs is < 1 or > 127) yield return $"QueuePairs is {QueuePairs}; it must be 1 to 127.";
        if (Mtu is < 68 or > 65535) yield return $"Mtu is {Mtu}; it must be 68 to 65535.";
    }
}
