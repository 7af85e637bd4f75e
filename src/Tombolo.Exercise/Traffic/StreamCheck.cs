// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise;

/// <summary>Judges one stream by the sequence numbers that arrive: lost, doubled, out of order.</summary>
/// <remarks>Belongs to one thread. What was missed is remembered up to a bound; what comes back from beyond it counts as doubled.</remarks>
internal sealed class StreamCheck
{
    private const int MostMissing = 4096;
    private readonly SortedSet<uint> _missing = [];

    /// <summary>Intact messages, each sequence number once.</summary>
    public long Received { get; private set; }
    /// <summary>Bytes of all that arrived.</summary>
    public long Bytes { get; private set; }
    /// <summary>Missing up to the highest number seen, or to the stream's end.</summary>
    public long Lost { get; private set; }
    /// <summary>Arrived again.</summary>
    public long Doubled { get; private set; }
    /// <summary>Arrived after a later one.</summary>
    public long Reordered { get; private set; }
    /// <summary>Some byte was wrong.</summary>
    public long Corrupt { get; private set; }
    /// <summary>The next number in order.</summary>
    public uint Next { get; private set; }
    /// <summary>Whether the sender said that the stream is over.</summary>
    public bool HasEnded { get; private set; }
    /// <summary>Whether anything was wrong.</summary>
    public bool IsClean => Lost == 0 && Doubled == 0 && Reordered == 0 && Corrupt == 0;

    /// <summary>Takes one message.</summary>
    /// <param name="sequence">Its number.</param>
    /// <param name="bytes">Its length.</param>
    public void Take(uint sequence, int bytes)
    {
        Bytes += bytes;
        if (sequence >= Next)
        {
            Skip(sequence);
            Received++;
            Next = sequence + 1;
        }
        else if (_missing.Remove(sequence))
        {
            (Lost, Reordered, Received) = (Lost - 1, Reordered + 1, Received + 1);
        }
        else
        {
            Doubled++;
        }
    }

    /// <summary>Counts a message with a wrong byte: nothing in it can be believed, its number neither.</summary>
    public void TakeCorrupt(int bytes) => (Corrupt, Bytes) = (Corrupt + 1, Bytes + bytes);

    /// <summary>The sender said how many there were.</summary>
    public void End(uint count)
    {
        HasEnded = true;
        if (count > Next) Skip(count);
        Next = Math.Max(Next, count);
    }

    private void Skip(uint to)
    {
        Lost += to - Next;
        for (uint missing = Next; missing < to && _missing.Count < MostMissing; missing++) _ = _missing.Add(missing);
    }
}
