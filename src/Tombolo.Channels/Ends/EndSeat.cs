// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>An end that this party has taken: where it lies, and what the channel is.</summary>
/// <param name="Area">The area that it was taken from.</param>
/// <param name="Name">The channel's name.</param>
/// <param name="Header">The channel's header, checked.</param>
/// <param name="BlockOffset">Where the channel's block begins in the window.</param>
/// <param name="Index">0: the hub; 1 and up: the spokes.</param>
/// <param name="Epoch">How often the end was taken so far, this time included.</param>
internal sealed record EndSeat(ChannelArea Area, string Name, ChannelHeader Header, long BlockOffset, int Index, uint Epoch)
{
    public const int Hub = 0;

    public Window Window => Area.Window;

    public IParty Party => Area.Party;

    public int Capacity => (int)Header.Capacity;

    public int Spokes => (int)Header.Spokes;

    /// <summary>The words of an end of this channel.</summary>
    public EndWords End(int index) => new(Window, BlockOffset + ChannelLayout.EndAt(index));

    /// <summary>Where a ring of this channel begins in the window.</summary>
    public long RingOffset(int ring) => BlockOffset + (long)Header.RingsOffset + (ring * (long)Header.RingStride);

    /// <summary>The channel's generation as it stands in memory; another than the header's: it was removed.</summary>
    public SharedWord64 Generation => Window.Word64(BlockOffset + ChannelLayout.GenerationAt);
}
