// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using Tombolo.Linux;

namespace Tombolo.Memory;

/// <summary>Settings of one <see cref="MemoryProbe"/>. Immutable; change with <c>with</c>.</summary>
public sealed record MemoryProbeOptions
{
    /// <summary>How much of the window is read, from its start, in bytes; a shorter window is read whole. 4096 at least. Default 8 MiB.</summary>
    public long SampleBytes { get; init; } = 8 << 20;

    /// <summary>Where in the window there is room that nobody uses, in bytes; it is overwritten. Null: nothing is written. Default null.</summary>
    public (long OffsetBytes, long LengthBytes)? Scratch { get; init; }

    /// <summary>How long each figure is measured. Default 100 ms.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Names everything that cannot be, a sentence each.</summary>
    /// <param name="window">What is to be measured.</param>
    public IEnumerable<string> Problems(Window window)
    {
        if (SampleBytes < MemoryProbe.LeastBytes) yield return $"SampleBytes is {SampleBytes}; it must be at least {MemoryProbe.LeastBytes}.";
        if (window.LengthBytes < MemoryProbe.LeastBytes) yield return $"The window has {window.LengthBytes} bytes; {MemoryProbe.LeastBytes} are needed for a measurement.";
        if (Time <= TimeSpan.Zero) yield return $"Time is {Time}; it must be more than 0.";
        if (Scratch is not var (offset, length)) yield break;
        if (offset < 0 || offset % 8 != 0 || length < MemoryProbe.LeastBytes || offset > window.LengthBytes - length)
            yield return $"The scratch room is {length} bytes at {offset}; it must be at least {MemoryProbe.LeastBytes} bytes, begin at a multiple of 8, and lie within the window's {window.LengthBytes} bytes.";
        if (!window.IsWritable) yield return "There is a scratch room, but the window is mapped for reading only.";
    }
}

/// <summary>Measures a window beside ordinary memory.</summary>
/// <remarks>Other parties may use the window meanwhile: without a scratch room nothing in it changes (the compare-and-exchange puts a word in the place of the same word).</remarks>
public static class MemoryProbe
{
    /// <summary>The least that can be measured, in bytes.</summary>
    public const int LeastBytes = 4096;

    private const int BlockBytes = 1 << 16, Accesses = 2000;
    private static readonly TimeSpan _leastRun = TimeSpan.FromMicroseconds(50);   // far above a clock's step

    /// <summary>Measures.</summary>
    /// <param name="window">What is measured, borrowed.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="LinuxException">There is no memory to compare with.</exception>
    public static MemoryComparison Compare(Window window, MemoryProbeOptions options)
    {
        string[] problems = [.. options.Problems(window)];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        int sample = (int)Math.Min(Math.Min(options.SampleBytes, window.LengthBytes), 1 << 30);
        using SafeFd memory = Memfd.Create("probe", sample);
        using Window ordinary = Window.Map(memory);
        (long, long)? room = options.Scratch is null ? null : (0, Math.Min(sample, options.Scratch.Value.LengthBytes));
        return new(Measure(window, sample, options.Scratch, options), Measure(ordinary, sample, room, options));
    }

    private static MemoryFigures Measure(Window window, int sample, (long OffsetBytes, long LengthBytes)? scratch, MemoryProbeOptions options)
    {
        byte[] buffer = new byte[Math.Min(BlockBytes, sample)];
        double read = sample / Best(options, () => ReadAll(window.View(0, sample), buffer));
        double load = Best(options, () => Load(window.View(0, sizeof(ulong)))) / Accesses;
        double? atomic = window.IsWritable ? Best(options, () => Exchange(window.View(0, sizeof(ulong)))) / Accesses : null;
        double? write = null, copy = null;
        if (scratch is var (offset, length))
        {
            int room = (int)Math.Min(length, 1 << 30);
            Array.Clear(buffer);   // it holds what was read
            write = room / Best(options, () => WriteAll(window.View(offset, room), buffer));
            copy = room / 2 / Best(options, () => window.View(offset, room / 2).CopyTo(window.View(offset + (room / 2 & ~7), room / 2)));
        }
        return new(read, write, copy, load * 1e9, atomic * 1e9);
    }

    // Seconds of the best run, of as many repetitions as the clock needs. The first ones also warm up caches, page tables and the compiler.
    private static double Best(MemoryProbeOptions options, Action run)
    {
        double best = double.MaxValue;
        int repetitions = 1;
        long start = options.Clock.GetTimestamp();
        while (true)
        {
            long before = options.Clock.GetTimestamp();
            for (int i = 0; i < repetitions; i++) run();
            TimeSpan took = options.Clock.GetElapsedTime(before);
            if (took < _leastRun) repetitions *= 2;
            else best = Math.Min(best, took.TotalSeconds / repetitions);
            if (best < double.MaxValue && options.Clock.GetElapsedTime(start) >= options.Time) return best;
        }
    }

    private static void ReadAll(SharedView view, byte[] buffer)
    {
        for (int at = 0; at < view.LengthBytes; at += buffer.Length) view.CopyOut(at, buffer.AsSpan(0, Math.Min(buffer.Length, view.LengthBytes - at)));
    }

    private static void WriteAll(SharedView view, byte[] buffer)
    {
        for (int at = 0; at < view.LengthBytes; at += buffer.Length) view.CopyIn(at, buffer.AsSpan(0, Math.Min(buffer.Length, view.LengthBytes - at)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load(SharedView view)
    {
        for (int i = 0; i < Accesses; i++) _ = view.ReadAcquire64(0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exchange(SharedView view)
    {
        for (int i = 0; i < Accesses; i++) _ = view.CompareExchange64(0, 0, 0);
    }
}
