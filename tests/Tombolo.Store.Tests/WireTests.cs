// SPDX-License-Identifier: MIT
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Tombolo.Testing;
using Tombolo.Wire;

namespace Tombolo.Store.Tests;

public sealed class StoreHeaderTests : WireContract<StoreHeader>
{
    protected override StoreHeader Sample => new(StoreOperation.Directory, RequestId: 7, TransactionId: 9, Length: 2);

    [Fact]
    public void Write_GivesTheGoldenBytes()
    {
        byte[] bytes = new byte[16];
        new StoreHeader(StoreOperation.Write, 1, 2, 10).Write(bytes);
        Convert.ToHexStringLower(bytes).ShouldBe("0b00000001000000020000000a000000");
    }

    [Theory]
    [InlineData(4096u, WireFault.None)]
    [InlineData(4097u, WireFault.PayloadTooLong)]
    [InlineData(uint.MaxValue, WireFault.PayloadTooLong)]
    public void Check_Length_AtItsLimit(uint length, WireFault fault) => (Sample with { Length = length }).Check().ShouldBe(fault);

    [Theory]
    [InlineData(19u, WireFault.None)]
    [InlineData(20u, WireFault.UnknownType)]   // a number that the protocol skips
    [InlineData(22u, WireFault.None)]
    [InlineData(23u, WireFault.UnknownType)]
    public void Check_Operation_KnownOrNot(uint operation, WireFault fault) => (Sample with { Operation = (StoreOperation)operation }).Check().ShouldBe(fault);
}

public sealed class StorePathTests
{
    [Theory]
    [InlineData("/", true)]
    [InlineData("/a", true)]
    [InlineData("/a/b-c_D/@9", true)]
    [InlineData("a/b", true)]
    [InlineData("", false)]
    [InlineData("/a/", false)]
    [InlineData("//a", false)]
    [InlineData("/a//b", false)]
    [InlineData("/a b", false)]
    [InlineData("/ä", false)]
    [InlineData("/a.b", false)]
    [InlineData("@releaseDomain", false)]
    public void IsValid_FollowsTheGrammar(string path, bool isValid) => StorePath.IsValid(path).ShouldBe(isValid);

    [Fact]
    public void IsValid_Length_AtItsLimits()
    {
        StorePath.IsValid("/" + new string('a', StorePath.MaxAbsoluteBytes - 1)).ShouldBeTrue();
        StorePath.IsValid("/" + new string('a', StorePath.MaxAbsoluteBytes)).ShouldBeFalse();
        StorePath.IsValid(new string('a', StorePath.MaxRelativeBytes)).ShouldBeTrue();
        StorePath.IsValid(new string('a', StorePath.MaxRelativeBytes + 1)).ShouldBeFalse();
    }

    [Fact]
    public void Resolve_RelativePath_IsBelowTheHome()
    {
        byte[] buffer = new byte[StorePath.MaxAbsoluteBytes];
        StorePath.TryResolve("data/x"u8, "/local/domain/5"u8, buffer, out ReadOnlySpan<byte> path).ShouldBeTrue();
        Encoding.ASCII.GetString(path).ShouldBe("/local/domain/5/data/x");
    }
}

public sealed class StorePermissionsTests
{
    [Fact]
    public void Parse_AndToString_AreEachOthersInverse() =>
        Prop.ForAll(Permissions(), permissions => StorePermissions.Parse(permissions.ToString()).Equals(permissions)).QuickCheckThrowOnFailure();

    [Fact]
    public void WriteAndTryRead_AreEachOthersInverse() => Prop.ForAll(Permissions(), permissions =>
    {
        byte[] bytes = new byte[4096];
        int length = permissions.Write(bytes);
        return StorePermissions.TryRead(bytes.AsSpan(0, length), out StorePermissions back) && back.Equals(permissions);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("x5")]
    [InlineData("r")]
    [InlineData("r32752")]   // the first reserved number, 0x7FF0
    [InlineData("r-1")]
    [InlineData("r 5")]
    public void Parse_Nonsense_IsRefused(string text) => Should.Throw<FormatException>(() => StorePermissions.Parse(text));

    [Fact]
    public void For_OwnerAndPrivileged_MayAll_OthersTheirEntryOrTheDefault()
    {
        StorePermissions permissions = StorePermissions.Parse("r5,n6,b7");
        (permissions.For(new(0)), permissions.For(new(5)), permissions.For(new(6)), permissions.For(new(7)), permissions.For(new(8)))
            .ShouldBe((StoreAccess.Both, StoreAccess.Both, StoreAccess.None, StoreAccess.Both, StoreAccess.Read));
    }

    private static Arbitrary<StorePermissions> Permissions() => Gen.Choose(0, DomainId.Highest).SelectMany(domain => Gen.Choose(0, 3).Select(access => new StorePermission(new((ushort)domain), (StoreAccess)access)))
        .NonEmptyListOf().Select(entries => new StorePermissions([.. entries])).ToArbitrary();
}
