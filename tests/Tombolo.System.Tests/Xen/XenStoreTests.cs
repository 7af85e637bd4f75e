// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.System.Tests;

/// <summary><c>tombolo store</c> and its client library with Xen's own xenstored, through Linux's device /dev/xen/xenbus, in dom0 and in a domain.</summary>
[Trait("Speed", "slow")]
[Collection("Xen")]
public sealed class XenStoreTests(XenMachine xen)
{
    private const string Device = "--socket /dev/xen/xenbus";

    [Fact]
    public async Task Dom0_ReadsAndWrites_AsDebiansToolsDo()
    {
        string number = await xen.NumberOfAsync(xen.A);
        (await xen.Dom0.RunAsync($"tombolo store read /local/domain/{number}/name {Device}")).ShouldBe("a");
        (await xen.Dom0.RunAsync($"tombolo store list /local/domain {Device}")).Split('\n').ShouldBe((await xen.Dom0.RunAsync("xenstore-list /local/domain")).Split('\n'), ignoreOrder: true);
        _ = await xen.Dom0.RunAsync($"tombolo store write /tool/check/one 1 /tool/check/two 2 {Device}");   // a transaction
        (await xen.Dom0.RunAsync("xenstore-read /tool/check/one /tool/check/two")).ShouldBe("1\n2");
        _ = await xen.Dom0.RunAsync($"tombolo store chmod -r /tool/check n0 r{number} {Device}");
        (await xen.Dom0.RunAsync("xenstore-ls -p /tool/check")).Replace(" .", "", StringComparison.Ordinal).ShouldBe($"one = \"1\"   (n0,r{number})\ntwo = \"2\"   (n0,r{number})");
        _ = await xen.Dom0.RunAsync($"tombolo store rm /tool/check {Device}; ! tombolo store exists /tool/check {Device}");
        (await xen.Dom0.Start("xenstore-exists /tool/check").ResultAsync()).Status.ShouldBe(1);
    }

    /// <summary>Within a domain no option is needed. Relative paths are below its home; another domain's nodes are its own until it says otherwise.</summary>
    [Fact]
    public async Task Domain_HasItsOwnData_AndSharesWhatItWants()
    {
        string a = await xen.NumberOfAsync(xen.A), b = await xen.NumberOfAsync(xen.B);
        _ = await xen.A.RunAsync("tombolo store write data/shared hello && tombolo store exists data/shared");
        (await xen.A.RunAsync($"tombolo store read /local/domain/{a}/data/shared")).ShouldBe("hello");
        (int status, string refused) = await xen.B.Start($"tombolo store read /local/domain/{a}/data/shared").ResultAsync();
        status.ShouldBe(1);
        refused.ShouldContain("EACCES");
        _ = await xen.A.RunAsync($"tombolo store chmod data/shared n{a} r{b}");
        (await xen.B.RunAsync($"tombolo store read /local/domain/{a}/data/shared")).ShouldBe("hello");
        (status, refused) = await xen.B.Start("tombolo store write /tool/mine 1").ResultAsync();
        status.ShouldBe(1);
        refused.ShouldContain("EACCES");
    }

    [Fact]
    public async Task Watch_SaysTheNodeAtOnce_AndThenWhatChanges()
    {
        string a = await xen.NumberOfAsync(xen.A);
        XenCommand watch = xen.A.Start("tombolo store watch data/seen -n 3");
        (await watch.NextAsync()).ShouldBe("data/seen");   // it need not be there
        _ = await xen.Dom0.RunAsync($"xenstore-write /local/domain/{a}/data/seen 1");
        (await watch.NextAsync()).ShouldBe("data/seen = \"1\"");
        _ = await xen.Dom0.RunAsync($"xenstore-write /local/domain/{a}/data/seen/below 2");
        (await watch.NextAsync()).ShouldBe("data/seen/below = \"2\"");
        (await watch.ResultAsync()).Status.ShouldBe(0);
    }

    /// <summary>Two processes of one domain and one of dom0 count in one node; those whose transaction meets another's are told EAGAIN, and do it again.</summary>
    [Fact]
    public async Task Transactions_OfSeveral_LoseNothing()
    {
        const int Each = 60;
        string path = $"/local/domain/{await xen.NumberOfAsync(xen.A)}/data/counter";
        _ = await xen.A.RunAsync("tombolo store write data/counter 0");
        XenCommand[] counting = [.. new[] { xen.A, xen.A, xen.Dom0 }.Select(domain => domain.Start($"tombolo-xen-check count {path} {Each}"))];
        int retries = 0;
        foreach (XenCommand one in counting)
        {
            (int status, string output) = await one.ResultAsync();
            status.ShouldBe(0, output);
            retries += int.Parse(output.Split(' ')[0], null);
        }
        (await xen.Dom0.RunAsync($"xenstore-read {path}")).ShouldBe($"{3 * Each}");
        retries.ShouldBeGreaterThan(0, "some transactions met others");
    }

    /// <summary>The kernel takes 4096 bytes with the header; what is longer is refused here, with a sentence, and the connection lives on.</summary>
    [Fact]
    public async Task LongestMessage_IsTheKernels_NotTheProtocols()
    {
        (int status, string said) = await xen.A.Start("tombolo store write data/long $(head -c 4090 /dev/zero | tr '\\0' x)").ResultAsync();
        status.ShouldBe(1);
        said.ShouldContain("4080 bytes");
        _ = await xen.A.RunAsync("tombolo store write data/long $(head -c 2000 /dev/zero | tr '\\0' x)");
        (await xen.A.RunAsync("tombolo store read data/long | wc -c")).Trim().ShouldBe("2001");
    }
}
