// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Store;

/// <summary>What a connection's slot says, in the server's memory.</summary>
internal enum SlotState : uint
{
    Free = 0,
    Socket = 1,
    Ring = 2,
}

/// <summary>One connection's part of the server's memory. A successor goes on from here.</summary>
/// <remarks>Counters are of bytes since the connection began, and wrap; a counter minus its origin is a place in the buffer.</remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct Slot
{
    public const int Size = 128;

    [FieldOffset(0)] public SlotState State;
    [FieldOffset(4)] public uint Domain;
    [FieldOffset(8)] public ulong Connection;
    /// <summary>Consumed (low) and produced (high) in one word: a request is answered in the moment that it is taken.</summary>
    [FieldOffset(16)] public ulong Progress;
    [FieldOffset(24)] public uint Received;
    [FieldOffset(28)] public uint Sent;
    [FieldOffset(32)] public uint InOrigin;
    [FieldOffset(36)] public uint OutOrigin;
    /// <summary>1: an event is overdue. 2: errors come with a sentence.</summary>
    [FieldOffset(40)] public uint Flags;
    [FieldOffset(48)] public long RingOffset;
}

/// <summary>The memory that a server keeps its connections in, so that a successor finds them: a memfd that the keeper holds too.</summary>
/// <remarks>
/// <code>
///    0: magic "TTBSTO01" | 8: version u32 | 12: slots u32 | 16: input bytes u32 | 20: output bytes u32 | 24: next connection u64
///   32: journal epoch u64 | 40: journal tail u64
///   64: call: kind u32 (0 none, 1 receive, 2 send), slot u32, counter before u32        128: the call's record, 64 bytes (CountedTransfer)
///  192: intent: state u64 (1: committed, not yet carried out), count u32, pad, journal tail u64        256: its entries of 16 bytes: slot u64, progress u64
/// then, page-aligned: slots, 128 bytes each; then their buffers: input, output
/// </code>
/// The server alone writes it. A single store of 8 bytes commits a request that touches one connection; the intent commits one that touches several, or the journal.
/// </remarks>
internal sealed class StoreMemory : IDisposable
{
    /// <summary>Two of the longest messages and more.</summary>
    public const int InBytes = 16 << 10;
    /// <summary>What may wait for a reader that is slow.</summary>
    public const int OutBytes = 256 << 10;

    private const ulong Magic = 0x31304F5453425454;   // "TTBSTO01"
    private const uint Version = 1;
    private const int CallRecord = 128, IntentEntries = 256, EntryBytes = 16;

    private readonly Window _window;
    private readonly long _slots, _buffers;

    private StoreMemory(SafeFd fd, int slots)
    {
        Descriptor = fd;
        SlotCount = slots;
        _slots = SlotsAt(slots);
        _buffers = BuffersAt(slots);
        _window = Window.Map(fd);
    }

    /// <summary>The memfd, owned.</summary>
    public SafeFd Descriptor { get; }

    public int SlotCount { get; }

    public static StoreMemory Create(int slots)
    {
        var memory = new StoreMemory(Memfd.Create("tombolo-store", SizeOf(slots)), slots);
        MemoryMarshal.Write(memory._window.Own(8, 4), Version);
        MemoryMarshal.Write(memory._window.Own(12, 4), slots);
        MemoryMarshal.Write(memory._window.Own(16, 4), InBytes);
        MemoryMarshal.Write(memory._window.Own(20, 4), OutBytes);
        memory.NextConnection = 1;
        MemoryMarshal.Write(memory._window.Own(0, 8), Magic);
        return memory;
    }

    /// <summary>Opens what a dead server left.</summary>
    /// <returns>The memory, or null where it is not of this version; then the descriptor is still the caller's.</returns>
    public static StoreMemory? TryOpen(SafeFd fd)
    {
        if (SharedFile.SizeOf(fd) < IntentEntries) return null;
        int slots;
        using (Window window = Window.Map(fd, IntentEntries, writable: false))
        {
            ReadOnlySpan<byte> header = window.Own(0, IntentEntries);
            slots = MemoryMarshal.Read<int>(header[12..]);
            if (MemoryMarshal.Read<ulong>(header) != Magic || MemoryMarshal.Read<uint>(header[8..]) != Version || slots is < 1 or > 1 << 20
                || MemoryMarshal.Read<int>(header[16..]) != InBytes || MemoryMarshal.Read<int>(header[20..]) != OutBytes) return null;
        }
        return SharedFile.SizeOf(fd) == SizeOf(slots) ? new(fd, slots) : null;
    }

    public ulong NextConnection
    {
        get => MemoryMarshal.Read<ulong>(_window.Own(24, 8));
        set => MemoryMarshal.Write(_window.Own(24, 8), value);
    }

    public ulong JournalEpoch => MemoryMarshal.Read<ulong>(_window.Own(32, 8));

    public long JournalTail => MemoryMarshal.Read<long>(_window.Own(40, 8));

