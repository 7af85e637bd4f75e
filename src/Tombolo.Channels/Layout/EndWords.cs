// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>The words of one end in a channel's block: who holds it, and where it sleeps.</summary>
internal readonly struct EndWords(Window window, long offsetBytes)
{
    /// <summary>A <see cref="PartyId"/>; 0: nobody. Changed by compare-and-exchange when it is taken, by a plain store of its holder when it is let go.</summary>
    public SharedWord64 Owner { get; } = window.Word64(offsetBytes + ChannelLayout.OwnerAt);

    /// <summary>Vacant, open, closed or cut.</summary>
    public SharedWord32 State { get; } = window.Word32(offsetBytes + ChannelLayout.EndStateAt);

    /// <summary>How often it was taken.</summary>
    public SharedWord32 Epoch { get; } = window.Word32(offsetBytes + ChannelLayout.EpochAt);

    /// <summary>A subscriber's policy.</summary>
    public SharedWord32 Policy { get; } = window.Word32(offsetBytes + ChannelLayout.PolicyAt);

    /// <summary>A subscriber's position.</summary>
    public SharedWord64 Cursor { get; } = window.Word64(offsetBytes + ChannelLayout.CursorAt);

    /// <summary>Messages that a subscriber did not get.</summary>
    public SharedWord64 Lost { get; } = window.Word64(offsetBytes + ChannelLayout.LostAt);

    /// <summary>Messages that a subscriber got.</summary>
    public SharedWord64 Count { get; } = window.Word64(offsetBytes + ChannelLayout.CountAt);

    /// <summary>Odd: its holder sleeps, or is about to; whoever makes it even must wake it. Each sleep has a value of its own.</summary>
    public SharedWord32 Wait { get; } = window.Word32(offsetBytes + ChannelLayout.WaitAt);

    /// <summary>The position of the other side at which the sleeper wants to be woken; before that there would be too little for it.</summary>
    public SharedWord64 Want { get; } = window.Word64(offsetBytes + ChannelLayout.WantAt);
}
