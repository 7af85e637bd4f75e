// SPDX-License-Identifier: MIT
using System.Diagnostics.CodeAnalysis;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>The writing side of a ring that many read. It knows nothing of doorbells.</summary>
/// <remarks>
/// Theory of operation. As in <see cref="RingWriter"/>, but there is no one tail: "oldest" says which messages still stand whole. Before the writer uses room that a message lies in, it moves
/// oldest past it, passes a full fence, and only then writes. Whoever copies a message looks at oldest before and after: a copy is good if oldest has not passed the message. Subscribers
/// that must not miss anything hold the writer back: it does not move oldest past their cursors. It looks at them before it moves oldest, and once more after it, for a newcomer that it may
/// have missed: that one looks at oldest after it has shown itself, so one of the two sees the other. The writer reads the frames it is about to overwrite, to find the next one's begin;
/// where somebody damaged them, it gives up all old ones at once.
/// </remarks>
internal sealed class BroadcastWriter
{
    private const int Sixteenth = 4;   // oldest moves a sixteenth of the ring at once where it may: a fence for each message would cost more than the message

    private readonly SharedBlock _data;
    private readonly SharedWord64 _head, _headCount, _oldestWord, _oldestCountWord;
    private readonly uint _capacity;
    private readonly Func<ulong, ulong> _held;
    private ulong _at, _published, _count, _oldestCount;
    private ulong _oldest;   // what oldest says
    private ulong _safe;     // what oldest said when subscribers were last looked at after it: what lies before may be overwritten
    private int _reserved = -1;

    /// <summary>Takes the writing side on.</summary>
    /// <param name="window">The memory.</param>
    /// <param name="offset">Where the ring begins.</param>
    /// <param name="capacity">The data's length.</param>
    /// <param name="held">Asked before oldest is moved to a position: the first position that somebody still needs, or that position itself. It may cut off subscribers that it need not wait for.</param>
    /// <exception cref="ProtocolException">The cursors found there cannot be right.</exception>
    public BroadcastWriter(Window window, long offset, int capacity, Func<ulong, ulong> held)
    {
        var words = new RingWords(window, offset, capacity);
        (_data, _head, _headCount, _oldestWord, _oldestCountWord) = (words.Data, words.Head, words.HeadCount, words.Oldest, words.OldestCount);
        (_capacity, _held) = ((uint)capacity, held);
        (_at, _oldest) = (_head.ReadAcquire(), _oldestWord.ReadAcquire());
        if (_at - _oldest > _capacity || (_at | _oldest) % Frame.Alignment != 0)
            throw new ProtocolException(WireFault.ValueOutOfRange, $"The ring's cursors are damaged: head {_at}, oldest {_oldest}, capacity {capacity}. Remove the channel and make it anew.");
        _safe = _at - _capacity;   // an earlier writer may have died between its two looks: no room is known
        (_published, _count, _oldestCount) = (_at, _headCount.ReadAcquire(), _oldestCountWord.ReadAcquire());
    }

    public int MaxMessage => (int)_capacity - Frame.HeaderBytes;

    public ulong Published => _published;

    public ulong Messages => _count;

    /// <summary>The position that subscribers must reach for the reservation that was just refused.</summary>
    public ulong Wanted { get; private set; }

    public bool TryReserve(int lengthBytes, out Span<byte> message)
    {
        if ((uint)lengthBytes > _capacity - Frame.HeaderBytes) RefuseLength(lengthBytes);
        uint frame = Frame.Bytes(lengthBytes), place = (uint)_at & (_capacity - 1);
        if ((frame > _capacity - place || _at + frame - _safe > _capacity) && !MakeRoom(frame))
        {
            message = default;
            return false;
        }
        _reserved = lengthBytes;
        message = _data.Slice((int)((uint)_at & (_capacity - 1)) + Frame.HeaderBytes, lengthBytes);
        return true;
    }

