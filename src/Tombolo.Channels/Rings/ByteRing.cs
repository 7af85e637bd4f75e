// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>The writing side of a ring of bytes without borders. The same cursors as <see cref="RingWriter"/>, no frames.</summary>
internal sealed class ByteWriter(Window window, long offset, int capacity)
{
    private readonly RingWords _words = new(window, offset, capacity);
    private ulong _at = new RingWords(window, offset, capacity).ReadCursors(1).Head;
    private ProtocolException? _fault;

    public ulong Position => _at;

    /// <summary>Bytes that there is room for now.</summary>
    public int Room()
    {
        if (_fault is not null) throw _fault;
        ulong tail = _words.Tail.ReadAcquire();   // ORDER: acquire.  PAIRS WITH: ByteReader.Read
        if (_at - tail > (ulong)capacity)
            throw _fault = new(WireFault.ValueOutOfRange, $"The reader's cursor is {tail}, but only {_at} was published: it lies, and its session is over.");
        return capacity - (int)(_at - tail);
    }

    /// <summary>Writes as much as there is room for, and publishes it.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(bytes.Length, Room()), place = (int)(_at & (ulong)(capacity - 1)), first = Math.Min(count, capacity - place);
        bytes[..first].CopyTo(_words.Data.Slice(place, first));
        bytes[first..count].CopyTo(_words.Data.Slice(0, count - first));
        _at += (uint)count;
        Step.Before("head");
        _words.Head.WriteRelease(_at);   // ORDER: release; the bytes before the head that covers them.  PAIRS WITH: ByteReader.Available
        return count;
    }
}

/// <summary>The reading side of a ring of bytes without borders.</summary>
internal sealed class ByteReader(Window window, long offset, int capacity)
{
    private readonly RingWords _words = new(window, offset, capacity);
    private ulong _at = new RingWords(window, offset, capacity).ReadCursors(1).Tail;
    private ProtocolException? _fault;

    public ulong Position => _at;

    /// <summary>Bytes that are there now.</summary>
    public int Available()
    {
        if (_fault is not null) throw _fault;
        ulong head = _words.Head.ReadAcquire();   // ORDER: acquire.  PAIRS WITH: ByteWriter.Write
        if (head - _at > (ulong)capacity)
            throw _fault = new(WireFault.ValueOutOfRange, $"The writer's cursor is {head}, with {_at} read and a capacity of {capacity}: it lies, and its session is over.");
        return (int)(head - _at);
    }

    /// <summary>Takes what is there, as far as it fits.</summary>
    public int Read(Span<byte> destination)
    {
        int count = Math.Min(destination.Length, Available()), place = (int)(_at & (ulong)(capacity - 1)), first = Math.Min(count, capacity - place);
        _words.Data.Slice(place, first).CopyTo(destination);
        _words.Data.Slice(0, count - first).CopyTo(destination[first..]);
        _at += (uint)count;
        Step.Before("tail");
        _words.Tail.WriteRelease(_at);   // ORDER: release; the copy is made before the room is given back.  PAIRS WITH: ByteWriter.Room
        return count;
    }
}
