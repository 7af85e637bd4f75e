// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Mailbox;

/// <summary>Slot 0 of a mailbox: says where everything else is. Written by the server; hostile, as every guest can write it too.</summary>
/// <remarks>
/// Source: FAME-Z mailbox, global area; guest/linux/uapi/tombolo_mailbox.h, struct tombolo_mailbox_globals. Five little-endian 64-bit fields.
/// <code>0: slot size | 8: offset of the message bytes in a slot | 16: nClients | 24: nEvents = nClients + 2 | 32: server_id = nClients + 1</code>
/// </remarks>
/// <param name="SlotSize">Bytes from one slot to the next.</param>
/// <param name="BufferOffset">Offset of the message bytes in a slot.</param>
/// <param name="Clients">Clients have the IDs 1 to this.</param>
/// <param name="Events">Vectors of every peer; the vector number is the sender's ID.</param>
/// <param name="ServerId">The server's own ID as a peer.</param>
public readonly record struct MailboxGlobals(ulong SlotSize, ulong BufferOffset, ulong Clients, ulong Events, ulong ServerId) : IWire<MailboxGlobals>
{
    /// <summary>The longest slot taken: a longer one would make one message a matter of memory.</summary>
    public const int MaxSlotSize = 1 << 20;
    /// <summary>The most clients: server_id must be an ivshmem ID of 16 bits.</summary>
    public const int MaxClients = 65534;

    /// <inheritdoc/>
    public static int Size => 40;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out MailboxGlobals value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(Field(source, 0), Field(source, 8), Field(source, 16), Field(source, 24), Field(source, 32));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, SlotSize);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], BufferOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], Clients);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], Events);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[32..], ServerId);
    }

    /// <inheritdoc/>
    public WireFault Check() => Problem() is null ? WireFault.None : WireFault.ValueOutOfRange;

    /// <summary>What is wrong with these values in themselves, in a few words; null where nothing is.</summary>
    public string? Problem()
    {
        if (SlotSize is < SlotLayout.BufferOffset or > MaxSlotSize || SlotSize % 8 != 0)
            return $"the slot size is {SlotSize}, not a multiple of 8 from {SlotLayout.BufferOffset} to {MaxSlotSize}";
        if (BufferOffset < SlotLayout.HeadEnd || BufferOffset > SlotSize - 2)
            return $"the messages' offset is {BufferOffset}, not {SlotLayout.HeadEnd} to {SlotSize - 2}";
        if (Clients is < 1 or > MaxClients) return $"nClients is {Clients}, not 1 to {MaxClients}";
        if (Events != Clients + 2) return $"nEvents is {Events}, not nClients + 2 = {Clients + 2}";
        return ServerId == Clients + 1 ? null : $"server_id is {ServerId}, not nClients + 1 = {Clients + 1}";
    }

    private static ulong Field(ReadOnlySpan<byte> source, int at) => BinaryPrimitives.ReadUInt64LittleEndian(source[at..]);
}
