// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>Frames under way on emulated links, by when they arrive. Belongs to one data thread.</summary>
internal sealed class DelayLine
{
    private const int SmallBytes = 2048;
    private readonly PriorityQueue<Entry, (long Due, long Sequence)> _queue = new();
    private readonly Stack<PinnedBytes> _small = new(), _large = new();
    private long _sequence;

    public readonly record struct Entry(Port Port, bool IsToPort, LinkEmulator Link, NetHeader Header, PinnedBytes Bytes, int Length, int Hint);

    public int Count => _queue.Count;

    public void Add(Port port, bool isToPort, LinkEmulator link, in Frame frame, long due, int hint)
    {
        PinnedBytes bytes = Rent(frame.Length);
        frame.CopyTo(bytes.Bytes);
        _queue.Enqueue(new(port, isToPort, link, frame.Header, bytes, frame.Length, hint), (due, _sequence++));
    }

    public bool TryTake(long now, out Entry entry)
    {
        entry = default;
        if (!_queue.TryPeek(out _, out (long Due, long) first) || first.Due > now) return false;
        entry = _queue.Dequeue();
        return true;
    }

    public long? NextDue => _queue.TryPeek(out _, out (long Due, long) first) ? first.Due : null;

    public void Return(PinnedBytes bytes) => (bytes.Length > SmallBytes ? _large : _small).Push(bytes);

    private PinnedBytes Rent(int length)
    {
        bool isLarge = length > SmallBytes;
        return (isLarge ? _large : _small).TryPop(out PinnedBytes? bytes) ? bytes : new(isLarge ? Frame.MaxBytes : SmallBytes);
    }
}
