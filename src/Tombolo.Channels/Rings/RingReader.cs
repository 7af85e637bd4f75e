// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>The reading side of a ring of messages in a window: borrow in place, release. It knows nothing of doorbells or of who stands at the other side.</summary>
/// <remarks>
/// Theory of operation: see <see cref="RingWriter"/>. Several messages may be borrowed before one release gives them all back. A message is taken at the store to tail that covers it: a
/// reader that dies before it leaves the message to its successor. The bytes of a borrowed message stay the writer's memory: an honest writer leaves them alone, a lying one may change them
/// at any moment, so copy what is judged. Every cursor and header is read once, and the copy is checked. One thread at a time. Source: docs/specs/channels.md.
/// </remarks>
public sealed class RingReader
{
    private readonly SharedBlock _data;
    private readonly SharedWord64 _head, _tail, _tailCount;
    private readonly uint _capacity;
    private ulong _at;         // the next frame to borrow
    private ulong _released;   // what tail says
    private ulong _headSeen;   // the last head that was read, and checked
    private ulong _count, _borrowed;
    private uint _peeked;
    private bool _skipped;
    private ProtocolException? _fault;

    /// <summary>Takes the reading side of a ring on: of a fresh one, or where an earlier reader left it; what that one had borrowed and not released comes again.</summary>
    /// <inheritdoc cref="RingWriter(Window, long, int)"/>
    public RingReader(Window window, long offsetBytes, int capacityBytes) : this(window, offsetBytes, capacityBytes, repairs: false) { }

    /// <param name="window">As above.</param>
    /// <param name="offsetBytes">As above.</param>
    /// <param name="capacityBytes">As above.</param>
    /// <param name="repairs">Whether to begin at the head where an earlier reader left a tail that cannot be.</param>
    internal RingReader(Window window, long offsetBytes, int capacityBytes, bool repairs)
    {
        var words = new RingWords(window, offsetBytes, capacityBytes);
        if (repairs) words.RepairTail();
        (Window, _data, _head, _tail, _tailCount) = (window, words.Data, words.Head, words.Tail, words.TailCount);
        _capacity = (uint)capacityBytes;
        (_headSeen, _at) = words.ReadCursors(Frame.Alignment);
        _released = _at;
        _count = _tailCount.ReadAcquire();
    }

    /// <summary>The memory.</summary>
    public Window Window { get; }   // and what keeps it from being collected, and so unmapped

    /// <summary>The longest message in bytes.</summary>
    public int MaxMessage => (int)_capacity - Frame.HeaderBytes;

    /// <summary>The position up to which the writer has everything back.</summary>
    public ulong Released => _released;

    /// <summary>Messages taken by this and earlier readers; for people, as <see cref="RingWriter.Messages"/>.</summary>
    public ulong Messages => _count;

    /// <summary>How many messages are borrowed now.</summary>
    public int Borrowed => (int)_borrowed;

    /// <summary>Whether a message was looked at and not yet taken.</summary>
    internal bool HasPeeked => _peeked != 0;

    /// <summary>Borrows the next message where it lies.</summary>
    /// <param name="message">Its bytes, until <see cref="Release"/>. Another party's memory: copy what you judge.</param>
    /// <returns>False where none is there.</returns>
    /// <exception cref="ProtocolException">The writer's cursor or a frame cannot be right; the session is over.</exception>
    public bool TryBorrow(out ReadOnlySpan<byte> message)
    {
        if (!TryPeek(out message)) return false;
        TakePeeked();
        return true;
    }

    /// <summary>Looks at the next message where it lies, without borrowing it.</summary>
    /// <param name="message">Its bytes, as for <see cref="TryBorrow"/>.</param>
    /// <returns>False where none is there.</returns>
    /// <exception cref="ProtocolException">The writer's cursor or a frame cannot be right; the session is over.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPeek(out ReadOnlySpan<byte> message)
    {
        if (_at == _headSeen && !Refresh())
        {
            message = default;
            return false;
        }
        uint place = (uint)_at & (_capacity - 1);
        ulong header = _data.ReadAcquire64((int)place);
        uint length = Frame.LengthOf(header);
        uint frame = Frame.Bytes((int)length);
        // A length near 2^32 makes a small frame; it fails the second test. What passes all lies within the ring and within what was published.
        if (Frame.KindOf(header) == Frame.Message && length < _capacity && frame <= _capacity - place && frame <= _headSeen - _at)
        {
            _peeked = frame;
            message = _data.Slice((int)place + Frame.HeaderBytes, (int)length);
            return true;
        }
        return TryPeekAfterPad(header, place, out message);
    }

