// SPDX-License-Identifier: MIT
using System.Numerics;
using Tombolo.Ivshmem;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Mailbox;

/// <summary>Where everything lies in one mailbox: globals that were checked once, and are never read from shared memory again.</summary>
public sealed record MailboxGeometry
{
    private MailboxGeometry(int slotSize, int bufferOffset, int clients) => (SlotSize, BufferOffset, Clients) = (slotSize, bufferOffset, clients);

    /// <summary>Bytes from one slot to the next: a multiple of 8, 128 to 1048576.</summary>
    public int SlotSize { get; }

    /// <summary>Offset of the message bytes in a slot.</summary>
    public int BufferOffset { get; }

    /// <summary>Clients have the IDs 1 to this.</summary>
    public int Clients { get; }

    /// <summary>Slots, and vectors of every peer: clients + 2 (slot 0 holds the globals, the last one is the server's).</summary>
    public int Events => Clients + 2;

    /// <summary>The server's ID as a peer, which is the highest.</summary>
    public PeerId ServerId => new((ushort)(Clients + 1));

    /// <summary>The longest message in bytes; a NUL follows it in the slot.</summary>
    public int MaxMessage => SlotSize - BufferOffset - 1;

    /// <summary>Bytes of all slots.</summary>
    public long UsedBytes => (long)SlotSize * Events;

    /// <summary>The smallest memory that holds it and that QEMU takes: a power of two, at least 4096.</summary>
    public long WindowBytes => Math.Max(4096, (long)BitOperations.RoundUpToPowerOf2((ulong)UsedBytes));

    /// <summary>The globals that describe it.</summary>
    public MailboxGlobals Globals => new((ulong)SlotSize, (ulong)BufferOffset, (ulong)Clients, (ulong)Events, ServerId.Value);

    /// <summary>The geometry of a new mailbox.</summary>
    /// <param name="slotSize">Bytes of a slot: a multiple of 8, 136 to 1048576. Classic: 512.</param>
    /// <param name="clients">How many clients, 1 to 65534. Classic: 14.</param>
    /// <exception cref="ArgumentException">The values cannot be; the message says why.</exception>
    public static MailboxGeometry Create(int slotSize = SlotLayout.ClassicSlotSize, int clients = 14)
    {
        var globals = new MailboxGlobals((ulong)slotSize, SlotLayout.BufferOffset, (ulong)clients, (ulong)clients + 2, (ulong)clients + 1);
        return globals.Problem() is { } problem ? throw new ArgumentException($"There is no such mailbox: {problem}.") : new(slotSize, SlotLayout.BufferOffset, clients);
    }

    /// <summary>Judges a copy of a mailbox's globals.</summary>
    /// <param name="globals">The copy.</param>
    /// <param name="windowBytes">Size of the memory that must hold all slots.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="problem">Where false is returned, what is wrong, in a few words.</param>
    public static bool TryFrom(MailboxGlobals globals, long windowBytes, out MailboxGeometry geometry, out string problem)
    {
        geometry = null!;
        problem = globals.Problem() ?? "";
        if (problem.Length > 0) return false;
        geometry = new((int)globals.SlotSize, (int)globals.BufferOffset, (int)globals.Clients);
        if (geometry.UsedBytes <= windowBytes) return true;
        problem = $"its {geometry.Events} slots of {geometry.SlotSize} bytes do not fit into the memory of {windowBytes} bytes";
        return false;
    }

    /// <summary>Reads and judges the globals of a window.</summary>
    /// <param name="window">Shared memory; its slot 0 is copied once.</param>
    /// <exception cref="ProtocolException">It holds no mailbox, or one with impossible globals.</exception>
    public static MailboxGeometry Read(Window window)
    {
        MailboxGlobals globals = ReadGlobals(window);
        if (globals == default)
            throw new ProtocolException(WireFault.ValueOutOfRange, $"The shared memory of {window.LengthBytes} bytes holds no mailbox: its first bytes are zero, so no mailbox server has set it up.");
        return TryFrom(globals, window.LengthBytes, out MailboxGeometry geometry, out string problem) ? geometry
            : throw new ProtocolException(WireFault.ValueOutOfRange, $"The shared memory of {window.LengthBytes} bytes holds no mailbox: {problem}.");
    }

    /// <summary>How many vectors a client of this window's mailbox gets; null where it holds none. For <see cref="IvshmemClientOptions.VectorCount"/>.</summary>
    /// <param name="window">Shared memory.</param>
    public static int? VectorCountIn(Window window) => TryFrom(ReadGlobals(window), window.LengthBytes, out MailboxGeometry geometry, out _) ? geometry.Events : null;

    /// <summary>Where a slot begins, in bytes from the window's start.</summary>
    /// <param name="slot">A peer's ID, up to the server's; 0 for the globals.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such slot.</exception>
    public long SlotOffset(PeerId slot)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slot.Value, ServerId.Value, nameof(slot));
        return (long)SlotSize * slot.Value;
    }

    /// <summary>Whether a peer has a slot here.</summary>
    /// <param name="id">Any ID.</param>
    public bool HasSlot(PeerId id) => id.Value >= 1 && id.Value <= ServerId.Value;

    private static MailboxGlobals ReadGlobals(Window window)
    {
        Span<byte> copy = stackalloc byte[MailboxGlobals.Size];
        copy.Clear();
        if (window.LengthBytes >= MailboxGlobals.Size) window.View(0, MailboxGlobals.Size).CopyOut(0, copy);
        _ = MailboxGlobals.TryRead(copy, out MailboxGlobals globals);
        return globals;
    }
}
