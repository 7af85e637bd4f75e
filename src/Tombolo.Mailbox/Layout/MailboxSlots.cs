// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Ivshmem;
using Tombolo.Memory;

namespace Tombolo.Mailbox;

/// <summary>The slots of one mailbox in its window. Every value comes from memory that anybody may write: each is read once and handed out as a copy to judge.</summary>
/// <param name="window">The shared memory, borrowed; it must stay mapped while this is used.</param>
/// <param name="geometry">A geometry that fits the window.</param>
/// <remarks>Thread-safe as far as memory goes: each access is one word, or a copy that may be torn by whoever writes at the same time.</remarks>
public sealed class MailboxSlots(Window window, MailboxGeometry geometry)
{
    /// <summary>Where everything lies.</summary>
    public MailboxGeometry Geometry { get; } = geometry;

    /// <summary>Writes the globals and every slot's number, as a server does before its first client.</summary>
    /// <param name="clear">Also empty every slot: for new memory. A server that takes over leaves what is in flight.</param>
    public void Format(bool clear)
    {
        for (int id = 1; id <= Geometry.ServerId.Value; id++)
        {
            SharedView head = Head(new((ushort)id));
            if (clear) head.Clear(0, SlotLayout.BufferOffset);
            head.WriteRelease64(SlotLayout.PeerId, (ulong)id);
        }
        Span<byte> globals = stackalloc byte[MailboxGlobals.Size];
        Geometry.Globals.Write(globals);
        SharedView view = window.View(0, MailboxGlobals.Size);
        view.CopyIn(8, globals[8..]);
        view.WriteRelease64(0, Geometry.Globals.SlotSize);   // ORDER: everything before the slot size: a reader that finds 0 there knows that the mailbox is not set up.
    }

    /// <summary>Bytes of the message in a slot; 0: free. It may be a lie.</summary>
    /// <param name="slot">Whose.</param>
    public ulong LengthOf(PeerId slot) => Head(slot).ReadAcquire64(SlotLayout.MessageLength);

    /// <summary>The peer that a slot's message is for. It may be a lie.</summary>
    /// <param name="slot">Whose.</param>
    public ulong ResponderOf(PeerId slot) => Head(slot).ReadAcquire64(SlotLayout.LastResponder);

    /// <summary>A slot's number as the server wrote it. It may be a lie.</summary>
    /// <param name="slot">Whose.</param>
    public ulong NumberOf(PeerId slot) => Head(slot).ReadAcquire64(SlotLayout.PeerId);

    /// <summary>The address that a slot's owner shows.</summary>
    /// <param name="slot">Whose.</param>
    public SidCid AddressOf(PeerId slot)
    {
        SharedView head = Head(slot);
        return new(head.ReadAcquire64(SlotLayout.Sid), head.ReadAcquire64(SlotLayout.Cid));
    }

    /// <summary>Shows an address in a slot.</summary>
    /// <param name="slot">Whose.</param>
    /// <param name="address">The address; default clears it.</param>
    public void SetAddress(PeerId slot, SidCid address)
    {
        SharedView head = Head(slot);
        head.WriteRelease64(SlotLayout.Sid, address.Sid);
        head.WriteRelease64(SlotLayout.Cid, address.Cid);
    }

    /// <summary>The name that a slot's owner shows, fit to be printed: what is not printable ASCII becomes a question mark.</summary>
    /// <param name="slot">Whose.</param>
    /// <returns>The name; empty where nobody is there.</returns>
    public string NameOf(PeerId slot)
    {
        Span<byte> copy = stackalloc byte[SlotLayout.NodeNameBytes];
        Head(slot).CopyOut(SlotLayout.NodeName, copy);
        int length = copy.IndexOf((byte)0);
        return Printable(length < 0 ? copy[..^1] : copy[..length]);
    }

    /// <summary>Shows a name in a slot.</summary>
    /// <param name="slot">Whose.</param>
    /// <param name="name">The name; cut after 31 bytes. Empty clears it.</param>
    public void SetName(PeerId slot, string name)
    {
        Span<byte> bytes = stackalloc byte[SlotLayout.NodeNameBytes];
        bytes.Clear();
        _ = Encoding.ASCII.GetBytes(name.AsSpan(0, Math.Min(name.Length, SlotLayout.NodeNameBytes - 1)), bytes);
        Head(slot).CopyIn(SlotLayout.NodeName, bytes);
    }

    /// <summary>Puts a message into a slot, which must be the caller's own and free.</summary>
    /// <param name="slot">The sender's.</param>
    /// <param name="to">The receiver.</param>
    /// <param name="message">1 to <see cref="MailboxGeometry.MaxMessage"/> bytes.</param>
    public void Publish(PeerId slot, PeerId to, ReadOnlySpan<byte> message)
    {
        SharedView view = window.View(Geometry.SlotOffset(slot), Geometry.SlotSize);
        view.CopyIn(Geometry.BufferOffset, message);
        view.Clear(Geometry.BufferOffset + message.Length, 1);
        view.WriteRelease64(SlotLayout.LastResponder, to.Value);
        // ORDER: bytes and receiver before the length.  PAIRS WITH: ReadAcquire64 in LengthOf, rmb() in guest/linux/bridge_receive.c.
        view.WriteRelease64(SlotLayout.MessageLength, (ulong)message.Length);
    }

    /// <summary>Copies a message out of a slot.</summary>
    /// <param name="slot">The sender's.</param>
    /// <param name="destination">As long as the message, at most <see cref="MailboxGeometry.MaxMessage"/>.</param>
    public void CopyMessage(PeerId slot, Span<byte> destination) => window.View(Geometry.SlotOffset(slot), Geometry.SlotSize).CopyOut(Geometry.BufferOffset, destination);

    /// <summary>Acknowledges a message: frees the slot if it still holds the length that was read.</summary>
    /// <param name="slot">The sender's.</param>
    /// <param name="length">The length that was read before the bytes were copied.</param>
    /// <returns>False where the sender withdrew or replaced it meanwhile: the copy is worth nothing.</returns>
    // ORDER: full barrier; all reads of the message before the slot is free.  PAIRS WITH: Withdraw here, settle() in guest/linux/bridge_send.c.
    public bool TryAcknowledge(PeerId slot, ulong length) => Head(slot).CompareExchange64(SlotLayout.MessageLength, 0, length) == length;

    /// <summary>Empties a slot.</summary>
    /// <param name="slot">Whose.</param>
    /// <returns>True where it held a message, which nobody took and nobody will.</returns>
    // ORDER: full barrier; either this or the receiver's exchange gets the length, never both.
    public bool Withdraw(PeerId slot) => Head(slot).Exchange64(SlotLayout.MessageLength, 0) != 0;

    /// <summary>Clears what a peer leaves behind: its message, its name, its address. Only once it can write no more.</summary>
    /// <param name="slot">Whose.</param>
    public void Vacate(PeerId slot)
    {
        _ = Withdraw(slot);
        SetName(slot, "");
        SetAddress(slot, default);
        Head(slot).WriteRelease64(SlotLayout.LastResponder, 0);
    }

    /// <summary>Makes bytes of another party fit to be shown on one line: what is not printable ASCII becomes a question mark.</summary>
    /// <param name="bytes">Any bytes.</param>
    public static string Printable(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = bytes.Length <= 512 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (int i = 0; i < bytes.Length; i++) text[i] = bytes[i] is >= (byte)' ' and <= (byte)'~' ? (char)bytes[i] : '?';
        return new(text);
    }

    private SharedView Head(PeerId slot) => window.View(Geometry.SlotOffset(slot), SlotLayout.BufferOffset);
}
