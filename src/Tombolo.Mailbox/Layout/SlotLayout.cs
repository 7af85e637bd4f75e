// SPDX-License-Identifier: MIT
namespace Tombolo.Mailbox;

/// <summary>Offsets and sizes in a mailbox slot. Source: guest/linux/uapi/tombolo_mailbox.h, which is the ABI; a test compares the two.</summary>
public static class SlotLayout
{
    /// <summary>Bytes from one slot to the next in the classic size (TOMBOLO_MAILBOX_SLOTSIZE).</summary>
    public const int ClassicSlotSize = 512;
    /// <summary>Offset of the message bytes in a slot (TOMBOLO_MAILBOX_BUF_OFFSET).</summary>
    public const int BufferOffset = 128;
    /// <summary>Bytes of a node name, its NUL included (TOMBOLO_MAILBOX_NODENAME).</summary>
    public const int NodeNameBytes = 32;

    /// <summary>The owner's name, NUL-terminated.</summary>
    public const int NodeName = 0;
    /// <summary>Bytes of the message; 0: the slot is free.</summary>
    public const int MessageLength = 32;
    /// <summary>The slot's number, written by the server.</summary>
    public const int PeerId = 40;
    /// <summary>ID of the peer that the message is for.</summary>
    public const int LastResponder = 48;
    /// <summary>The owner's subnet ID; 0: none.</summary>
    public const int Sid = 56;
    /// <summary>The owner's component ID; 0: none.</summary>
    public const int Cid = 64;
    /// <summary>The head's fields end here; padding follows up to the message bytes.</summary>
    public const int HeadEnd = 72;
}
