// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>The writing side of a ring of bytes without borders. The same cursors as <see cref="RingWriter"/>, no frames; the reader's is read again only when the one last seen leaves too little room.</summary>
internal sealed class ByteWriter
{
    private readonly RingWords _words;
    private readonly int _capacity;
    private ulong _at, _tailSeen;
    private ProtocolException? _fault;

    public ByteWriter(Window window, long offset, int capacity)
    {
        (_words, _capacity) = (new(window, offset, capacity), capacity);
        (_at, _tailSeen) = _words.ReadCursors(1);
    }

    public ulong Position => _at;

    /// <summary>Bytes that there is room for now.</summary>
    public int Room()
    {
        if (_fault is not null) throw _fault;
        ulong tail = _words.Tail.ReadAcquire();   // ORDER: acquire.  PAIRS WITH: ByteReader.Read
        if (_at - tail > (ulong)_capacity)
            throw _fault = new(WireFault.ValueOutOfRange, $"The reader's cursor is {tail}, but only {_at} was published: it lies, and its session is over.");
        _tailSeen = tail;
        return _capacity - (int)(_at - tail);
    }

    /// <summary>Writes as much as there is room for, and publishes it.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int room = _capacity - (int)(_at - _tailSeen);
        if (room < bytes.Length || _fault is not null) room = Room();
        int count = Math.Min(bytes.Length, room), place = (int)(_at & (ulong)(_capacity - 1)), first = Math.Min(count, _capacity - place);
        bytes[..first].CopyTo(_words.Data.Slice(place, first));
        bytes[first..count].CopyTo(_words.Data.Slice(0, count - first));
        _at += (uint)count;
        Step.Before("head");
        _words.Head.WriteRelease(_at);   // ORDER: release; the bytes before the head that covers them.  PAIRS WITH: ByteReader.Available
        return count;
    }
}

/// <summary>The reading side of a ring of bytes without borders; the writer's cursor is read again only when the one last seen covers too little.</summary>
internal sealed class ByteReader
{
    private readonly RingWords _words;
    private readonly int _capacity;
    private ulong _at, _headSeen;
    private ProtocolException? _fault;

    public ByteReader(Window window, long offset, int capacity)
    {
        (_words, _capacity) = (new(window, offset, capacity), capacity);
        (_headSeen, _at) = _words.ReadCursors(1);
    }

    public ulong Position => _at;

    /// <summary>Bytes that are there now.</summary>
    public int Available()
    {
        if (_fault is not null) throw _fault;
        ulong head = _words.Head.ReadAcquire();   // ORDER: acquire.  PAIRS WITH: ByteWriter.Write
        if (head - _at > (ulong)_capacity)
            throw _fault = new(WireFault.ValueOutOfRange, $"The writer's cursor is {head}, with {_at} read and a capacity of {_capacity}: it lies, and its session is over.");
        _headSeen = head;
        return (int)(head - _at);
    }

    /// <summary>Takes what is there, as far as it fits.</summary>
    public int Read(Span<byte> destination)
    {
        int there = (int)(_headSeen - _at);
        if (there < destination.Length || _fault is not null) there = Available();
        int count = Math.Min(destination.Length, there), place = (int)(_at & (ulong)(_capacity - 1)), first = Math.Min(count, _capacity - place);
        _words.Data.Slice(place, first).CopyTo(destination);
        _words.Data.Slice(0, count - first).CopyTo(destination[first..]);
        _at += (uint)count;
        Step.Before("tail");
        _words.Tail.WriteRelease(_at);   // ORDER: release; the copy is made before the room is given back.  PAIRS WITH: ByteWriter.Room
        return count;
    }
}
