// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

public sealed class BusErrorGuardTests
{
    private const int Pages = 8;
    private static readonly int _page = Environment.SystemPageSize;

    [Fact]
    public unsafe void Mapping_WhoseFileShrinks_ReadsZerosAndIsLost()
    {
        BusErrorGuard.IsSupported.ShouldBe(RuntimeInformation.ProcessArchitecture == Architecture.X64);
        if (!BusErrorGuard.IsSupported) return;
        using SafeFd file = Memfd.Create("guarded", Pages * _page), other = Memfd.Create("other", Pages * _page);
        using MemoryMapping mapping = MemoryMapping.Map(file, Pages * _page), kept = MemoryMapping.Map(other, Pages * _page);
        using GuardedRange guard = BusErrorGuard.TryGuard(mapping, SharedFile.PageBytesOf(file)).ShouldNotBeNull(), second = BusErrorGuard.TryGuard(kept, _page).ShouldNotBeNull();
        // SAFETY: both mappings have that many bytes.
        Span<byte> bytes = new((void*)mapping.Address, Pages * _page), others = new((void*)kept.Address, Pages * _page);
        bytes.Fill(7);
        others.Fill(9);
        long before = BusErrorGuard.Faults;
        guard.IsLost.ShouldBeFalse();
        SharedFile.Resize(file, 2 * _page, "guarded");
        bytes[(3 * _page) + 5].ShouldBe((byte)0);
        guard.IsLost.ShouldBeTrue();
        byte[] copy = bytes.ToArray();   // also in the runtime's own copying
        copy.AsSpan(0, 2 * _page).IndexOfAnyExcept((byte)7).ShouldBe(-1);
        copy.AsSpan(2 * _page).IndexOfAnyExcept((byte)0).ShouldBe(-1);
        bytes[^1] = 1;
        (BusErrorGuard.Faults - before).ShouldBe(Pages - 2);
        second.IsLost.ShouldBeFalse();
        others.IndexOfAnyExcept((byte)9).ShouldBe(-1);
    }

    [Fact]
    public void Guards_AreGivenBack()
    {
        if (!BusErrorGuard.IsSupported) return;
        using SafeFd file = Memfd.Create("guarded", _page);
        using MemoryMapping mapping = MemoryMapping.Map(file, _page);
        for (int i = 0; i < 20_000; i++)
        {
            GuardedRange guard = BusErrorGuard.TryGuard(mapping, _page).ShouldNotBeNull();
            guard.Dispose();
            guard.Dispose();
        }
    }

    [Fact]
    public void Fault_OutsideAllGuards_EndsTheProcessAsEver()
    {
        if (!BusErrorGuard.IsSupported) return;
        using Child child = Child.Of<BusErrorGuardTests>("bus-error");
        child.ReadLine().ShouldBe("touching");
        child.WaitForExit().ShouldBeGreaterThanOrEqualTo(128);
        child.HasLine.ShouldBeFalse();
    }

    internal static unsafe int TouchUnguarded()
    {
        using SafeFd file = Memfd.Create("guarded", _page), other = Memfd.Create("other", _page);
        using MemoryMapping mapping = MemoryMapping.Map(file, _page), bare = MemoryMapping.Map(other, _page);
        using GuardedRange? guard = BusErrorGuard.TryGuard(mapping, _page);
        SharedFile.Resize(other, 0, "other");
        Console.WriteLine("touching");
        // SAFETY: it is not safe: this is the fault that the test is about.
        Console.WriteLine(*(byte*)bare.Address);
        return 0;
    }
}
