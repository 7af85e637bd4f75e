// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.TestPeers;

/// <summary>The driver's side of a packed ring.</summary>
public sealed class ScriptedPackedRing : ScriptedRing
{
    private readonly Stack<ushort> _ids = new();
    private readonly ushort[] _lengths;
    private int _next, _used, _free, _sinceKick, _firstAt = -1, _outstanding;
    private ulong _firstWord;
    private bool _wrap = true, _usedWrap = true;

    public ScriptedPackedRing(ScriptedMemory memory, ulong at, int size, bool hasEventIndex = false) : base(memory, at, size, hasEventIndex)
    {
        _lengths = new ushort[size];
        _free = size;
        for (int i = size - 1; i >= 0; i--) _ids.Push((ushort)i);
        memory.At(at, (int)BytesFor(size)).Clear();
    }

    public override ulong Driver => Descriptors + (ulong)(16 * Size);
    public override ulong Device => Driver + 16;
    public override int Outstanding => _outstanding;
    /// <summary>Where the next descriptor goes.</summary>
    public int Next => _next;
    public bool Wrap => _wrap;

    public override int Post(ReadOnlySpan<ScriptedBuffer> buffers, ulong table = 0, bool isShown = true)
    {
        int wanted = table == 0 ? buffers.Length : 1;
        if (_free < wanted || _ids.Count == 0) return -1;
        ushort id = _ids.Pop();
        _lengths[id] = (ushort)wanted;
        _free -= wanted;
        _outstanding++;
        _sinceKick += wanted;
        if (table != 0)
        {
            for (int i = 0; i < buffers.Length; i++) WriteRaw(table + (ulong)(16 * i), buffers[i].Address, buffers[i].Length, 0, buffers[i].IsWritable ? (ushort)2 : (ushort)0);
            Put(table, (uint)(16 * buffers.Length), id, 4);
        }
        else
            for (int i = 0; i < wanted; i++) Put(buffers[i].Address, buffers[i].Length, id, (ushort)((i + 1 < wanted ? 1 : 0) | (buffers[i].IsWritable ? 2 : 0)));
        if (isShown) Show();
        return id;
    }

    /// <summary>Shows all that was prepared, by writing the first descriptor's flags.</summary>
    public void Show()
    {
        if (_firstAt < 0) return;
        Volatile.Write(ref MemoryMarshal.AsRef<ulong>(Memory.At(Descriptors + (ulong)(16 * _firstAt) + 8, 8)), _firstWord);
        _firstAt = -1;
    }

    /// <summary>Writes the next descriptor; shown with <see cref="Show"/>.</summary>
    public void Put(ulong address, uint length, ushort id, ushort flags)
    {
        flags |= _wrap ? (ushort)(1 << 7) : (ushort)(1 << 15);
        ulong at = Descriptors + (ulong)(16 * _next), word = length | ((ulong)id << 32) | ((ulong)flags << 48);
        Memory.Write64(at, address);
        if (_firstAt < 0) (_firstAt, _firstWord) = (_next, word);
        else Memory.Write64(at + 8, word);
        Advance(ref _next, ref _wrap, 1);
    }

    /// <summary>Writes a descriptor as it is told.</summary>
    public void WriteRaw(ulong at, ulong address, uint length, ushort id, ushort flags)
    {
        Memory.Write64(at, address);
        Memory.Write64(at + 8, length | ((ulong)id << 32) | ((ulong)flags << 48));
    }

    public override bool TryGetUsed(out ushort id, out uint length)
    {
        ulong word = Volatile.Read(ref MemoryMarshal.AsRef<ulong>(Memory.At(Descriptors + (ulong)(16 * _used) + 8, 8)));
        (id, length) = ((ushort)(word >> 32), (uint)word);
        ushort flags = (ushort)(word >> 48);
        if (((flags & (1 << 7)) != 0) != _usedWrap || ((flags & (1 << 15)) != 0) != _usedWrap) return false;
        Advance(ref _used, ref _usedWrap, _lengths[id]);
        _free += _lengths[id];
        _ids.Push(id);
        _outstanding--;
        return true;
    }

    public override bool NeedsKick()
    {
        if (_sinceKick == 0) return false;
        int before = _next - _sinceKick;
        _sinceKick = 0;
        Interlocked.MemoryBarrier();
        uint wish = Memory.Read32(Device);
        if (wish >> 16 != 2) return wish >> 16 == 0;
        int offset = (int)(wish & 0x7fff);
        if (((wish & 0x8000) != 0) != _wrap) offset -= Size;
        return NeedsEvent((ushort)offset, (ushort)_next, (ushort)before);
    }

    public override void WantNotice(bool wanted)
    {
        Memory.Write32(Driver, !wanted ? 1u << 16 : HasEventIndex ? (2u << 16) | (uint)_used | (_usedWrap ? 0x8000u : 0) : 0);
        Interlocked.MemoryBarrier();
    }

    private void Advance(ref int position, ref bool wrap, int by)
    {
        position += by;
        if (position < Size) return;
        position -= Size;
        wrap = !wrap;
    }
}
