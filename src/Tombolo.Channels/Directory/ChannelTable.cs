// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>The directory's lines and the memory behind them. Every method but <see cref="Read"/> and <see cref="Find"/> is called under the directory's lock.</summary>
/// <remarks>
/// Theory of operation. A line is free, making, ready or removing, and is ready only when everything else about it is in place. The lines are the only record of what memory is taken, so
/// there is no free list that a death could tear: a gap is looked for between the blocks of the lines that are ready. "Making" and "removing" exist only while the lock is held; whoever
/// takes the lock and finds one looks at a dead party's work, and sets the line free.
/// </remarks>
internal sealed class ChannelTable(Window window, long areaOffset, AreaShape shape)
{
    private readonly record struct Block(long Start, long End);

    /// <summary>Copies a line out.</summary>
    public DirectoryEntry Read(int index)
    {
        uint state = State(index).ReadAcquire();   // ORDER: acquire; of a line that is ready, everything is in place.  PAIRS WITH: the store of "ready" in Add
        Span<byte> bytes = stackalloc byte[AreaLayout.EntryBytes];
        window.View(At(index), bytes.Length).CopyOut(0, bytes);
        _ = DirectoryEntry.TryRead(bytes, out DirectoryEntry entry);
        return entry with { State = state };
    }

    /// <summary>Looks for a channel.</summary>
    /// <returns>The index of its line, or −1.</returns>
    public int Find(string name, out DirectoryEntry entry)
    {
        for (int index = 0; index < shape.Entries; index++)
        {
            entry = Read(index);
            if (entry.State == EntryLayout.Ready && entry.Name == name) return index;
        }
        entry = default;
        return -1;
    }

    /// <summary>Clears away what a party that died under the lock left half done.</summary>
    public void Sweep()
    {
        for (int index = 0; index < shape.Entries; index++)
            if (State(index).ReadAcquire() is not (EntryLayout.Free or EntryLayout.Ready))
            {
                Step.Before("entry swept");
                State(index).WriteRelease(EntryLayout.Free);
            }
    }

    /// <summary>Makes a channel: takes a line and a block, formats the block, and shows the line.</summary>
    /// <exception cref="ChannelException">No line is free, or no gap is large enough.</exception>
    public DirectoryEntry Add(string name, ChannelSpec spec, PartyId creator)
    {
        int index = FindFree();
        long length = AreaLayout.RoundUp(ChannelLayout.BlockBytes(spec.EndsBehindHub, spec.Rings, spec.CapacityBytes), AreaLayout.HeapGranule);
        long start = FindGap(length);
        ulong generation = LastGeneration() + 1;
        var entry = new DirectoryEntry(EntryLayout.Making, spec.Kind, (ulong)start, (ulong)length, generation, spec.Rights.Hub, spec.Rights.Spoke, creator, name);
        Step.Before("entry making");
        State(index).WriteRelease(EntryLayout.Making);
        Step.Before("entry");
        Span<byte> bytes = stackalloc byte[AreaLayout.EntryBytes];
        entry.Write(bytes);
        window.View(At(index), bytes.Length).CopyIn(0, bytes);
        FormatBlock(start, ChannelHeader.For(spec, generation));
        Step.Before("entry ready");
        State(index).WriteRelease(EntryLayout.Ready);   // ORDER: release; line and block are whole.  PAIRS WITH: Read
        return entry with { State = EntryLayout.Ready };
    }

    /// <summary>Takes a channel away. Ends that are still open learn it from the generation.</summary>
    public void Remove(int index, in DirectoryEntry entry)
    {
        Step.Before("entry removing");
        State(index).WriteRelease(EntryLayout.Removing);
        if (IsWithinHeap(entry))
        {
            Step.Before("generation gone");
            window.Word64(areaOffset + (long)entry.Offset + ChannelLayout.GenerationAt).WriteRelease(0);
        }
        Step.Before("entry free");
        State(index).WriteRelease(EntryLayout.Free);
    }

