// SPDX-License-Identifier: MIT
namespace Tombolo.Daemon.Tests;

public sealed class SameUserOnlyTests
{
    [Theory]
    [InlineData(1000u, 1000u, true)]
    [InlineData(0u, 1000u, true)]
    [InlineData(1001u, 1000u, false)]
    [InlineData(1000u, 0u, false)]
    [InlineData(uint.MaxValue, 1000u, false)]
    public void Allows_User_IsTheOwnerOrRoot(uint user, uint own, bool expected) => SameUserOnly.Allows(user, own).ShouldBe(expected);
}
