// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>The bits that a virtio network device and its driver agree on. Source: virtio 1.1, 5.1.3 and 6; vhost-user for bit 30.</summary>
[Flags]
public enum VirtioFeatures : ulong
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>VIRTIO_NET_F_CSUM: the driver may leave a checksum to us.</summary>
    Checksum = 1UL << 0,
    /// <summary>VIRTIO_NET_F_GUEST_CSUM: the driver takes frames whose checksum is not yet there.</summary>
    GuestChecksum = 1UL << 1,
    /// <summary>VIRTIO_NET_F_MTU: the device says its largest MTU.</summary>
    Mtu = 1UL << 3,
    /// <summary>VIRTIO_NET_F_MAC: the device says its address.</summary>
    Mac = 1UL << 5,
    /// <summary>VIRTIO_NET_F_GUEST_TSO4: the driver takes TCP segments over IPv4 larger than a frame.</summary>
    GuestTso4 = 1UL << 7,
    /// <summary>VIRTIO_NET_F_GUEST_TSO6: the same over IPv6.</summary>
    GuestTso6 = 1UL << 8,
    /// <summary>VIRTIO_NET_F_GUEST_ECN: large segments may carry congestion notices.</summary>
    GuestEcn = 1UL << 9,
    /// <summary>VIRTIO_NET_F_GUEST_UFO: the driver takes UDP datagrams larger than a frame.</summary>
    GuestUfo = 1UL << 10,
    /// <summary>VIRTIO_NET_F_HOST_TSO4: the driver may send TCP segments over IPv4 larger than a frame.</summary>
    HostTso4 = 1UL << 11,
    /// <summary>VIRTIO_NET_F_HOST_TSO6: the same over IPv6.</summary>
    HostTso6 = 1UL << 12,
    /// <summary>VIRTIO_NET_F_HOST_ECN: large segments may carry congestion notices.</summary>
    HostEcn = 1UL << 13,
    /// <summary>VIRTIO_NET_F_HOST_UFO: the driver may send UDP datagrams larger than a frame.</summary>
    HostUfo = 1UL << 14,
    /// <summary>VIRTIO_NET_F_MRG_RXBUF: one frame may fill several of the driver's buffers.</summary>
    MergeableBuffers = 1UL << 15,
    /// <summary>VIRTIO_NET_F_STATUS: the device says whether the link is up.</summary>
    Status = 1UL << 16,
    /// <summary>VIRTIO_NET_F_CTRL_VQ: there is a control queue (QEMU's, not ours).</summary>
    ControlQueue = 1UL << 17,
    /// <summary>VIRTIO_NET_F_GUEST_ANNOUNCE: the driver announces itself after a move.</summary>
    GuestAnnounce = 1UL << 21,
    /// <summary>VIRTIO_NET_F_MQ: several queue pairs.</summary>
    MultiQueue = 1UL << 22,
    /// <summary>VIRTIO_F_INDIRECT_DESC: descriptors may stand in a table outside the ring.</summary>
    IndirectDescriptors = 1UL << 28,
    /// <summary>VIRTIO_F_EVENT_IDX: each side says at which index it wants to be woken.</summary>
    EventIndex = 1UL << 29,
    /// <summary>VHOST_USER_F_PROTOCOL_FEATURES: the back end has protocol features. Never a driver's.</summary>
    ProtocolFeatures = 1UL << 30,
    /// <summary>VIRTIO_F_VERSION_1: virtio 1.0 or later.</summary>
    Version1 = 1UL << 32,
    /// <summary>VIRTIO_F_RING_PACKED: the ring is packed.</summary>
    RingPacked = 1UL << 34,
    /// <summary>VIRTIO_F_IN_ORDER: buffers are used in the order in which they came. Ours always are.</summary>
    InOrder = 1UL << 35,
}
