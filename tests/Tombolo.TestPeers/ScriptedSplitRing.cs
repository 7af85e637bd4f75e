// SPDX-License-Identifier: MIT
namespace Tombolo.TestPeers;

/// <summary>The driver's side of a split ring.</summary>
public sealed class ScriptedSplitRing : ScriptedRing
{
    private readonly Stack<ushort> _free = new();
    private readonly ushort[][] _chains;
    private ushort _available, _shown, _kicked, _used;
    private int _outstanding;

    public ScriptedSplitRing(ScriptedMemory memory, ulong at, int size, bool hasEventIndex = false) : base(memory, at, size, hasEventIndex)
    {
        _chains = new ushort[size][];
        for (int i = size - 1; i >= 0; i--)
        {
            _chains[i] = [(ushort)i];
            _free.Push((ushort)i);
        }
        memory.At(at, (int)BytesFor(size)).Clear();
    }

    public override ulong Driver => Descriptors + (ulong)(16 * Size);
    public override ulong Device => Driver + (ulong)Aligned(6 + (2 * Size));
    public override int Outstanding => _outstanding;
    public ulong UsedEvent => Driver + 4 + (ulong)(2 * Size);
    public ulong AvailableEvent => Device + 4 + (ulong)(8 * Size);
    public ushort AvailableIndex => _available;

    public override int Post(ReadOnlySpan<ScriptedBuffer> buffers, ulong table = 0, bool isShown = true)
    {
        int wanted = table == 0 ? buffers.Length : 1;
        if (_free.Count < wanted) return -1;
        ushort head = _free.Peek();
        if (_chains[head].Length != wanted) _chains[head] = new ushort[wanted];
        ushort[] chain = _chains[head];
        for (int i = 0; i < wanted; i++) chain[i] = _free.Pop();
        if (table == 0)
            for (int i = 0; i < wanted; i++) WriteDescriptor(Descriptors, chain[i], buffers[i], i + 1 < wanted ? chain[i + 1] : -1);
        else
        {
            for (int i = 0; i < buffers.Length; i++) WriteDescriptor(table, i, buffers[i], i + 1 < buffers.Length ? i + 1 : -1);
            WriteRaw(Descriptors, head, table, (uint)(16 * buffers.Length), 4, 0);
        }
        PostHead(head, isShown);
        return head;
    }

    /// <summary>Makes any number available as if it were a head.</summary>
    public void PostHead(ushort head, bool isShown = true)
    {
        Memory.Write16(Driver + 4 + (ulong)(2 * (_available % Size)), head);
        _available++;
        _outstanding++;
        if (isShown) Show();
    }

    public void Show()
    {
        _shown = _available;
        Volatile.Write(ref System.Runtime.InteropServices.MemoryMarshal.AsRef<ushort>(Memory.At(Driver + 2, 2)), _shown);
    }

    /// <summary>Writes a descriptor as it is told.</summary>
    public void WriteRaw(ulong table, int index, ulong address, uint length, ushort flags, ushort next)
    {
        ulong at = table + (ulong)(16 * index);
        Memory.Write64(at, address);
        Memory.Write64(at + 8, length | ((ulong)flags << 32) | ((ulong)next << 48));
    }

    public override bool TryGetUsed(out ushort id, out uint length)
    {
        (id, length) = (0, 0);
        ushort index = Volatile.Read(ref System.Runtime.InteropServices.MemoryMarshal.AsRef<ushort>(Memory.At(Device + 2, 2)));
        if (index == _used) return false;
        ulong entry = Memory.Read64(Device + 4 + (ulong)(8 * (_used % Size)));
        (id, length) = ((ushort)entry, (uint)(entry >> 32));
        ushort[] chain = _chains[id];
        for (int i = chain.Length - 1; i >= 0; i--) _free.Push(chain[i]);
        _used++;
        _outstanding--;
        return true;
    }

    public override bool NeedsKick()
    {
        (ushort before, ushort now) = (_kicked, _shown);
        _kicked = _shown;
        if (before == now) return false;
        Interlocked.MemoryBarrier();
        return HasEventIndex ? NeedsEvent(Memory.Read16(AvailableEvent), now, before) : (Memory.Read16(Device) & 1) == 0;
    }

    public override void WantNotice(bool wanted)
    {
        if (!HasEventIndex) Memory.Write16(Driver, wanted ? (ushort)0 : (ushort)1);
        else Memory.Write16(UsedEvent, wanted ? _used : (ushort)(_used - 1));
        Interlocked.MemoryBarrier();
    }

    private void WriteDescriptor(ulong table, int index, ScriptedBuffer buffer, int next) =>
        WriteRaw(table, index, buffer.Address, buffer.Length, (ushort)((next >= 0 ? 1 : 0) | (buffer.IsWritable ? 2 : 0)), (ushort)Math.Max(next, 0));
}
