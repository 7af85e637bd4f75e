// SPDX-License-Identifier: MIT
namespace Tombolo.Regions;

/// <summary>The futex-by-offset protocol, step by step.</summary>
/// <remarks>
/// Theory of operation. The sender changes a word, puts the word's offset into a free slot, sets the signalled word, and rings. The receiver, when it is rung, takes the signalled word,
/// takes every slot, and wakes who sleeps at the offsets; then it looks at the signalled word again.
/// Source: vsoc_shm.h, struct vsoc_signal_table_layout; the hash and the low bits are those of vSoC's library (region_view).
/// <para>
/// Two rules of vSoC lose signals where a sender is killed between two steps, and ours differ there without anybody being able to tell:
/// (1) "the offset is there already: done" leaves a signal to somebody who may be dead; we go on to the doorbell.
/// (2) "the signalled word was set already: no ring" trusts that whoever set it also rang; we ring, unless a ring stands in the doorbell that the receiver has not taken: that one comes
/// after our slot, so it is ours as well. A receiver takes a needless ring for a spurious one.
/// </para>
/// </remarks>
internal static class SignalProtocol
{
    /// <summary>What of a slot is the offset. Words are 4-byte aligned, so two bits are free for flags.</summary>
    public const uint OffsetMask = ~3u;

    /// <summary>A slot's flag: wake, and then signal the same offset back. vSoC's library sets it when both sides are to be woken.</summary>
    public const uint RoundTrip = 1;

    /// <summary>A receiver looks again at most so often in a row: the other side can set the signalled word for ever.</summary>
    public const int MaxRounds = 16;

    /// <summary>Puts an offset into the table and sees to it that the receiver comes.</summary>
    /// <param name="ground">The outgoing table.</param>
    /// <param name="offset">A multiple of 4, more than 0. The word there is changed already.</param>
    /// <returns>False where the table is full: the receiver was rung to make room; try again.</returns>
    public static bool TrySend<T>(ref T ground, uint offset) where T : ISignalGround
    {
        int mask = ground.Slots - 1;
        int slot = (int)(offset >> 2) & mask;
        bool isIn = false;
        for (int probes = 0; probes <= mask && !isIn; probes++, slot = (slot + 1) & mask)
        {
            // ORDER: full barrier; the sender's word is changed before its offset can be seen.  PAIRS WITH: the exchange in Receive, and the guest's.
            uint held = ground.CompareExchangeSlot(slot, offset, 0);
            isIn = held == 0 || (held & OffsetMask) == offset;
        }
        // ORDER: full barrier; the slot is filled before the word is set.  PAIRS WITH: Receive, which takes the word before it looks at the slots.
        if (ground.ExchangeSignalled(1) == 0 || !ground.IsRingPending()) ground.Ring();
        return isIn;
    }

    /// <summary>Takes what was signalled and wakes. Several receivers of one side may do so at once: each slot is taken by one of them.</summary>
    /// <param name="ground">The incoming table.</param>
    /// <param name="regionBytes">Offsets beyond are somebody's mistake, and nobody is woken for them.</param>
    /// <returns>Whether it was worth it: the signalled word or a slot was set. Else the ring was spurious.</returns>
    /// <remarks>The slots are looked at even where the signalled word is 0: another receiver may have taken the word, and died.</remarks>
    public static bool Receive<T>(ref T ground, uint regionBytes) where T : ISignalGround
    {
        bool wasMeant = ground.ExchangeSignalled(0) != 0;
        for (int slot = 0; slot < ground.Slots; slot++)
        {
            uint held = ground.ReadSlot(slot);
            if (held == 0) continue;
            bool isTaken = ground.CanReturn || (held & RoundTrip) == 0;   // else it is looked at again when less is owed
            if (ground.CanReturn) held = ground.ExchangeSlot(slot, 0);
            else if (isTaken && ground.CompareExchangeSlot(slot, 0, held) != held) continue;   // whoever changed it sets the word after that
            uint offset = held & OffsetMask;
            if (offset == 0 || offset > regionBytes - sizeof(uint)) continue;
            wasMeant = true;
            ground.Wake(offset);
            if (isTaken && (held & RoundTrip) != 0) ground.Return(offset);
        }
        return wasMeant;
    }
}
