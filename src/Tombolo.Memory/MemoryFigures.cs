// SPDX-License-Identifier: MIT
namespace Tombolo.Memory;

/// <summary>What memory did in a <see cref="MemoryProbe"/>: the best of many short runs, since everything else on a machine can only make them worse.</summary>
/// <param name="ReadBytesPerSecond">Copying out of it.</param>
/// <param name="WriteBytesPerSecond">Copying into it; null where nothing may be written.</param>
/// <param name="CopyBytesPerSecond">Copying within it; null where nothing may be written.</param>
/// <param name="LoadNanoseconds">One 64-bit load of a word that was just loaded.</param>
/// <param name="AtomicNanoseconds">One 64-bit compare-and-exchange, which changes nothing; null where the mapping is for reading only.</param>
public sealed record MemoryFigures(double ReadBytesPerSecond, double? WriteBytesPerSecond, double? CopyBytesPerSecond, double LoadNanoseconds, double? AtomicNanoseconds);

/// <summary>How memory behaves, judged by its speed beside ordinary memory's.</summary>
public enum MemoryBehaviour
{
    /// <summary>Cached, as ordinary memory.</summary>
    WriteBack,
    /// <summary>Reads are slow, writes are not.</summary>
    WriteCombining,
    /// <summary>Reads and writes are slow.</summary>
    Uncached,
    /// <summary>Reads are slow; writes were not tried, so it is one of the latter two.</summary>
    NotCached,
}

/// <summary>A window beside ordinary memory.</summary>
/// <param name="Window">The window's figures.</param>
/// <param name="Ordinary">Those of ordinary memory of the same machine in the same moment.</param>
public sealed record MemoryComparison(MemoryFigures Window, MemoryFigures Ordinary)
{
    // Uncached accesses take a hundred times as long; a noisy neighbour, two or three times.
    private const double Slow = 8;

    /// <summary>What the figures say.</summary>
    public MemoryBehaviour Behaviour => Window.LoadNanoseconds <= Ordinary.LoadNanoseconds * Slow || Window.ReadBytesPerSecond * Slow >= Ordinary.ReadBytesPerSecond ? MemoryBehaviour.WriteBack
        : Window.WriteBytesPerSecond is not { } write ? MemoryBehaviour.NotCached
        : write * Slow >= Ordinary.WriteBytesPerSecond ? MemoryBehaviour.WriteCombining : MemoryBehaviour.Uncached;
}