    // ORDER: the tail before the epoch; with an epoch that is one behind, a successor reads the journal to its end instead.  PAIRS WITH: Recovery.
    public void SetJournal(ulong epoch, long tail)
    {
        Volatile.Write(ref MemoryMarshal.AsRef<long>(_window.Own(40, 8)), tail);
        Volatile.Write(ref MemoryMarshal.AsRef<ulong>(_window.Own(32, 8)), epoch);
    }

    public ref Slot this[int slot] => ref MemoryMarshal.AsRef<Slot>(_window.Own(_slots + ((long)slot * Slot.Size), Slot.Size));

    public Span<byte> In(int slot) => _window.Own(_buffers + (slot * (long)(InBytes + OutBytes)), InBytes);

    public Span<byte> Out(int slot) => _window.Own(_buffers + (slot * (long)(InBytes + OutBytes)) + InBytes, OutBytes);

    /// <summary>The record for the next call on a socket; what it moves is counted from a slot's counter.</summary>
    public Span<byte> BeginCall(int slot, bool isSend, uint counter)
    {
        Span<byte> call = _window.Own(64, 128);
        Volatile.Write(ref MemoryMarshal.AsRef<uint>(call), 0);
        call[64..].Clear();
        MemoryMarshal.Write(call[4..], slot);
        MemoryMarshal.Write(call[8..], counter);
        Volatile.Write(ref MemoryMarshal.AsRef<uint>(call), isSend ? 2u : 1u);
        return call[64..];
    }

    /// <summary>Forgets the last call: its slot begins anew.</summary>
    public void ForgetCall() => Volatile.Write(ref MemoryMarshal.AsRef<uint>(_window.Own(64, 4)), 0);

    /// <summary>Writes down what a dead server's last call moved, if it did not come to that itself.</summary>
    public void FinishCall()
    {
        ReadOnlySpan<byte> call = _window.Own(64, 128);
        uint kind = MemoryMarshal.Read<uint>(call), slot = MemoryMarshal.Read<uint>(call[4..]), counter = MemoryMarshal.Read<uint>(call[8..]);
        int moved = CountedTransfer.CountOf(call[64..]);
        if (kind is 0 or > 2 || slot >= SlotCount || moved <= 0 || this[(int)slot].State != SlotState.Socket) return;
        ref Slot mine = ref this[(int)slot];
        if (kind == 1 && mine.Received == counter && moved <= InBytes) mine.Received += (uint)moved;
        else if (kind == 2 && mine.Sent == counter && moved <= OutBytes) mine.Sent += (uint)moved;
    }

    /// <summary>Commits a request that touched several connections or the journal, and carries it out.</summary>
    public void Commit(ReadOnlySpan<(int Slot, ulong Progress)> touched, long journalTail)
    {
        Span<byte> intent = _window.Own(192, IntentEntries - 192 + (touched.Length * EntryBytes));
        for (int i = 0; i < touched.Length; i++)
        {
            MemoryMarshal.Write(intent[(64 + (i * EntryBytes))..], (ulong)touched[i].Slot);
            MemoryMarshal.Write(intent[(72 + (i * EntryBytes))..], touched[i].Progress);
        }
        MemoryMarshal.Write(intent[8..], touched.Length);
        MemoryMarshal.Write(intent[16..], journalTail);
        // ORDER: release; the entries before the word that makes them count.  PAIRS WITH: CarryOut, in a successor after this process died.
        Volatile.Write(ref MemoryMarshal.AsRef<ulong>(intent), 1);
        CarryOut();
    }

    /// <summary>Carries out what was committed. Doing it twice does nothing more.</summary>
    public void CarryOut()
    {
        Span<byte> intent = _window.Own(192, IntentEntries - 192 + (SlotCount * EntryBytes));
        if (MemoryMarshal.Read<ulong>(intent) != 1) return;
        int count = Math.Clamp(MemoryMarshal.Read<int>(intent[8..]), 0, SlotCount);
        for (int i = 0; i < count; i++)
        {
            ulong slot = MemoryMarshal.Read<ulong>(intent[(64 + (i * EntryBytes))..]);
            if (slot < (ulong)SlotCount) Volatile.Write(ref this[(int)slot].Progress, MemoryMarshal.Read<ulong>(intent[(72 + (i * EntryBytes))..]));
        }
        Volatile.Write(ref MemoryMarshal.AsRef<long>(_window.Own(40, 8)), MemoryMarshal.Read<long>(intent[16..]));
        Volatile.Write(ref MemoryMarshal.AsRef<ulong>(intent), 0);
    }

    public void Dispose()
    {
        _window.Dispose();
        Descriptor.Dispose();
    }

    private static long SlotsAt(int slots) => (IntentEntries + ((long)slots * EntryBytes) + 4095) & ~4095L;

    private static long BuffersAt(int slots) => (SlotsAt(slots) + ((long)slots * Slot.Size) + 4095) & ~4095L;

    private static long SizeOf(int slots) => BuffersAt(slots) + (slots * (long)(InBytes + OutBytes));
}
