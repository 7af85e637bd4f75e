// SPDX-License-Identifier: MIT
namespace Tombolo.Testing;

/// <summary>What work takes from the collector, on the thread that does it.</summary>
public static class Allocations
{
    private const int Tries = 5;

    /// <summary>Bytes that one try took.</summary>
    public static long Of(Action work)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>The fewest bytes that any of some tries took.</summary>
    /// <param name="attempt">One try: it gives back how many bytes it took.</param>
    /// <remarks>
    /// The runtime allocates for itself on whatever thread it has at hand: when a method has become hot enough to be compiled anew, at a time that the machine's load decides. That is in one try and not
    /// in the next; what the work allocates is in all of them.
    /// </remarks>
    public static long Fewest(Func<long> attempt)
    {
        long fewest = long.MaxValue;
        for (int i = 0; i < Tries && fewest > 0; i++) fewest = Math.Min(fewest, attempt());
        return fewest;
    }
}
