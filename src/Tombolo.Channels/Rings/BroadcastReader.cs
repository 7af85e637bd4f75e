// SPDX-License-Identifier: MIT
using System.Numerics;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>One reader of a ring that many read. It knows nothing of doorbells.</summary>
/// <remarks>
/// Theory of operation: see <see cref="BroadcastWriter"/>. A reader that the writer waits for takes messages where they lie. Any other copies each into a buffer of its own, and then looks whether
/// the writer began to overwrite it meanwhile; if so, it goes on at the oldest message that still stands, and counts what it missed.
/// </remarks>
internal sealed class BroadcastReader
{
    private const int MostTries = 64;   // a writer that overtakes us that often in one call is too fast for us, or lies: the caller comes again

    private readonly SharedBlock _data;
    private readonly SharedWord64 _head, _oldest, _oldestCount;
    private readonly uint _capacity;
    private readonly bool _copies;
    private byte[] _buffer = [];
    private ulong _at, _headSeen, _index;
    private uint _peeked;
    private ProtocolException? _fault;

    /// <summary>Begins at a position, which must be a frame's.</summary>
    public BroadcastReader(Window window, long offset, int capacity, ulong at, ulong index, bool copies)
    {
        var words = new RingWords(window, offset, capacity);
        (_data, _head, _oldest, _oldestCount) = (words.Data, words.Head, words.Oldest, words.OldestCount);
        (_capacity, _at, _headSeen, _index, _copies) = ((uint)capacity, at, at, index, copies);
    }

    public int MaxMessage => (int)_capacity - Frame.HeaderBytes;

    /// <summary>The next message's position.</summary>
    public ulong Position => _at;

    /// <summary>Messages missed because the writer did not wait.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Messages taken.</summary>
    public ulong Taken { get; private set; }

    /// <summary>Whether the writer overtook this reader since it last began anew.</summary>
    public bool IsOvertaken => (long)(_oldest.ReadAcquire() - _at) > 0;

    /// <summary>Whether there is something to take. It may step over a pad.</summary>
    public bool HasMessage()
    {
        if (_copies && IsOvertaken) StartAnew();
        if (_at == _headSeen && !Refresh()) return false;
        uint place = (uint)_at & (_capacity - 1), rest = _capacity - place;
        if (place == 0 || _data.ReadAcquire64((int)place) != (Frame.Pad | (rest - Frame.HeaderBytes)) || rest > _headSeen - _at) return true;
        if (_copies && !Stands()) return true;   // what looked like a pad is being overwritten: the next look starts anew
        _at += rest;
        return _at != _headSeen || Refresh();
    }

    /// <summary>Looks at the next message: in place, or in the own buffer, where it stays until the next call.</summary>
    public bool TryPeek(out ReadOnlySpan<byte> message)
    {
        message = default;
        for (int tries = 0; tries < MostTries; tries++)
        {
            if (_copies && IsOvertaken) StartAnew();
            if (_at == _headSeen && !Refresh()) return false;
            uint place = (uint)_at & (_capacity - 1), rest = _capacity - place;
            ulong header = _data.ReadAcquire64((int)place), kind = Frame.KindOf(header);
            uint length = Frame.LengthOf(header), frame = Frame.Bytes((int)length);
            bool isMessage = kind == Frame.Message && length < _capacity && frame <= rest && frame <= _headSeen - _at;
            bool isPad = kind == Frame.Pad && length == rest - Frame.HeaderBytes && place != 0 && rest <= _headSeen - _at;
            if (isMessage) message = _copies ? Copy((int)place, (int)length) : _data.Slice((int)place + Frame.HeaderBytes, (int)length);
            if (_copies && !Stands()) continue;   // overwritten under our eyes, the header perhaps too
            if (isMessage)
            {
                _peeked = frame;
                return true;
            }
            if (!isPad) throw Fail($"The frame at {_at} has the header {header:x16}, which cannot be there");
            _at += rest;
        }
        message = default;
        return false;
    }

    public void TakePeeked()
    {
        if (_peeked == 0) throw new InvalidOperationException("No message was looked at; call TryPeek first.");
        _at += _peeked;
        _peeked = 0;
        _index++;
        Taken++;
    }

    private ReadOnlySpan<byte> Copy(int place, int length)
    {
        if (_buffer.Length < length) _buffer = new byte[Math.Max(256, BitOperations.RoundUpToPowerOf2((uint)length))];
        _data.Slice(place + Frame.HeaderBytes, length).CopyTo(_buffer);
        return _buffer.AsSpan(0, length);
    }

    // ORDER: full fence between the copy and this look.  PAIRS WITH: the fence in BroadcastWriter.Announce: who has seen a byte of a later message sees an oldest beyond ours.
    private bool Stands()
    {
        SharedFence.Full();
        return !IsOvertaken;
    }

    /// <summary>Goes on behind everything published so far. For a newcomer that the writer did not see in time.</summary>
    public void StartAtHead() => _at = _headSeen = _head.ReadAcquire();

    /// <summary>Goes on at the oldest message that stands.</summary>
    public void StartAnew()
    {
        for (int tries = 0; tries < MostTries; tries++)
        {
            // The index belongs to the position if the position is the same before and after.
            ulong oldest = _oldest.ReadAcquire(), count = _oldestCount.ReadAcquire();
            SharedFence.Full();
            if (oldest != _oldest.ReadAcquire()) continue;
            if (oldest % Frame.Alignment != 0) throw Fail($"Oldest is {oldest}, no frame's position");
            if (count > _index) Lost += count - _index;
            (_at, _headSeen, _index, _peeked) = (oldest, oldest, count, 0);
            return;
        }
    }

    private bool Refresh()
    {
        if (_fault is not null) throw _fault;
        ulong head = _head.ReadAcquire();   // ORDER: acquire.  PAIRS WITH: BroadcastWriter.Publish
        if (head == _headSeen) return false;
        if (head - _at > _capacity || head % Frame.Alignment != 0 || (long)(head - _headSeen) < 0)
        {
            if (_copies && IsOvertaken && head % Frame.Alignment == 0) return true;   // the writer is more than a ring ahead; the next look starts anew
            throw Fail($"The writer's cursor went from {_headSeen} to {head}, with this reader at {_at} and a capacity of {_capacity}");
        }
        _headSeen = head;
        return true;
    }

    private ProtocolException Fail(string what)
    {
        (_headSeen, _peeked) = (_at, 0);
        return _fault ??= new(WireFault.ValueOutOfRange, $"{what}: somebody at the other side lies, and this session is over.");
    }
}
