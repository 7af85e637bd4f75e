// SPDX-License-Identifier: MIT
namespace Tombolo.Memory;

/// <summary>One aligned 64-bit word of a <see cref="Window"/>, checked once when it was made; every access after that costs one instruction.</summary>
/// <inheritdoc cref="SharedWord32" path="/remarks"/>
public readonly unsafe struct SharedWord64
{
    private readonly ulong* _address;

    // SAFETY: only Window makes one, of an aligned address inside its mapping, which outlives it by the rule above.
    internal SharedWord64(ulong* address) => _address = address;

    // ORDER: acquire; what the writer published before this word is visible after the read.  PAIRS WITH: WriteRelease here, smp_store_release() and __atomic_store_n(…, __ATOMIC_RELEASE) in C.

    /// <summary>Reads the word; later reads see at least what its writer had written before it.</summary>
    public ulong ReadAcquire() => Volatile.Read(ref *_address);

    // ORDER: release; what this party wrote before is visible to whoever reads the word.  PAIRS WITH: ReadAcquire here, smp_load_acquire() and __atomic_load_n(…, __ATOMIC_ACQUIRE) in C.

    /// <summary>Writes the word; whoever reads it sees everything written before it.</summary>
    /// <param name="value">The value.</param>
    public void WriteRelease(ulong value) => Volatile.Write(ref *_address, value);

    /// <summary>Replaces the word if it holds a value; a full barrier either way.</summary>
    /// <param name="value">The new value.</param>
    /// <param name="expected">The value it must hold.</param>
    /// <returns>What it held.</returns>
    public ulong CompareExchange(ulong value, ulong expected) => Interlocked.CompareExchange(ref *_address, value, expected);

    /// <summary>Sets bits of the word; a full barrier.</summary>
    /// <param name="bits">Which.</param>
    /// <returns>What it held.</returns>
    public ulong Or(ulong bits) => Interlocked.Or(ref *_address, bits);

    /// <summary>Keeps bits of the word, and clears the others; a full barrier.</summary>
    /// <param name="bits">Which to keep.</param>
    /// <returns>What it held.</returns>
    public ulong And(ulong bits) => Interlocked.And(ref *_address, bits);

    /// <summary>Replaces the word, whatever it holds; a full barrier.</summary>
    /// <param name="value">The new value.</param>
    /// <returns>What it held.</returns>
    public ulong Exchange(ulong value) => Interlocked.Exchange(ref *_address, value);

    /// <summary>Adds to the word; a full barrier.</summary>
    /// <param name="value">What to add.</param>
    public void Add(ulong value) => Interlocked.Add(ref *_address, value);
}
