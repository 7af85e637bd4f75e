// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Channels;

/// <summary>Why a channel cannot be used, or no longer.</summary>
public enum ChannelFault
{
    /// <summary>There is no channel of that name, or no area in that memory.</summary>
    NotFound,
    /// <summary>There is a channel of that name already, of another shape.</summary>
    NameTaken,
    /// <summary>A living party holds that end, or all ends of that sort.</summary>
    EndTaken,
    /// <summary>The channel's rights give that end to others.</summary>
    NotAllowed,
    /// <summary>The directory or the memory behind it is full.</summary>
    AreaFull,
    /// <summary>The channel is of another kind.</summary>
    WrongKind,
    /// <summary>The other end was closed in order, and everything it sent was read.</summary>
    PeerClosed,
    /// <summary>The party at the other end died, and everything it sent was read.</summary>
    PeerDied,
    /// <summary>The channel was removed, or somebody else took this end over.</summary>
    Removed,
    /// <summary>The publisher cut this subscriber off because it was too slow.</summary>
    Disconnected,
    /// <summary>The directory is held by a party that lives and does not let go.</summary>
    Busy,
    /// <summary>The memory belongs to parties that cannot be told apart from here: another PID namespace.</summary>
    Foreign,
    /// <summary>The memory is gone: the guest's device was unplugged or is wanted back, or somebody cut the file short.</summary>
    GroundGone,
    /// <summary>The memory is not sealed: whoever holds it could cut it short, which would end this process.</summary>
    NotSealed,
}

/// <summary>A channel cannot be used, or no longer. A peer that breaks the protocol is another matter: <see cref="Tombolo.Wire.ProtocolException"/>.</summary>
/// <param name="fault">Why.</param>
/// <param name="message">One sentence: which channel, what happened, the way out.</param>
public sealed class ChannelException(ChannelFault fault, string message) : TomboloException(message)
{
    /// <summary>Why.</summary>
    public ChannelFault Fault { get; } = fault;

    internal static ChannelException Lost(string what) => new(ChannelFault.GroundGone, $"{what} is gone: somebody cut it short, or unplugged it. Dispose everything that stands on it.");

    internal static ChannelException Gone(string what) => new(ChannelFault.GroundGone, $"{what} is gone: its device was unplugged, or is wanted back. Dispose everything that stands on it; a new device is opened anew.");
}
