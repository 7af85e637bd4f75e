// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>One end of a channel as it stands now.</summary>
/// <param name="Owner">Who holds it.</param>
/// <param name="State">How it stands.</param>
/// <param name="Epoch">How often it was taken.</param>
/// <param name="IsAsleep">Whether its holder sleeps in a wait.</param>
/// <param name="Lost">Messages that a subscriber did not get; 0 for other ends.</param>
public sealed record ChannelEndInfo(PartyId Owner, PeerState State, uint Epoch, bool IsAsleep, ulong Lost);

/// <summary>One ring of a channel as it stands now.</summary>
/// <param name="Head">Bytes published so far.</param>
/// <param name="Tail">Bytes taken so far; of a broadcast, bytes that are overwritten.</param>
/// <param name="Sent">Messages published so far.</param>
/// <param name="Taken">Messages taken so far; 0 for a broadcast, whose subscribers count for themselves.</param>
public sealed record ChannelRingInfo(ulong Head, ulong Tail, ulong Sent, ulong Taken);

/// <summary>A channel of a directory, as it stands now. The numbers are other parties' words, for people: nothing here was judged.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Spec">Its shape and rights.</param>
/// <param name="Creator">Who made it.</param>
/// <param name="Generation">Tells it from an earlier channel of the same name.</param>
/// <param name="OffsetBytes">Where its block begins, from the area's start.</param>
/// <param name="LengthBytes">How long its block is.</param>
/// <param name="Ends">The hub, then the spokes.</param>
/// <param name="Rings">The rings.</param>
public sealed record ChannelInfo(string Name, ChannelSpec Spec, PartyId Creator, ulong Generation, long OffsetBytes, long LengthBytes,
    IReadOnlyList<ChannelEndInfo> Ends, IReadOnlyList<ChannelRingInfo> Rings);
