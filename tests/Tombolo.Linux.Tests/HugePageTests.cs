// SPDX-License-Identifier: MIT
using System.Globalization;
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>Shared memory of huge pages, with and without pages in the pool. Source: memfd_create(2) MFD_HUGETLB; /proc/sys/vm/nr_hugepages.</summary>
public sealed class HugePageTests
{
    private const long PageBytes = 2 << 20;
    private const string Pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", Free = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";

    [Fact]
    public void Create_MoreThanThePoolHas_SaysHowManyAndWhereToRaiseIt() => FdCount.AssertUnchanged(() =>
    {
        LinuxException exception = Should.Throw<LinuxException>(() => Memfd.Create("huge", (Read(Free) + 1) * PageBytes, PageBytes));
        exception.Errno.ShouldBe(Errno.NoMemory);
        exception.Message.ShouldContain(Pool);
        exception.Message.ShouldContain("2097152");
    });

    [Fact]
    public void Create_SizeIsNoMultiple_IsRefused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => Memfd.Create("huge", PageBytes + 4096, PageBytes));

    [Fact]
    public unsafe void Create_PoolHasEnough_IsMappedAndHeldForUs()
    {
        long before = Read(Pool);
        if (!TrySet(before + 2)) return;   // not root, or memory too fragmented: the other tests say what is then seen
        try
        {
            using (SafeFd fd = Memfd.Create("huge", 2 * PageBytes, PageBytes))
            {
                SharedFile.SizeOf(fd).ShouldBe(2 * PageBytes);
                // The pages are ours from now on, mapped or not: nobody else gets them.
                Should.Throw<LinuxException>(() => Memfd.Create("second", (Read(Free) - 1) * PageBytes, PageBytes)).Errno.ShouldBe(Errno.NoMemory);
                using MemoryMapping one = MemoryMapping.Map(fd, 2 * PageBytes), two = MemoryMapping.Map(fd, 2 * PageBytes);
                // SAFETY: both mappings are two huge pages long and live to the end of the block.
                ((byte*)one.Address)[(2 * PageBytes) - 1] = 5;
                ((byte*)two.Address)[(2 * PageBytes) - 1].ShouldBe((byte)5);
                Memfd.Add(fd, Seals.Shrink | Seals.Grow);
                File.ReadAllText("/proc/self/smaps").ShouldContain("2048 kB\nMMUPageSize:        2048 kB");
            }
        }
        finally
        {
            _ = TrySet(before);
        }
        Read(Pool).ShouldBe(before);
    }

    private static long Read(string path) => long.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture);

    private static bool TrySet(long pages)
    {
        try { File.WriteAllText(Pool, pages.ToString(CultureInfo.InvariantCulture)); }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException) { return false; }
        return Read(Pool) == pages;
    }
}
