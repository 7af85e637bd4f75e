// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Xunit;

namespace Tombolo.Memory.Tests;

public sealed class MemoryProbeTests : IDisposable
{
    private const int Size = 1 << 18;
    private static readonly MemoryProbeOptions _quick = new() { Time = TimeSpan.FromMilliseconds(1) };
    private readonly SafeFd _memory = Memfd.Create("probe", Size);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Compare_WithoutScratch_ChangesNothing()
    {
        using Window window = Window.Map(_memory);
        byte[] before = new byte[Size], after = new byte[Size];
        new Random(1).NextBytes(before);
        window.View(0, Size).CopyIn(0, before);
        MemoryFigures figures = MemoryProbe.Compare(window, _quick).Window;
        window.View(0, Size).CopyOut(0, after);
        after.AsSpan().SequenceEqual(before).ShouldBeTrue();
        (figures.WriteBytesPerSecond, figures.CopyBytesPerSecond).ShouldBe((null, null));
        figures.ReadBytesPerSecond.ShouldBeGreaterThan(0);
        figures.AtomicNanoseconds.ShouldNotBeNull().ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Compare_WithScratch_WritesThereAndNowhereElse()
    {
        using Window window = Window.Map(_memory);
        byte[] before = new byte[Size], after = new byte[Size];
        Array.Fill(before, (byte)7);
        window.View(0, Size).CopyIn(0, before);
        MemoryFigures figures = MemoryProbe.Compare(window, _quick with { Scratch = (8192, 16384) }).Window;
        window.View(0, Size).CopyOut(0, after);
        after.AsSpan(0, 8192).IndexOfAnyExcept((byte)7).ShouldBe(-1);
        after.AsSpan(8192, 16384).IndexOf((byte)7).ShouldBe(-1);
        after.AsSpan(8192 + 16384).IndexOfAnyExcept((byte)7).ShouldBe(-1);
        figures.WriteBytesPerSecond.ShouldNotBeNull().ShouldBeGreaterThan(0);
        figures.CopyBytesPerSecond.ShouldNotBeNull().ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Compare_ReadOnlyWindow_DoesWithoutWriting()
    {
        using Window window = Window.Map(_memory, writable: false);
        MemoryProbe.Compare(window, _quick).Window.AtomicNanoseconds.ShouldBeNull();
        Should.Throw<ArgumentException>(() => MemoryProbe.Compare(window, _quick with { Scratch = (0, 4096) })).Message.ShouldContain("for reading only");
    }

    [Theory]
    [InlineData(-8, 4096)]
    [InlineData(4, 4096)]
    [InlineData(0, 4095)]
    [InlineData(Size - 4096 + 8, 4096)]
    [InlineData(long.MaxValue - 7, 4096)]
    [InlineData(0, long.MaxValue)]
    public void Compare_ScratchNotWithin_IsRefused(long offset, long length)
    {
        using Window window = Window.Map(_memory);
        Should.Throw<ArgumentException>(() => MemoryProbe.Compare(window, _quick with { Scratch = (offset, length) })).Message.ShouldContain($"The scratch room is {length} bytes at {offset}");
    }

    // Figures of a real machine with each type of mapping cannot be had here; these are of the order that processors have.
    [Theory]
    [InlineData(10e9, 10e9, 1, MemoryBehaviour.WriteBack)]
    [InlineData(4e9, 4e9, 3, MemoryBehaviour.WriteBack)]
    [InlineData(60e6, 5e9, 120, MemoryBehaviour.WriteCombining)]
    [InlineData(60e6, 80e6, 120, MemoryBehaviour.Uncached)]
    [InlineData(60e6, null, 120, MemoryBehaviour.NotCached)]
    public void Behaviour_FiguresBesideOrdinaryOnes_IsJudged(double read, double? write, double load, MemoryBehaviour behaviour) =>
        new MemoryComparison(new(read, write, write, load, null), new(10e9, 10e9, 10e9, 1, 5)).Behaviour.ShouldBe(behaviour);
}
