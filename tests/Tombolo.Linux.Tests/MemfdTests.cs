// SPDX-License-Identifier: MIT
using Microsoft.Win32.SafeHandles;
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>What sealed shared memory relies on. Source: memfd_create(2), fcntl(2) F_ADD_SEALS.</summary>
public sealed class MemfdTests : IDisposable
{
    private const int Size = 8192;
    private readonly SafeFd _memory = Memfd.Create("test", Size);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public unsafe void Create_IsZeroFilledSharedAndCloseOnExec()
    {
        Descriptor.IsCloseOnExec(_memory).ShouldBeTrue();
        SharedFile.SizeOf(_memory).ShouldBe(Size);
        using MemoryMapping one = MemoryMapping.Map(_memory, Size), two = MemoryMapping.Map(_memory, Size);
        // SAFETY: both mappings are Size bytes long and live to the end of the method.
        new Span<byte>((byte*)one.Address, Size).ContainsAnyExcept((byte)0).ShouldBeFalse();
        ((byte*)one.Address)[Size - 1] = 7;
        ((byte*)two.Address)[Size - 1].ShouldBe((byte)7);
    }

    [Theory]
    [InlineData(Seals.Shrink, false, true)]
    [InlineData(Seals.Grow, true, false)]
    [InlineData(Seals.Shrink | Seals.Grow, false, false)]
    [InlineData(Seals.None, true, true)]
    public void Add_SizeSeals_ForbidExactlyThat(Seals seals, bool mayShrink, bool mayGrow)
    {
        Memfd.Add(_memory, seals);
        Memfd.SealsOf(_memory).ShouldBe(seals);
        using SafeFileHandle file = Reopen();
        Allowed(() => RandomAccess.SetLength(file, Size * 2)).ShouldBe(mayGrow);
        Allowed(() => RandomAccess.SetLength(file, Size)).ShouldBe(!mayGrow || mayShrink);
        Allowed(() => RandomAccess.SetLength(file, Size / 2)).ShouldBe(mayShrink);
    }

    [Fact]
    public void Add_AfterSeal_IsRefused()
    {
        Memfd.Add(_memory, Seals.Shrink | Seals.Grow | Seals.Seal);
        Should.Throw<LinuxException>(() => Memfd.Add(_memory, Seals.Write)).Errno.ShouldBe(Errno.NotPermitted);
        Memfd.SealsOf(_memory).ShouldBe(Seals.Shrink | Seals.Grow | Seals.Seal);
    }

    [Fact]
    public void Add_WriteWhileMappedWritable_IsRefused()
    {
        MemoryMapping mapping = MemoryMapping.Map(_memory, Size);
        Should.Throw<LinuxException>(() => Memfd.Add(_memory, Seals.Write)).Errno.ShouldBe(16 /* EBUSY */);
        mapping.Dispose();
        Memfd.Add(_memory, Seals.Write);
        using SafeFileHandle file = Reopen();
        Allowed(() => RandomAccess.Write(file, "x"u8, 0)).ShouldBeFalse();
        Should.Throw<LinuxException>(() => MemoryMapping.Map(_memory, Size)).Errno.ShouldBe(Errno.NotPermitted);
    }

    [Fact]
    public unsafe void Add_FutureWrite_KeepsOldMappingsAndRefusesNewWritableOnes()
    {
        using MemoryMapping old = MemoryMapping.Map(_memory, Size);
        Memfd.Add(_memory, Seals.FutureWrite);
        Should.Throw<LinuxException>(() => MemoryMapping.Map(_memory, Size)).Errno.ShouldBe(Errno.NotPermitted);
        using SafeFileHandle file = Reopen();
        Allowed(() => RandomAccess.Write(file, "x"u8, 0)).ShouldBeFalse();
        using MemoryMapping reader = MemoryMapping.Map(_memory, Size, writable: false);
        // SAFETY: both mappings are Size bytes long and live to the end of the method.
        *(byte*)old.Address = 9;
        (*(byte*)reader.Address).ShouldBe((byte)9);
    }

    [Fact]
    public void Seals_OnAPlainFile_AreRefused()
    {
        using var folder = new TemporaryFolder();
        using SafeFd file = SharedFile.Open(folder["f"], 4096, create: true);
        Should.Throw<LinuxException>(() => Memfd.Add(file, Seals.Shrink)).Errno.ShouldBe(Errno.Invalid);
    }

    [Fact]
    public void FailingCalls_LoseNoDescriptor() => FdCount.AssertUnchanged(() =>
    {
        Should.Throw<LinuxException>(() => Memfd.Create("negative", -1)).Errno.ShouldBe(Errno.Invalid);
        Should.Throw<LinuxException>(() => Memfd.Create(new string('x', 250), 4096)).Errno.ShouldBe(Errno.Invalid);
        _ = Should.Throw<LinuxException>(() => Memfd.Create("no such pages", 1L << 40, hugePageBytes: 1L << 40));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => Memfd.Create("odd", 4096, hugePageBytes: 3 << 20));
    });

    private SafeFileHandle Reopen() => File.OpenHandle($"/proc/self/fd/{_memory.Number}", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

    private static bool Allowed(Action action)
    {
        try { action(); }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException) { return false; }
        return true;
    }
}
