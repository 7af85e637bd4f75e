// SPDX-License-Identifier: MIT
using Tombolo.Grants.Conformance;
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>A back end does what every back end must do. One class for each that the host has.</summary>
public abstract class ConformanceTests
{
    private protected static readonly DomainId First = new(1), Second = new(2);

    public static TheoryData<string> Names => [.. GrantChecks.All.Select(check => check.Name)];

    /// <summary>A ground with two domains, and what to dispose afterwards.</summary>
    protected abstract (IDomain First, IDomain Second, IDisposable Ground) Open();

    [Theory]
    [MemberData(nameof(Names))]
    public void Check_HoldsOnThisBackEnd(string name)
    {
        (IDomain first, IDomain second, IDisposable ground) = Open();
        using (ground)
        using (first)
        using (second)
            CheckRun.Run(GrantChecks.All.Single(check => check.Name == name), first, second);
    }
}

/// <summary>Domains within one process.</summary>
public sealed class LocalConformanceTests : ConformanceTests
{
    protected override (IDomain First, IDomain Second, IDisposable Ground) Open()
    {
        LocalGround ground = new();
        return (ground.Join(First), ground.Join(Second), ground);
    }
}

/// <summary>Host processes at a server, all of them within this process.</summary>
public sealed class SocketConformanceTests : ConformanceTests
{
    protected override (IDomain First, IDomain Second, IDisposable Ground) Open()
    {
        TestGround ground = new();
        return (ground.Join(First), ground.Join(Second), ground);
    }
}
