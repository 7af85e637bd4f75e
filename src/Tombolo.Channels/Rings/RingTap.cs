// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>Looks at the messages that lie in a ring, without taking them, holding an end, or being seen. For people who want to know what passes.</summary>
/// <remarks>
/// A message that its reader has taken may be overwritten at any moment, and only the writer knows how far it is. So a copy counts only if the message was still there after it was made;
/// what was taken sooner was not seen. A reader that is quick leaves little to see: subscribe to a broadcast where every message must be seen. One thread at a time.
/// </remarks>
public sealed class RingTap
{
    private readonly SharedBlock _data;
    private readonly SharedWord64 _head, _headCount, _tail;
    private readonly ulong _capacity, _firstCount;
    private readonly ChannelArea _area;   // keeps the memory
    private ulong _at;

    internal RingTap(ChannelArea area, long offsetBytes, int capacityBytes)
    {
        var words = new RingWords(area.Window, offsetBytes, capacityBytes);
        (_area, _data, _head, _headCount, _tail, _capacity) = (area, words.Data, words.Head, words.HeadCount, words.Tail, (ulong)capacityBytes);
        _at = ReadTail();   // not compared with head: both may move far between two looks
        _firstCount = words.TailCount.ReadAcquire();
    }

    /// <summary>Messages seen so far.</summary>
    public ulong Seen { get; private set; }

    /// <summary>Messages sent since the oldest one that lay in the ring when the tap was made; what the sender says, for people.</summary>
    /// <exception cref="ObjectDisposedException">The area is closed.</exception>
    public ulong Sent
    {
        get
        {
            _area.ThrowIfDisposed();
            return _headCount.ReadAcquire() - _firstCount;
        }
    }

    /// <summary>Copies the next message that can be seen.</summary>
    /// <param name="buffer">Receives as much of it as fits.</param>
    /// <param name="lengthBytes">Its whole length.</param>
    /// <returns>False where none is there now.</returns>
    /// <exception cref="ProtocolException">What lies in the ring cannot be right.</exception>
    /// <exception cref="ObjectDisposedException">The area is closed.</exception>
    public bool TryLook(Span<byte> buffer, out int lengthBytes)
    {
        _area.ThrowIfDisposed();
        lengthBytes = 0;
        for (int turn = 0; turn < 64; turn++)   // a busy reader could outrun us for ever
        {
            ulong tail = ReadTail(), head = _head.ReadAcquire();
            if (_at - tail > head - tail) _at = tail;   // what lay in between was taken before we looked
            if (_at == head) return false;
            int place = (int)(_at & (_capacity - 1)), rest = (int)_capacity - place;
            ulong header = _data.ReadAcquire64(place);
            uint length = Frame.LengthOf(header);
            bool isMessage = Frame.KindOf(header) == Frame.Message && length <= (uint)rest - Frame.HeaderBytes && Frame.Bytes((int)length) <= head - _at;
            bool isPad = Frame.KindOf(header) == Frame.Pad && length == (uint)rest - Frame.HeaderBytes;
            if (isMessage) _data.Slice(place + Frame.HeaderBytes, Math.Min((int)length, buffer.Length)).CopyTo(buffer);
            SharedFence.Full();   // ORDER: the copy before the look at what may have freed it.  PAIRS WITH: the reader's release of tail, which comes before any overwriting.
            ulong now = ReadTail();
            if (now - tail > _at - tail)
            {
                _at = now;   // taken meanwhile, so what was copied may be half of another message
                continue;
            }
            if (!isMessage && !isPad) throw new ProtocolException(WireFault.ValueOutOfRange, $"The frame at {_at} has the header {header:x16}, which cannot be there: the ring is damaged.");
            _at += isPad ? (ulong)rest : Frame.Bytes((int)length);
            if (isPad) continue;
            lengthBytes = (int)length;
            Seen++;
            return true;
        }
        return false;
    }

    // A reader that lies about it shows us nothing sensible, but a place where a frame may begin.
    private ulong ReadTail() => _tail.ReadAcquire() & ~(ulong)(Frame.Alignment - 1);
}
