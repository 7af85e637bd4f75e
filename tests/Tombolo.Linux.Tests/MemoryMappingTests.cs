// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>Source: mmap(2).</summary>
public sealed class MemoryMappingTests
{
    private const int Page = 4096;   // page size of x86-64; arm64 kernels may have a larger one, of which it is a divisor

    [Fact]
    public unsafe void Map_Offset_StartsThere()
    {
        int page = Environment.SystemPageSize;
        using SafeFd fd = Memfd.Create("offset", 2 * page);
        using MemoryMapping all = MemoryMapping.Map(fd, 2 * page), second = MemoryMapping.Map(fd, page, offsetBytes: page, populate: true);
        // SAFETY: the mappings are two pages and one page long and live to the end of the method.
        ((byte*)all.Address)[page] = 3;
        (*(byte*)second.Address).ShouldBe((byte)3);
        second.LengthBytes.ShouldBe(page);
    }

    [Fact]
    public unsafe void Map_DescriptorClosedAfterwards_StaysMapped()
    {
        MemoryMapping mapping;
        using (SafeFd fd = Memfd.Create("closed", Page)) mapping = MemoryMapping.Map(fd, Page);
        using (mapping)
        {
            // SAFETY: the mapping is a page long and lives to the end of the block.
            *(byte*)mapping.Address = 1;
            (*(byte*)mapping.Address).ShouldBe((byte)1);
        }
    }

    [Fact]
    public void Dispose_Unmaps()
    {
        using SafeFd fd = Memfd.Create("unmapped-by-dispose", Page);
        MemoryMapping mapping = MemoryMapping.Map(fd, Page);
        File.ReadAllText("/proc/self/maps").ShouldContain("unmapped-by-dispose");
        mapping.Dispose();
        mapping.Dispose();
        File.ReadAllText("/proc/self/maps").ShouldNotContain("unmapped-by-dispose");
    }

    [Fact]
    public void Map_ReadOnly_IsNotWritableInThePageTable()
    {
        using SafeFd fd = Memfd.Create("read-only-mapping", Page);
        using MemoryMapping mapping = MemoryMapping.Map(fd, Page, writable: false);
        mapping.IsWritable.ShouldBeFalse();
        File.ReadLines("/proc/self/maps").Single(line => line.Contains("read-only-mapping", StringComparison.Ordinal)).ShouldContain(" r--s ");
    }

    [Fact]
    public void FailingCalls_SayWhyAndLoseNoDescriptor()
    {
        using var folder = new TemporaryFolder();
        SharedFile.Open(folder["f"], Page, create: true).Dispose();
        FdCount.AssertUnchanged(() =>
        {
            using SafeFd fd = Memfd.Create("bounds", Page), reader = SharedFile.Open(folder["f"], readOnly: true), doorbell = EventFd.Create();
            _ = Should.Throw<ArgumentOutOfRangeException>(() => MemoryMapping.Map(fd, 0));
            _ = Should.Throw<ArgumentOutOfRangeException>(() => MemoryMapping.Map(fd, -1));
            Should.Throw<LinuxException>(() => MemoryMapping.Map(fd, Page, offsetBytes: 1)).Errno.ShouldBe(Errno.Invalid);
            Should.Throw<LinuxException>(() => MemoryMapping.Map(fd, long.MaxValue)).Errno.ShouldBe(Errno.NoMemory);
            Should.Throw<LinuxException>(() => MemoryMapping.Map(reader, Page)).Errno.ShouldBe(Errno.AccessDenied);
            Should.Throw<LinuxException>(() => MemoryMapping.Map(doorbell, Page)).Errno.ShouldBe(19 /* ENODEV */);
        });
    }
}
