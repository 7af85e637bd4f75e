// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>What a vhost-user front end asks. Source: QEMU docs/interop/vhost-user.rst (7.2), front-end message types.</summary>
public enum VhostRequest : uint
{
    /// <summary>Which features there are.</summary>
    GetFeatures = 1,
    /// <summary>Which features are agreed on.</summary>
    SetFeatures = 2,
    /// <summary>Start of the session.</summary>
    SetOwner = 3,
    /// <summary>Disable all rings (deprecated).</summary>
    ResetOwner = 4,
    /// <summary>All memory regions at once.</summary>
    SetMemoryTable = 5,
    /// <summary>Migration's log of dirty pages: not offered.</summary>
    SetLogBase = 6,
    /// <summary>Migration's log of dirty pages: not offered.</summary>
    SetLogFd = 7,
    /// <summary>A ring's size.</summary>
    SetVringNum = 8,
    /// <summary>Where a ring lies.</summary>
    SetVringAddress = 9,
    /// <summary>Where a ring goes on.</summary>
    SetVringBase = 10,
    /// <summary>Stop a ring, and say where it stood.</summary>
    GetVringBase = 11,
    /// <summary>The eventfd by which the driver wakes us; starts the ring.</summary>
    SetVringKick = 12,
    /// <summary>The eventfd by which we wake the driver.</summary>
    SetVringCall = 13,
    /// <summary>The eventfd by which we report a broken ring.</summary>
    SetVringError = 14,
    /// <summary>Which protocol features there are.</summary>
    GetProtocolFeatures = 15,
    /// <summary>Which protocol features are agreed on.</summary>
    SetProtocolFeatures = 16,
    /// <summary>How many queue pairs there may be.</summary>
    GetQueueCount = 17,
    /// <summary>Enable or disable a ring.</summary>
    SetVringEnable = 18,
    /// <summary>Announce a guest that moved and cannot do it itself.</summary>
    SendRarp = 19,
    /// <summary>The MTU that the guest is told.</summary>
    SetMtu = 20,
    /// <summary>A channel for our own requests: not offered.</summary>
    SetBackendRequestFd = 21,
    /// <summary>Address translations: not offered.</summary>
    IotlbMessage = 22,
    /// <summary>A ring's byte order: not offered.</summary>
    SetVringEndian = 23,
    /// <summary>Read the device's configuration.</summary>
    GetConfig = 24,
    /// <summary>Write the device's configuration: all of it is read-only.</summary>
    SetConfig = 25,
    /// <summary>Give us a region that outlives us.</summary>
    GetInFlightFd = 31,
    /// <summary>The region that outlived our predecessor.</summary>
    SetInFlightFd = 32,
    /// <summary>Disable all rings and forget what was agreed on.</summary>
    ResetDevice = 34,
    /// <summary>How many memory regions there may be.</summary>
    GetMaxMemorySlots = 36,
    /// <summary>One memory region more.</summary>
    AddMemoryRegion = 37,
    /// <summary>One memory region less.</summary>
    RemoveMemoryRegion = 38,
    /// <summary>The device's status, as the driver set it.</summary>
    SetStatus = 39,
    /// <summary>The device's status.</summary>
    GetStatus = 40,
}

/// <summary>What both ends of a vhost-user connection may agree on. Source: vhost-user.rst, protocol features.</summary>
[Flags]
public enum VhostProtocolFeatures : ulong
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>Several queue pairs.</summary>
    MultiQueue = 1UL << 0,
    /// <summary>SEND_RARP.</summary>
    Rarp = 1UL << 2,
    /// <summary>Every request can be answered, if the front end asks for it.</summary>
    ReplyAck = 1UL << 3,
    /// <summary>NET_SET_MTU.</summary>
    Mtu = 1UL << 4,
    /// <summary>GET_CONFIG, SET_CONFIG.</summary>
    Config = 1UL << 9,
    /// <summary>GET_INFLIGHT_FD, SET_INFLIGHT_FD.</summary>
    InFlight = 1UL << 12,
    /// <summary>RESET_DEVICE.</summary>
    ResetDevice = 1UL << 13,
    /// <summary>Single memory regions come and go.</summary>
    MemorySlots = 1UL << 15,
    /// <summary>GET_STATUS, SET_STATUS.</summary>
    Status = 1UL << 16,
}
