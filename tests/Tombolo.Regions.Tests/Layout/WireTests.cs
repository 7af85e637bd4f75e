// SPDX-License-Identifier: MIT
using Tombolo.Testing;
using Tombolo.Wire;

namespace Tombolo.Regions.Tests.Layout;

public sealed class SignalTableTests : WireContract<SignalTable>
{
    protected override SignalTable Sample => new(4, 0x100, 0x140);

    [Theory]
    [InlineData(17u, 0u, 0u)]
    [InlineData(uint.MaxValue, 0u, 0u)]
    [InlineData(4u, 2u, 64u)]
    [InlineData(4u, 0u, 65u)]
    public void Check_TooManySlotsOrUnalignedWords_IsOutOfRange(uint log2, uint slots, uint word) => new SignalTable(log2, slots, word).Check().ShouldBe(WireFault.ValueOutOfRange);
}

public sealed class LayoutDescriptorTests : WireContract<LayoutDescriptor>
{
    protected override LayoutDescriptor Sample => new(2, 1, 1 << 20, 3, 16);

    [Fact]
    public void Check_OtherMajor_IsUnknownVersion() => (Sample with { Major = 1 }).Check().ShouldBe(WireFault.UnknownVersion);

    [Theory]
    [InlineData(0u, 16u, WireFault.ValueOutOfRange)]
    [InlineData(2049u, 16u, WireFault.ValueOutOfRange)]
    [InlineData(1u, 12u, WireFault.ValueOutOfRange)]
    [InlineData(1u, (1u << 20) - 56, WireFault.PayloadTooLong)]
    [InlineData(2048u, uint.MaxValue - 3, WireFault.PayloadTooLong)]
    public void Check_TableThatCannotBe_IsAFault(uint regions, uint table, WireFault fault) => (Sample with { Regions = regions, TableOffset = table }).Check().ShouldBe(fault);
}

public sealed class RegionDescriptorTests : WireContract<RegionDescriptor>
{
    protected override RegionDescriptor Sample => new(3, 1, 0x1000, 0x3000, 136, new(4, 0, 64), new(4, 68, 132), "hwcomposer", 1);

    [Fact]
    public void Check_NameWithoutItsNul_IsBadText()
    {
        byte[] bytes = new byte[RegionDescriptor.Size];
        Sample.Write(bytes);
        bytes.AsSpan(40, 16).Fill((byte)'a');
        RegionDescriptor.TryRead(bytes, out RegionDescriptor region).ShouldBeTrue();
        region.Check().ShouldBe(WireFault.BadText);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a!b")]
    [InlineData("a\u00e9")]
    public void Check_NameThatNoFileCanHave_IsBadText(string name) => (Sample with { Name = name }).Check().ShouldBe(WireFault.BadText);

    [Theory]
    [InlineData(0x1001u, 0x3000u, 136u)]
    [InlineData(0x1000u, 0x3004u, 136u)]
    [InlineData(0x3000u, 0x3000u, 136u)]
    [InlineData(0x4000u, 0x3000u, 136u)]
    [InlineData(0x1000u, 0x3000u, 0x2001u)]
    [InlineData(0x1000u, 0x3000u, 132u)]
    public void Check_PlaceThatCannotBe_IsOutOfRange(uint begin, uint end, uint data) =>
        (Sample with { BeginOffset = begin, EndOffset = end, DataOffset = data }).Check().ShouldBe(WireFault.ValueOutOfRange);

    [Fact]
    public void Check_SignalledWordAmongTheSlots_IsOutOfRange() => (Sample with { GuestToHost = new(4, 0, 60) }).Check().ShouldBe(WireFault.ValueOutOfRange);
}
