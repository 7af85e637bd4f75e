// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Memory.Tests;

public sealed class WindowTests : IDisposable
{
    private const int Size = 8192;
    private readonly SafeFd _memory = Memfd.Create("window", Size);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Map_NoLength_TakesAllOfIt()
    {
        using Window window = Window.Map(_memory);
        window.LengthBytes.ShouldBe(Size);
        window.IsWritable.ShouldBeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(Size + 1)]
    [InlineData(long.MaxValue)]
    public void Map_LengthNotWithinTheObject_IsRefusedWithBothNumbers(long length)
    {
        ArgumentOutOfRangeException exception = Should.Throw<ArgumentOutOfRangeException>(() => Window.Map(_memory, length));
        exception.Message.ShouldContain($"{length} bytes");
        exception.Message.ShouldContain($"{Size} bytes");
    }

    [Fact]
    public void MapDevice_OffsetAndLength_AreTheCallers()
    {
        using Window whole = Window.Map(_memory), part = Window.MapDevice(_memory, 4096, 4096);
        part.LengthBytes.ShouldBe(4096);
        part.View(0, 8).WriteRelease64(0, 42);
        whole.View(4096, 8).ReadAcquire64(0).ShouldBe(42u);
    }

    [Fact]
    public void Map_NoMemoryAtAll_IsRefused() => FdCount.AssertUnchanged(() =>
    {
        using SafeFd doorbell = EventFd.Create();
        _ = Should.Throw<ArgumentOutOfRangeException>(() => Window.Map(doorbell));
    });

    [Fact]
    public void Views_OfTwoWindows_ShowTheSameBytes()
    {
        using Window one = Window.Map(_memory), two = Window.Map(_memory, writable: false);
        one.View(4096, 8).WriteRelease64(0, 0x1122_3344_5566_7788);
        two.View(0, Size).ReadAcquire64(4096).ShouldBe(0x1122_3344_5566_7788ul);
        Span<byte> copy = stackalloc byte[8];
        two.View(4096, 8).CopyOut(0, copy);
        copy[0].ShouldBe((byte)0x88);   // little-endian
        two.IsWritable.ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, Size, true)]
    [InlineData(Size, 0, true)]
    [InlineData(Size - 1, 1, true)]
    [InlineData(0, Size + 1, false)]
    [InlineData(1, Size, false)]
    [InlineData(Size + 1, 0, false)]
    [InlineData(-1, 1, false)]
    [InlineData(0, -1, false)]
    [InlineData(long.MaxValue, int.MaxValue, false)]
    [InlineData(long.MinValue, int.MaxValue, false)]
    public void View_Bounds_AreChecked(long offset, int length, bool isWithin)
    {
        using Window window = Window.Map(_memory);
        if (isWithin) window.View(offset, length).LengthBytes.ShouldBe(length);
        else _ = Should.Throw<ArgumentOutOfRangeException>(() => _ = window.View(offset, length).LengthBytes);
    }

    [Fact]
    public void View_AfterDispose_IsRefused()
    {
        Window window = Window.Map(_memory);
        window.Dispose();
        _ = Should.Throw<ObjectDisposedException>(() => _ = window.View(0, 8).LengthBytes);
    }

    [Fact]
    public void Window_BeyondTwoGigabytes_IsReachedByItsOffset()
    {
        const long Large = 3L << 30;   // sparse: only the touched page exists
        using SafeFd memory = Memfd.Create("large", Large);
        using Window window = Window.Map(memory);
        window.View(Large - 8, 8).WriteRelease64(0, 42);
        window.View(Large - 4096, 4096).ReadAcquire64(4088).ShouldBe(42ul);
    }
}
