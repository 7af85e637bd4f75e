// SPDX-License-Identifier: MIT
using System.Numerics;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>A ring's words and bytes in a window, with the cursors as they were found when it was opened: copied once, and checked.</summary>
internal readonly struct RingWords
{
    public RingWords(Window window, long offsetBytes, int capacityBytes)
    {
        if (capacityBytes is < ChannelLayout.MinCapacity or > ChannelLayout.MaxCapacity || !BitOperations.IsPow2(capacityBytes))
            throw new ArgumentOutOfRangeException(nameof(capacityBytes), capacityBytes, $"A ring's capacity is a power of two from {ChannelLayout.MinCapacity} to {ChannelLayout.MaxCapacity} bytes.");
        Head = window.Word64(offsetBytes + ChannelLayout.HeadAt);
        HeadCount = window.Word64(offsetBytes + ChannelLayout.HeadCountAt);
        OldestCount = window.Word64(offsetBytes + ChannelLayout.OldestCountAt);
        Oldest = window.Word64(offsetBytes + ChannelLayout.OldestAt);
        Tail = window.Word64(offsetBytes + ChannelLayout.TailAt);
        TailCount = window.Word64(offsetBytes + ChannelLayout.TailCountAt);
        Data = window.Block(offsetBytes + ChannelLayout.RingHeaderBytes, capacityBytes);
    }

    public SharedWord64 Head { get; }
    public SharedWord64 HeadCount { get; }
    public SharedWord64 Oldest { get; }
    public SharedWord64 OldestCount { get; }
    public SharedWord64 Tail { get; }
    public SharedWord64 TailCount { get; }
    public SharedBlock Data { get; }

    /// <summary>Puts the head on the tail where the two cannot be right together. For a writer that takes over from a liar.</summary>
    public void RepairHead()
    {
        ulong tail = Tail.ReadAcquire(), head = Head.ReadAcquire();
        if (CanBe(head, tail, Frame.Alignment) || tail % Frame.Alignment != 0) return;   // a tail that cannot be is its reader's to repair
        Step.Before("head repaired");
        Head.WriteRelease(tail);
    }

    /// <summary>Puts the tail on the head where the two cannot be right together. For a reader that takes over from a liar, whose messages are given up.</summary>
    public void RepairTail()
    {
        ulong tail = Tail.ReadAcquire(), head = Head.ReadAcquire();
        if (CanBe(head, tail, Frame.Alignment) || head % Frame.Alignment != 0) return;
        Step.Before("tail repaired");
        Tail.WriteRelease(head);
    }

    /// <summary>The two cursors of a ring that a party takes on: what an earlier party left.</summary>
    /// <param name="unit">What both must be multiples of.</param>
    /// <exception cref="ProtocolException">They cannot be right together.</exception>
    public (ulong Head, ulong Tail) ReadCursors(uint unit)
    {
        ulong tail = Tail.ReadAcquire(), head = Head.ReadAcquire();   // tail first: the head may only have grown since
        return CanBe(head, tail, unit) ? (head, tail)
            : throw new ProtocolException(WireFault.ValueOutOfRange, $"The ring's cursors are damaged: head {head}, tail {tail}, capacity {Data.LengthBytes}. Remove the channel and make it anew.");
    }

    private bool CanBe(ulong head, ulong tail, uint unit) => tail <= head && head - tail <= (ulong)Data.LengthBytes && (head | tail) % unit == 0;
}