    /// <summary>Borrows the message just looked at.</summary>
    /// <exception cref="InvalidOperationException">None was looked at since the last one was borrowed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void TakePeeked()
    {
        if (_peeked == 0) throw new InvalidOperationException("No message was looked at; call TryPeek first.");
        _at += _peeked;
        _peeked = 0;
        _borrowed++;
    }

    /// <summary>Whether room was given back since the last call without a release: a pad was stepped over.</summary>
    public bool TakeSkipped()
    {
        bool skipped = _skipped;
        _skipped = false;
        return skipped;
    }

    /// <summary>Gives every borrowed message back to the writer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Release()
    {
        _count += _borrowed;
        _borrowed = 0;
        _released = _at;
        Step.Before("tail");
        // ORDER: release; we are done with the bytes before the writer may see the tail that frees them.  PAIRS WITH: RingWriter.RefreshTail, tombolo_ring_put() in tombolo_channel.h.
        _tail.WriteRelease(_at);
        Step.Before("tail count");
        _tailCount.WriteRelease(_count);
    }

    /// <summary>Whether there is something to borrow. It may read the writer's cursor anew, and step over a pad.</summary>
    /// <exception cref="ProtocolException">The cursor or a frame cannot be right; the session is over.</exception>
    public bool HasMessage()
    {
        if (_at == _headSeen && !Refresh()) return false;
        uint place = (uint)_at & (_capacity - 1);
        ulong header = _data.ReadAcquire64((int)place);
        if (Frame.KindOf(header) != Frame.Pad) return true;
        SkipPad(header, place);
        return _at != _headSeen || Refresh();
    }

    /// <summary>Gives up everything that a writer who lied claims to have sent, so that its successor can begin.</summary>
    internal void Abandon()
    {
        Step.Before("tail abandoned");
        _tail.WriteRelease(_head.ReadAcquire() & ~(ulong)(Frame.Alignment - 1));
    }

    private bool Refresh()
    {
        if (_fault is not null) throw _fault;
        // ORDER: acquire; the frames below the head are whole.  PAIRS WITH: RingWriter.Publish, tombolo_ring_put() in tombolo_channel.h.
        ulong head = _head.ReadAcquire();
        if (head == _headSeen) return false;
        if (head - _released > _capacity || head - _released < _headSeen - _released || head % Frame.Alignment != 0)
            throw Fail($"The writer's cursor went from {_headSeen} to {head}, with {_released} released and a capacity of {_capacity}");
        _headSeen = head;
        return true;
    }

    // Once only: a pad ends at the ring's end, and one at its start is a fault.
    private bool TryPeekAfterPad(ulong header, uint place, out ReadOnlySpan<byte> message)
    {
        SkipPad(header, place);
        return TryPeek(out message);
    }

    private void SkipPad(ulong header, uint place)
    {
        uint length = Frame.LengthOf(header), rest = _capacity - place;
        if (Frame.KindOf(header) != Frame.Pad || length != rest - Frame.HeaderBytes || place == 0 || rest > _headSeen - _at)
            throw Fail($"The frame at {_at} has the header {header:x16}, which cannot be there ({_headSeen - _at} bytes were published, {rest} remain to the ring's end)");
        _at += rest;
        if (_borrowed != 0) return;   // goes with the release of what is borrowed
        Step.Before("pad tail");
        _released = _at;
        _skipped = true;
        _tail.WriteRelease(_at);      // ORDER and PAIRS WITH: as in Release
    }

    private ProtocolException Fail(string what)
    {
        (_headSeen, _peeked) = (_at, 0);   // nothing more is read from this writer
        return _fault = new(WireFault.ValueOutOfRange, $"{what}: the writer lies, and its session is over.");
    }
}