    public void Commit(int lengthBytes, bool publish)
    {
        if (_reserved < 0) throw new InvalidOperationException("Nothing is reserved; call TryReserve first.");
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)lengthBytes, (uint)_reserved, nameof(lengthBytes));
        _reserved = -1;
        Step.Before("frame header");
        _data.Write64((int)((uint)_at & (_capacity - 1)), Frame.Message | (uint)lengthBytes);
        _at += Frame.Bytes(lengthBytes);
        _count++;
        if (publish) Publish();
    }

    public void Publish()
    {
        _published = _at;
        Step.Before("head");
        _head.WriteRelease(_at);   // ORDER: release; frames and payloads before the head that covers them.  PAIRS WITH: BroadcastReader.Refresh
        Step.Before("head count");
        _headCount.WriteRelease(_count);
    }

    private bool MakeRoom(uint frame)
    {
        while (true)
        {
            uint place = (uint)_at & (_capacity - 1), rest = _capacity - place;
            bool fits = frame <= rest;
            uint need = fits ? frame : rest;
            if (_at + need - _safe > _capacity && !MoveOldest(_at + need - _capacity)) return false;
            if (fits) return true;
            Step.Before("pad header");
            _data.Write64((int)place, Frame.Pad | (rest - Frame.HeaderBytes));
            _at += rest;
        }
    }

    private bool MoveOldest(ulong least)
    {
        if ((long)(least - _published) > 0) Publish();   // the rest of a batch is about to be overwritten by its own end: it must be readable first
        if ((long)(least - _oldest) > 0 && !Announce(least)) return Refuse(least);
        if ((long)(_held(_oldest) - _oldest) < 0) return Refuse(_oldest);
        _safe = _oldest;
        return true;
    }

    private bool Announce(ulong least)
    {
        ulong wish = least + (_capacity >> Sixteenth);
        if ((long)(wish - _published) > 0) wish = least;
        ulong held = _held(wish);
        if ((long)(held - least) < 0) return false;
        bool isHeld = (long)(held - wish) < 0;
        Walk(isHeld ? least : wish, isHeld ? held : _published);   // cursors are frames' begins: a frame that begins before the wish and ends behind it has no cursor inside
        Step.Before("oldest count");
        _oldestCountWord.WriteRelease(_oldestCount);
        Step.Before("oldest");
        _oldestWord.WriteRelease(_oldest);
        // ORDER: full fence between this store and the writes and looks that follow: who sees overwritten bytes sees oldest, and a newcomer sees oldest or we see it.  PAIRS WITH: BroadcastReader.Stands, Subscriber.Start
        SharedFence.Full();
        return (long)(_oldest - least) >= 0;
    }

    private bool Refuse(ulong wanted)
    {
        Wanted = wanted;
        if (_published != _at) Publish();
        return false;
    }

    // Moves the private oldest over whole frames until it has reached a position, but never beyond another.
    private void Walk(ulong target, ulong limit)
    {
        while ((long)(_oldest - target) < 0)
        {
            uint place = (uint)_oldest & (_capacity - 1), rest = _capacity - place;
            ulong header = _data.ReadAcquire64((int)place), kind = Frame.KindOf(header);
            uint length = Frame.LengthOf(header), frame = Frame.Bytes((int)length);
            bool isWhole = (kind == Frame.Message && length < _capacity && frame <= rest) || (kind == Frame.Pad && length == rest - Frame.HeaderBytes);
            if (!isWhole || frame > _published - _oldest)
            {
                (_oldest, _oldestCount) = (_published, _count);   // somebody wrote into our frames: none of them can be trusted to lead to the next
                return;
            }
            if ((long)(_oldest + frame - limit) > 0) return;
            _oldest += frame;
            if (kind == Frame.Message) _oldestCount++;
        }
    }

    [DoesNotReturn]
    private void RefuseLength(int lengthBytes) =>
        throw new ArgumentOutOfRangeException(nameof(lengthBytes), lengthBytes, $"A message of {lengthBytes} bytes cannot be sent; this ring takes 0 to {MaxMessage}.");
}
