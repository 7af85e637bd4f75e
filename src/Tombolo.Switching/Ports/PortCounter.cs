// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>How many counters there are: a constant, since every frame counts.</summary>
internal static class PortCounters
{
    public const int Count = (int)PortCounter.LinkFull + 1;
}

/// <summary>What is counted for each port. "From" is what its guest sends, "to" what its guest gets. Everything from <see cref="Malformed"/> on is a frame lost, by reason.</summary>
public enum PortCounter
{
    /// <summary>Frames that came from it.</summary>
    FramesFrom,
    /// <summary>Bytes of those.</summary>
    BytesFrom,
    /// <summary>Frames that went to it.</summary>
    FramesTo,
    /// <summary>Bytes of those.</summary>
    BytesTo,
    /// <summary>Frames for a group among those that came from it.</summary>
    GroupFramesFrom,
    /// <summary>Large frames cut here for it, because its driver does not take them.</summary>
    Segmented,
    /// <summary>Checksums made here for it, because its driver does not.</summary>
    ChecksumsMade,
    /// <summary>Frames that had to wait for it to make room.</summary>
    Waited,
    /// <summary>How often its driver was woken.</summary>
    Calls,
    /// <summary>How often its driver woke us.</summary>
    Kicks,
    /// <summary>Lost: shorter than an Ethernet header, or than its own offload header.</summary>
    Malformed,
    /// <summary>Lost: an offload header that its driver may not send.</summary>
    BadOffload,
    /// <summary>Lost: longer than the port's MTU, or than the receiver's buffers.</summary>
    TooLong,
    /// <summary>Lost: its source address is not the port's own.</summary>
    WrongSource,
    /// <summary>Lost: nobody that the port may reach has the destination address.</summary>
    UnknownDestination,
    /// <summary>Lost: sent to the port's own address.</summary>
    ToItself,
    /// <summary>Lost on the way to it: no driver is attached, or its ring is disabled.</summary>
    NotAttached,
    /// <summary>Lost on the way to it: its driver gives no room, and its backlog is full.</summary>
    ReceiverFull,
    /// <summary>Lost: by the loss that the link was told to have.</summary>
    LinkLoss,
    /// <summary>Lost: more waits on a link with a rate or delay than it may hold.</summary>
    LinkFull,
}
