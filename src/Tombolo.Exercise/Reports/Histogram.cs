// SPDX-License-Identifier: MIT
using System.Numerics;

namespace Tombolo.Exercise;

/// <summary>Times in nanoseconds, in buckets about 3 % wide: any number of them in a fixed 16 KiB.</summary>
/// <remarks>Belongs to one thread.</remarks>
internal sealed class Histogram
{
    private const int SubBits = 5, Subs = 1 << SubBits;
    private readonly long[] _counts = new long[(64 - SubBits + 1) * Subs];

    /// <summary>How many times were noted.</summary>
    public long Count { get; private set; }

    /// <summary>The longest, exactly.</summary>
    public TimeSpan Max { get; private set; }

    /// <summary>Notes one.</summary>
    public void Note(TimeSpan time)
    {
        ulong nanoseconds = (ulong)Math.Clamp(time.Ticks, 0, long.MaxValue / 100) * 100;
        _counts[BucketOf(nanoseconds)]++;
        Count++;
        if (time > Max) Max = time;
    }

    /// <summary>Adds another one's.</summary>
    public void Add(Histogram other)
    {
        for (int i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
        Count += other.Count;
        if (other.Max > Max) Max = other.Max;
    }

    /// <summary>The time that a part of them did not exceed, to about 3 %.</summary>
    /// <param name="part">0.5 for the median.</param>
    /// <returns>Zero where none were noted.</returns>
    public TimeSpan Percentile(double part)
    {
        long wanted = Math.Max(1, (long)Math.Ceiling(Count * part)), seen = 0;
        for (int i = 0; i < _counts.Length; i++)
            if ((seen += _counts[i]) >= wanted)
                return seen == Count ? Max : TimeSpan.FromTicks(Math.Min(Max.Ticks, (long)(UpperEdge(i) / 100)));
        return TimeSpan.Zero;
    }

    // Below 32 a bucket each; above, 32 buckets between two powers of two.
    private static int BucketOf(ulong value)
    {
        if (value < Subs) return (int)value;
        int shift = BitOperations.Log2(value) - SubBits;
        return ((shift + 1) << SubBits) + (int)((value >> shift) - Subs);
    }

    private static ulong UpperEdge(int bucket)
    {
        if (bucket < Subs) return (ulong)bucket;
        int shift = (bucket >> SubBits) - 1;
        return (((ulong)(bucket & (Subs - 1)) + Subs + 1) << shift) - 1;
    }
}
