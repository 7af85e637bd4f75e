// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Switching;

/// <summary>Frames that wait for a receiver to make room: a ring of bytes, each frame in one piece. What does not fit is that receiver's loss alone.</summary>
/// <remarks>Guarded by the receiving ring's gate. Its memory is taken when the first frame waits, and kept.</remarks>
internal sealed class Backlog(int capacityBytes)
{
    private const int RecordHeader = sizeof(int) + NetHeader.Bytes;
    private PinnedBytes? _bytes;
    private int _head, _tail, _used;

    public bool IsEmpty => Count == 0;

    public int Count { get; private set; }

    public bool TryAdd(in Frame frame)
    {
        PinnedBytes bytes = _bytes ??= new(capacityBytes);
        int needed = (RecordHeader + frame.Length + 7) & ~7;
        int toEnd = bytes.Length - _tail;
        int skipped = needed > toEnd ? toEnd : 0;   // a frame never runs over the end
        if (_used + skipped + needed > bytes.Length) return false;
        if (skipped > 0)
        {
            if (skipped >= sizeof(int)) MemoryMarshal.Write(bytes.Bytes[_tail..], -1);
            _tail = 0;
        }
        Span<byte> record = bytes.Bytes.Slice(_tail, needed);
        MemoryMarshal.Write(record, frame.Length);
        frame.Header.Write(record[sizeof(int)..]);
        frame.CopyTo(record[RecordHeader..]);
        _tail = (_tail + needed) % bytes.Length;
        _used += skipped + needed;
        Count++;
        return true;
    }

    /// <summary>The oldest frame; <paramref name="pieces"/> receives where it is.</summary>
    public Frame Peek(Span<GuestBuffer> pieces)
    {
        PinnedBytes bytes = _bytes!;
        SkipEnd(bytes);
        int length = MemoryMarshal.Read<int>(bytes.Bytes[_head..]);
        _ = NetHeader.TryRead(bytes.Bytes[(_head + sizeof(int))..], out NetHeader header);
        pieces[0] = bytes.Part(_head + RecordHeader, length);
        return new(header, bytes.Bytes.Slice(_head + RecordHeader, Frame.HeadBytes), pieces[..1], Frame.HeadBytes, length);
    }

    public void Remove()
    {
        PinnedBytes bytes = _bytes!;
        SkipEnd(bytes);
        int taken = (RecordHeader + MemoryMarshal.Read<int>(bytes.Bytes[_head..]) + 7) & ~7;
        _head = (_head + taken) % bytes.Length;
        _used -= taken;
        if (--Count == 0) _head = _tail = _used = 0;
    }

    public void Clear() => _head = _tail = _used = Count = 0;

    private void SkipEnd(PinnedBytes bytes)
    {
        int toEnd = bytes.Length - _head;
        if (toEnd >= sizeof(int) && MemoryMarshal.Read<int>(bytes.Bytes[_head..]) != -1) return;
        _head = 0;
        _used -= toEnd;
    }
}