    /// <summary>Reads and checks the header of a channel's block.</summary>
    /// <exception cref="ProtocolException">The line or the block cannot be right.</exception>
    public ChannelHeader HeaderOf(in DirectoryEntry entry)
    {
        if (entry.Check() is not WireFault.None and var fault || !IsWithinHeap(entry))
            throw new ProtocolException(entry.Check() is WireFault.None ? WireFault.ValueOutOfRange : entry.Check(), $"The directory's line of channel '{entry.Name}' is damaged: {entry.Length} bytes at {entry.Offset}. Remove the channel.");
        Span<byte> bytes = stackalloc byte[ChannelLayout.HeaderBytes];
        window.View(areaOffset + (long)entry.Offset, bytes.Length).CopyOut(0, bytes);
        _ = ChannelHeader.TryRead(bytes, out ChannelHeader header);
        WireFault wrong = header.Check();
        if (wrong == WireFault.None && (header.Kind != entry.Kind || header.Generation != entry.Generation || header.BlockBytes > (long)entry.Length)) wrong = WireFault.ValueOutOfRange;
        return wrong == WireFault.None ? header : throw new ProtocolException(wrong, $"The header of channel '{entry.Name}' is damaged ({wrong}). Remove the channel.");
    }

    private bool IsWithinHeap(in DirectoryEntry entry) =>
        entry.Offset >= (ulong)shape.HeapStart && entry.Offset % AreaLayout.HeapGranule == 0 && entry.Offset <= (ulong)shape.Length
        && entry.Length >= ChannelLayout.HeaderBytes && entry.Length <= (ulong)shape.Length - entry.Offset;

    private int FindFree()
    {
        for (int index = 0; index < shape.Entries; index++)
            if (State(index).ReadAcquire() == EntryLayout.Free) return index;
        throw new ChannelException(ChannelFault.AreaFull, $"The directory is full: all of its {shape.Entries} lines name channels. Remove one, or make the area with more entries.");
    }

    private long FindGap(long length)
    {
        var blocks = new List<Block>();
        for (int index = 0; index < shape.Entries; index++)
        {
            DirectoryEntry entry = Read(index);
            if (entry.State == EntryLayout.Ready && IsWithinHeap(entry)) blocks.Add(new((long)entry.Offset, (long)(entry.Offset + entry.Length)));
        }
        long start = shape.HeapStart, largest = 0;
        foreach (Block block in blocks.OrderBy(static block => block.Start).Append(new(shape.Length, shape.Length)))
        {
            if (block.Start - start >= length) return start;
            largest = Math.Max(largest, block.Start - start);
            start = Math.Max(start, block.End);
        }
        throw new ChannelException(ChannelFault.AreaFull, $"The channel needs {length} bytes; the largest gap in the area has {largest}. Make it smaller, remove another, or make the area longer.");
    }

    // Generations only need to differ for one place of memory; the largest there is, of any line however old, plus one does.
    private ulong LastGeneration()
    {
        ulong last = 0;
        for (int index = 0; index < shape.Entries; index++) last = Math.Max(last, Read(index).Generation);
        return last < ulong.MaxValue / 2 ? last : 0;
    }

    private void FormatBlock(long start, ChannelHeader header)
    {
        int tables = (int)header.RingsOffset;
        Step.Before("block tables");
        window.View(areaOffset + start, tables).Clear(0, tables);
        for (int ring = 0; ring < (int)header.Rings; ring++)
        {
            Step.Before("block ring");
            window.View(areaOffset + start + (long)header.RingsOffset + (ring * (long)header.RingStride), ChannelLayout.RingHeaderBytes).Clear(0, ChannelLayout.RingHeaderBytes);
        }
        Span<byte> bytes = stackalloc byte[ChannelLayout.HeaderBytes];
        header.Write(bytes);
        Step.Before("block header");
        window.View(areaOffset + start, bytes.Length).CopyIn(0, bytes);
    }

    private SharedWord32 State(int index) => window.Word32(At(index) + EntryLayout.StateAt);

    private long At(int index) => areaOffset + AreaLayout.EntryAt(shape.Parties, index);
}
