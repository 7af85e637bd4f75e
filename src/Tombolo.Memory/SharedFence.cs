// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Tombolo.Memory;

/// <summary>What release and acquire cannot do between two words of shared memory.</summary>
public static class SharedFence
{
    /// <summary>Keeps a store before it from passing a load after it, which release and acquire allow. For "store mine, then look at yours" on both sides: one of the two sees the other's store.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Full() => Interlocked.MemoryBarrier();   // ORDER: sequentially consistent fence.  PAIRS WITH: the other side's fence between its store and its load; smp_mb(), __atomic_thread_fence(__ATOMIC_SEQ_CST) in C.

    /// <summary>One pause in a loop that polls a word: a few nanoseconds to some tens, in which the core gives way to its neighbour thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pause()
    {
        if (X86Base.IsSupported) X86Base.Pause();
        else if (ArmBase.IsSupported) ArmBase.Yield();
    }
}
