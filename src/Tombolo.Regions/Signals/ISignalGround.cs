// SPDX-License-Identifier: MIT
namespace Tombolo.Regions;

/// <summary>One direction's signal table and doorbell, as single steps: each member is one atomic access or one system call, so that a model can stop between any two.</summary>
internal interface ISignalGround
{
    /// <summary>How many slots there are; a power of two.</summary>
    int Slots { get; }

    /// <summary>Reads a slot (acquire).</summary>
    uint ReadSlot(int slot);

    /// <summary>Replaces a slot's value if it is the expected one (full barrier); returns what it held.</summary>
    uint CompareExchangeSlot(int slot, uint value, uint expected);

    /// <summary>Replaces a slot's value (full barrier); returns what it held.</summary>
    uint ExchangeSlot(int slot, uint value);

    /// <summary>Reads the signalled word (acquire).</summary>
    uint ReadSignalled();

    /// <summary>Replaces the signalled word (full barrier); returns what it held.</summary>
    uint ExchangeSignalled(uint value);

    /// <summary>Whether a ring stands in the doorbell that its owner has not taken yet.</summary>
    bool IsRingPending();

    /// <summary>Rings the receiver.</summary>
    void Ring();

    /// <summary>Wakes everybody of this side who sleeps at an offset.</summary>
    void Wake(uint offset);

    /// <summary>Whether an offset may be handed to <see cref="Return"/>; where not, round trips stay in their slots.</summary>
    bool CanReturn { get; }

    /// <summary>Signals an offset back: its sender asked for a round trip.</summary>
    void Return(uint offset);
}
