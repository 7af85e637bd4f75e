// SPDX-License-Identifier: MIT
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>The writing side of a ring of messages in a window: reserve, fill in place, commit. It knows nothing of doorbells or of who stands at the other side.</summary>
/// <remarks>
/// Theory of operation. Positions are counted in bytes and never wrap (64 bits); a position's place is its remainder by the capacity. [tail, head) holds whole frames for the reader,
/// [head, tail + capacity) is the writer's. The writer alone writes head, the reader alone tail; each keeps a private copy of its own cursor and trusts no other, and a cached copy of the
/// other's, which is read again only when the cache says full (empty). A message is committed at the store to head that covers it: a writer that dies before it has sent nothing, one that
/// dies after it has sent everything. A frame never crosses the ring's end: a pad frame fills the rest and is published at once where the ring is too full for what shall follow it.
/// One thread at a time. Source: docs/specs/channels.md.
/// </remarks>
public sealed class RingWriter
{
    private readonly SharedBlock _data;
    private readonly SharedWord64 _head, _headCount, _tail;
    private readonly uint _capacity;
    private ulong _at;          // the next frame's position; what lies between published and here is committed, or a pad, and not yet visible
    private ulong _published;   // what head says
    private ulong _tailSeen;    // the last tail that was read, and checked
    private ulong _count;
    private int _reserved = -1;
    private ProtocolException? _fault;

    /// <summary>Takes the writing side of a ring on: of a fresh one, or where an earlier writer left it.</summary>
    /// <param name="window">The memory; it must not be disposed before the last call.</param>
    /// <param name="offsetBytes">Where the ring's header begins; the data follow <c>128</c> bytes later. A multiple of 8; for speed, of 128.</param>
    /// <param name="capacityBytes">The data's length: a power of two from 256 bytes to 1 GiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">The ring is not within the window, or of no possible size.</exception>
    /// <exception cref="ProtocolException">The cursors found there cannot be right.</exception>
    public RingWriter(Window window, long offsetBytes, int capacityBytes) : this(window, offsetBytes, capacityBytes, repairs: false) { }

    /// <param name="window">As above.</param>
    /// <param name="offsetBytes">As above.</param>
    /// <param name="capacityBytes">As above.</param>
    /// <param name="repairs">Whether to begin at the tail where an earlier writer left a head that cannot be: only what that liar claimed to have sent is given up.</param>
    internal RingWriter(Window window, long offsetBytes, int capacityBytes, bool repairs)
    {
        var words = new RingWords(window, offsetBytes, capacityBytes);
        (Window, _data, _head, _headCount, _tail) = (window, words.Data, words.Head, words.HeadCount, words.Tail);
        _capacity = (uint)capacityBytes;
        if (repairs) words.RepairHead();
        (_at, _tailSeen) = words.ReadCursors(Frame.Alignment);
        _published = _at;
        _count = _headCount.ReadAcquire();
    }

    /// <summary>The memory.</summary>
    public Window Window { get; }   // and what keeps it from being collected, and so unmapped

    /// <summary>The longest message in bytes: the capacity less one frame header.</summary>
    public int MaxMessage => (int)_capacity - Frame.HeaderBytes;

    /// <summary>The position up to which everything is visible to the reader.</summary>
    public ulong Published => _published;

    /// <summary>The tail that the reader must reach for the reservation that was just refused.</summary>
    public ulong WantedTail { get; private set; }

    /// <summary>Messages committed by this and earlier writers. An earlier one's death may have left it one behind: it is for people.</summary>
    public ulong Messages => _count;

    /// <summary>Reserves room for a message and hands it out for filling in place. An earlier reservation that was not committed is given up.</summary>
    /// <param name="lengthBytes">0 to <see cref="MaxMessage"/>; the message may become shorter at commit.</param>
    /// <param name="message">Where to write it; valid until the commit.</param>
    /// <returns>False where there is no room now. Messages of a batch that were not published yet are published then, so that room can be made.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Longer than any message can be.</exception>
    /// <exception cref="ProtocolException">The reader's cursor cannot be right; the session is over.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReserve(int lengthBytes, out Span<byte> message)
    {
        if ((uint)lengthBytes > _capacity - Frame.HeaderBytes) RefuseLength(lengthBytes);
        uint frame = Frame.Bytes(lengthBytes);
        uint place = (uint)_at & (_capacity - 1);
        if (frame > _capacity - place || _at + frame - _tailSeen > _capacity)
        {
            if (!MakeRoom(frame))
            {
                message = default;
                return false;
            }
            place = (uint)_at & (_capacity - 1);
        }
        _reserved = lengthBytes;
        message = _data.Slice((int)place + Frame.HeaderBytes, lengthBytes);
        return true;
    }

