// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>What became of a frame on an emulated link.</summary>
/// <param name="Lost">The counter of the reason; null where it arrives.</param>
/// <param name="Due">When it arrives, as a timestamp of the switch's clock.</param>
/// <param name="Again">When it arrives a second time; 0 for never.</param>
internal readonly record struct LinkVerdict(PortCounter? Lost, long Due, long Again);

/// <summary>One direction of an emulated link: says of each frame when it arrives, if it does.</summary>
/// <remarks>Its choices follow from the seed and the number of frames alone. Thread-safe by its gate.</remarks>
internal sealed class LinkEmulator(LinkConditions conditions, TimeProvider time)
{
    private readonly Gate _gate = new();
    private readonly Random _random = new(conditions.Seed);
    private long _freeAt;
    private int _underWay;

    public LinkConditions Conditions => conditions;

    public LinkVerdict Judge(int lengthBytes, long now)
    {
        _gate.Enter();
        try
        {
            // Always the same number of choices for a frame, so that one does not change those of the next.
            double loss = _random.NextDouble(), twice = _random.NextDouble(), overtake = _random.NextDouble(), late = _random.NextDouble();
            if (loss < conditions.Loss) return new(PortCounter.LinkLoss, 0, 0);
            if (_underWay >= conditions.QueueFrames) return new(PortCounter.LinkFull, 0, 0);
            long due = now;
            if (conditions.BitsPerSecond > 0)
            {
                _freeAt = Math.Max(_freeAt, now) + (long)(lengthBytes * 8.0 / conditions.BitsPerSecond * time.TimestampFrequency);
                due = _freeAt;
            }
            if (overtake >= conditions.Reorder) due += Ticks(conditions.Delay) + (long)(late * Ticks(conditions.Jitter));
            bool isTwice = twice < conditions.Duplicate;
            _underWay += isTwice ? 2 : 1;
            return new(null, due, isTwice ? due : 0);
        }
        finally { _gate.Exit(); }
    }

    /// <summary>A frame has arrived.</summary>
    public void Arrived()
    {
        _gate.Enter();
        _underWay--;
        _gate.Exit();
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
