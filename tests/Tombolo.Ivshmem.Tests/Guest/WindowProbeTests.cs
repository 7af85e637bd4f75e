// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem.Tests.Guest;

public sealed class WindowProbeTests
{
    [Theory]
    [InlineData(MemoryBehaviour.WriteBack, null, GuestRoute.Auto, null)]
    [InlineData(MemoryBehaviour.WriteBack, WindowMemoryType.WriteBack, GuestRoute.WindowDevice, null)]
    [InlineData(MemoryBehaviour.WriteBack, WindowMemoryType.Unknown, GuestRoute.WindowDevice, null)]
    [InlineData(MemoryBehaviour.WriteCombining, null, GuestRoute.Auto, "behaves write-combining: look at what backs the server's memory")]
    [InlineData(MemoryBehaviour.Uncached, WindowMemoryType.WriteBack, GuestRoute.WindowDevice, "write-back, but it behaves uncached")]
    [InlineData(MemoryBehaviour.NotCached, WindowMemoryType.Unknown, GuestRoute.WindowDevice, "behaves uncached or write-combining")]
    [InlineData(MemoryBehaviour.Uncached, WindowMemoryType.Uncached, GuestRoute.WindowDevice, "is uncached, and slow: connect the device to the root bus")]
    [InlineData(MemoryBehaviour.WriteBack, WindowMemoryType.Uncached, GuestRoute.WindowDevice, "this hypervisor caches it all the same")]
    [InlineData(MemoryBehaviour.Uncached, WindowMemoryType.Uncached, GuestRoute.Vfio, "tombolo_window.ko maps it write-back")]
    public void Warning_DriverAndMeasurement_IsOneSentenceWithTheWayOut(MemoryBehaviour measured, WindowMemoryType? driver, GuestRoute route, string? part)
    {
        string? warning = WindowProbe.WarningOf(measured, driver, route);
        if (part is null) warning.ShouldBeNull();
        else warning.ShouldNotBeNull().ShouldContain(part);
    }

    [Fact]
    public void Lines_OfMemory_SayWhatItIsAndEveryFigure()
    {
        using SafeFd memory = Memfd.Create("probe", 1 << 16);
        using Window window = Window.Map(memory);
        string[] lines = [.. WindowProbe.Of("here", window, new() { Time = TimeSpan.FromMilliseconds(1), Scratch = (4096, 8192) }).Lines()];
        lines[0].ShouldBe("here: 65536 bytes; behaves write-back");
        lines.Length.ShouldBe(4);
        foreach (string row in lines[2..]) row.ShouldMatch(@"^\w+ +([0-9.]+ GB/s +){3}[0-9.]+ ns +[0-9.]+ ns$");
    }
}