    /// <summary>Commits the reserved message.</summary>
    /// <param name="lengthBytes">How many bytes of the reservation it has.</param>
    /// <param name="publish">False: part of a batch, which <see cref="Publish"/> (or a later commit) makes visible as a whole. Until then it is not sent.</param>
    /// <exception cref="InvalidOperationException">Nothing is reserved.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Longer than the reservation.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Commit(int lengthBytes, bool publish = true)
    {
        if ((uint)lengthBytes > (uint)_reserved || _reserved < 0) RefuseCommit(lengthBytes);
        _reserved = -1;
        Step.Before("frame header");
        _data.Write64((int)((uint)_at & (_capacity - 1)), Frame.Message | (uint)lengthBytes);
        _at += Frame.Bytes(lengthBytes);
        _count++;
        if (publish) Publish();
    }

    /// <summary>Makes everything committed visible to the reader.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish()
    {
        _published = _at;
        Step.Before("head");
        // ORDER: release; frames and payloads become visible before the head that covers them.  PAIRS WITH: RingReader.Refresh, tombolo_ring_take() in tombolo_channel.h.
        _head.WriteRelease(_at);
        Step.Before("head count");
        _headCount.WriteRelease(_count);
    }

    /// <summary>Whether the reader has come at least so far. It reads the reader's cursor anew.</summary>
    /// <param name="position">A position; <see cref="WantedTail"/> for instance.</param>
    /// <exception cref="ProtocolException">The cursor cannot be right; the session is over.</exception>
    public bool HasReaderReached(ulong position)
    {
        RefreshTail();
        return (long)(_tailSeen - position) >= 0;
    }

    // At most two turns: a pad up to the ring's end, then the frame at its start.
    private bool MakeRoom(uint frame)
    {
        if (_fault is not null) throw _fault;
        while (true)
        {
            uint place = (uint)_at & (_capacity - 1), rest = _capacity - place;
            bool fits = frame <= rest;
            uint need = fits ? frame : rest;
            if (_at + need - _tailSeen > _capacity)
            {
                RefreshTail();
                if (_at + need - _tailSeen > _capacity)
                {
                    WantedTail = _at + need - _capacity;
                    if (_published != _at) Publish();
                    return false;
                }
            }
            if (fits) return true;
            Step.Before("pad header");
            _data.Write64((int)place, Frame.Pad | (rest - Frame.HeaderBytes));
            _at += rest;
        }
    }

    private void RefreshTail()
    {
        if (_fault is not null) throw _fault;
        // ORDER: acquire; the reader is done with everything before its tail, so that it may be overwritten.  PAIRS WITH: RingReader.Release, tombolo_ring_release() in tombolo_channel.h.
        ulong tail = _tail.ReadAcquire();
        if (tail - _tailSeen > _published - _tailSeen || tail % Frame.Alignment != 0)
            throw _fault = new(WireFault.ValueOutOfRange, $"The reader's cursor went from {_tailSeen} to {tail}, but only {_published} was published: it lies, and its session is over.");
        _tailSeen = tail;
    }

    [DoesNotReturn]
    private void RefuseLength(int lengthBytes) =>
        throw new ArgumentOutOfRangeException(nameof(lengthBytes), lengthBytes, $"A message of {lengthBytes} bytes cannot be sent; this ring takes 0 to {MaxMessage}.");

    [DoesNotReturn]
    private void RefuseCommit(int lengthBytes)
    {
        if (_reserved < 0) throw new InvalidOperationException("Nothing is reserved; call TryReserve first.");
        throw new ArgumentOutOfRangeException(nameof(lengthBytes), lengthBytes, $"{lengthBytes} bytes cannot be committed; {_reserved} are reserved.");
    }
}
