// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Grants.Conformance;

namespace Tombolo.System.Tests;

/// <summary>One boot of Xen serves all its tests, one after the other.</summary>
[CollectionDefinition("Xen")]
public sealed class XenTestsShareOneMachine : ICollectionFixture<XenMachine>;

/// <summary>Grants and event channels on a real Xen, between two domains that have nothing of ours but C# programs.</summary>
[Trait("Speed", "slow")]
[Collection("Xen")]
public sealed class XenTests(XenMachine xen)
{
    [Fact]
    public async Task Conformance_BetweenTwoDomains_EveryCheckHolds()
    {
        XenCommand first = xen.A.Start($"tombolo-xen-check conform first {await xen.NumberOfAsync(xen.B)}"), second = xen.B.Start($"tombolo-xen-check conform second {await xen.NumberOfAsync(xen.A)}");
        foreach (XenCommand side in new[] { first, second })
        {
            (int status, string output) = await side.ResultAsync();
            status.ShouldBe(0, $"{output}\n--- the other side:\n{string.Join('\n', (side == first ? second : first).Lines)}");
            output.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)).ShouldBe(GrantChecks.All.Count);
        }
    }

    [Fact]
    public async Task Grant_Mapped_BothSidesSeeTheSameBytes()
    {
        (XenCheckShell a, XenCheckShell b, string toB, string fromA) = await PairAsync("same");
        string reference = await a.TellAsync($"grant {toB} 1");
        uint.Parse(reference).ShouldBeGreaterThanOrEqualTo(8u, "references 0 to 7 are reserved");
        await a.TellAsync($"say {reference} hello");
        await b.TellAsync($"map {fromA} {reference}");
        (await b.TellAsync($"see {reference}")).ShouldBe("hello");
        await b.TellAsync($"answer {reference} hallo");
        (await a.TellAsync($"read {reference}")).ShouldBe("hallo");
        await KillAsync(a, b);
    }

    /// <summary>Xen is asked only when the pages are mapped, and says no more than EINVAL.</summary>
    [Fact]
    public async Task BadReference_IsPreparedButNotMapped()
    {
        (XenCheckShell a, XenCheckShell b, _, string fromA) = await PairAsync("bad");
        await b.TellAsync($"prepare {fromA} 900");
        (await b.AskAsync($"map {fromA} 900")).ShouldStartWith("BadReference");
        await KillAsync(a, b);
    }

    [Fact]
    public async Task Bind_IsPendingOnce_AndASecondOneRefused()
    {
        (XenCheckShell a, XenCheckShell b, string toB, string fromA) = await PairAsync("bind");
        string remote = await a.TellAsync($"port {toB}"), port = await b.TellAsync($"bind {fromA} {remote}");
        (await b.TellAsync($"wait {port}")).ShouldBe("event");
        (await b.TellAsync($"take {port}")).ShouldBe("none");
        (await b.AskAsync($"bind {fromA} {remote}")).ShouldStartWith("BadPort");
        await a.TellAsync($"notify {remote}");
        await a.TellAsync($"notify {remote}");
        (await b.TellAsync($"wait {port}")).ShouldBe("event");
        (await b.TellAsync($"take {port}")).ShouldBe("none", "two notifications are one event");
        await KillAsync(a, b);
    }

    [Theory]
    [InlineData("unmapped")]
    [InlineData("killed")]
    public async Task UnmapNotify_MappingGoesAway_GranterHearsAndSees(string how)
    {
        (XenCheckShell a, XenCheckShell b, string toB, string fromA) = await PairAsync(how);
        string reference = await a.TellAsync($"grant {toB} 1"), remote = await a.TellAsync($"port {toB}");
        await a.TellAsync($"say {reference} there");
        await b.TellAsync($"map {fromA} {reference}");
        string port = await b.TellAsync($"bind {fromA} {remote}");
        (await b.TellAsync($"wait {port}")).ShouldBe("event");
        await b.TellAsync($"notify-on-unmap {reference} {port}");
        (await a.TellAsync($"take {remote}")).ShouldBe("none");
        if (how == "killed") await b.KillAsync();
        else await b.TellAsync($"unmap {reference}");
        (await a.TellAsync($"wait {remote}")).ShouldBe("event");
        (await a.TellAsync($"read {reference}")).ShouldBe(".here", "the first byte is cleared");
        await a.KillAsync();
        if (how != "killed") await b.KillAsync();
    }

    /// <summary>The other way round, by gntalloc: who has a page mapped hears that its granter's process is gone, if that one had asked for it.</summary>
    [Fact]
    public async Task UnmapNotify_GranterKilled_MapperHearsAndSees()
    {
        (XenCheckShell a, XenCheckShell b, string toB, string fromA) = await PairAsync("granter-notice");
        string reference = await a.TellAsync($"grant {toB} 1"), remote = await a.TellAsync($"port {toB}");
        await a.TellAsync($"say {reference} there");
        await b.TellAsync($"map {fromA} {reference}");
        string port = await b.TellAsync($"bind {fromA} {remote}");
        (await b.TellAsync($"wait {port}")).ShouldBe("event");
        await a.TellAsync($"notify-on-end {reference} {remote}");
        (await b.TellAsync($"take {port}")).ShouldBe("none");
        await a.KillAsync();
        (await b.TellAsync($"wait {port}")).ShouldBe("event");
        (await b.TellAsync($"see {reference}")).ShouldBe(".here", "the first byte is cleared");
        await b.KillAsync();
    }

    /// <summary>The granter's process dies: the page stays with who has it mapped, and can be mapped no more after that. A new process begins anew.</summary>
    [Fact]
    public async Task GranterKilled_MappingStays_AndASuccessorGrantsAnew()
    {
        (XenCheckShell a, XenCheckShell b, string toB, string fromA) = await PairAsync("granter");
        string reference = await a.TellAsync($"grant {toB} 1"), remote = await a.TellAsync($"port {toB}");
        await a.TellAsync($"say {reference} last");
        await b.TellAsync($"map {fromA} {reference}");
        string port = await b.TellAsync($"bind {fromA} {remote}");
        (await b.TellAsync($"wait {port}")).ShouldBe("event");
        await a.KillAsync();
        (await b.TellAsync($"see {reference}")).ShouldBe("last");
        (await b.TellAsync($"take {port}")).ShouldBe("none", "no event tells of a death");
        await b.TellAsync($"notify {port}");
        XenCheckShell successor = await XenCheckShell.StartAsync(xen.A, "successor");
        string again = await successor.TellAsync($"grant {toB} 1");
        again.ShouldNotBe(reference, "a page that is still mapped keeps its reference");
        await successor.TellAsync($"say {again} anew");
        await b.TellAsync($"map {fromA} {again}");
        (await b.TellAsync($"see {again}")).ShouldBe("anew");
        await KillAsync(successor, b);
    }

    private async Task<(XenCheckShell A, XenCheckShell B, string NumberOfB, string NumberOfA)> PairAsync(string name)
    {
        string a = await xen.NumberOfAsync(xen.A), b = await xen.NumberOfAsync(xen.B);
        XenCheckShell[] shells = await Task.WhenAll(XenCheckShell.StartAsync(xen.A, name), XenCheckShell.StartAsync(xen.B, name));
        return (shells[0], shells[1], b, a);
    }

    private static async Task KillAsync(params XenCheckShell[] shells)
    {
        foreach (XenCheckShell shell in shells) await shell.KillAsync();
    }
}
