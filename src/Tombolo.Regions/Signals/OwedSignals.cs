// SPDX-License-Identifier: MIT
namespace Tombolo.Regions;

/// <summary>Offsets that are to be signalled back, for their sender asked for a round trip.</summary>
/// <remarks>Bounded: the sender chooses the offsets, and need not make room for them. What finds no place here stays in its slot meanwhile. Belongs to one thread.</remarks>
/// <param name="slots">How many slots the table has into which they go.</param>
internal sealed class OwedSignals(int slots)
{
    private const int Most = 256;   // as many as the guest's driver owes at most

    private readonly Queue<uint> _offsets = new();
    private readonly int _most = Math.Min(slots, Most);

    /// <summary>Whether nothing is owed.</summary>
    public bool IsEmpty => _offsets.Count == 0;

    /// <summary>Whether no more can be owed.</summary>
    public bool IsFull => _offsets.Count == _most;

    /// <summary>Remembers an offset; see <see cref="IsFull"/> first.</summary>
    public void Add(uint offset)
    {
        if (!_offsets.Contains(offset)) _offsets.Enqueue(offset);
    }

    /// <summary>Signals back, as far as there is room.</summary>
    /// <param name="send">Signals an offset; false where the table is full.</param>
    public void Pay(Func<uint, bool> send)
    {
        while (_offsets.TryPeek(out uint offset) && send(offset)) _ = _offsets.Dequeue();
    }
}
