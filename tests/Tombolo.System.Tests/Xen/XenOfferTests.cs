// SPDX-License-Identifier: MIT
using Shouldly;

namespace Tombolo.System.Tests;

/// <summary>Offer and accept between two domains of a real Xen, over its own xenstored: <c>tombolo grant</c> in both, and the keys made by Debian's tools.</summary>
[Trait("Speed", "slow")]
[Collection("Xen")]
public sealed class XenOfferTests(XenMachine xen)
{
    /// <summary>kill -9 of either side, in the middle of a conversation: its successor goes on, and nothing is lost.</summary>
    [Fact]
    public async Task Killed_EitherSide_ItsSuccessorGoesOn()
    {
        string b = await xen.NumberOfAsync(xen.B), keys = await MakeKeysAsync("kills");
        _ = await xen.A.RunAsync("rm -f /tmp/lines; mkfifo /tmp/lines");
        XenCommand offering = Offer(keys), accepting = Accept(keys);
        await SayAsync("one");
        (await accepting.NextAsync()).ShouldBe("one");
        (await offering.NextAsync()).ShouldBe($"Domain {b} took 3 bytes.");
        await SayAsync("$(head -c 2000 /dev/zero | tr '\\0' x)");   // and through the event channel, which is bound now
        (await accepting.NextAsync()).ShouldBe(new string('x', 2000));
        (await offering.NextAsync()).ShouldBe($"Domain {b} took 2000 bytes.");

        await KillAsync(xen.B, accepting);
        await SayAsync("two");
        accepting = Accept(keys);
        (await accepting.NextAsync()).ShouldBe("two");
        (await offering.NextAsync()).ShouldBe($"Domain {b} took 3 bytes.");

        await KillAsync(xen.A, offering);
        offering = Offer(keys);
        await SayAsync("three");
        (await accepting.NextAsync()).ShouldBe("three", "who accepts hears that there is a new server");
        (await offering.NextAsync()).ShouldBe($"Domain {b} took 5 bytes.");
        await KillAsync(xen.A, offering);
        await KillAsync(xen.B, accepting);
    }

    /// <summary>
    /// The whole domain dies, as in a crash. Only the store tells: dom0 of the domain, others of the nodes that it had let them read. What was mapped stays, until it is let go. A client that waits takes the
    /// messages of the domain that comes in its place, which has another number, and ends with the offer: the keys are as they were.
    /// </summary>
    [Fact]
    public async Task DomainDestroyed_PageStays_OnlyTheStoreTells_AndAnOfferGoesOnWithTheNextOne()
    {
        string from = await xen.NumberOfAsync(xen.A), to = await xen.NumberOfAsync(xen.B), keys = await MakeKeysAsync("destroyed"), alive = $"/local/domain/{from}/data/alive";
        XenCheckShell[] shells = await Task.WhenAll(XenCheckShell.StartAsync(xen.A, "destroyed"), XenCheckShell.StartAsync(xen.B, "destroyed"));
        (XenCheckShell a, XenCheckShell b) = (shells[0], shells[1]);
        string reference = await a.TellAsync($"grant {to} 1"), remote = await a.TellAsync($"port {to}");
        _ = await a.TellAsync($"say {reference} last");
        _ = await b.TellAsync($"map {from} {reference}");
        string port = await b.TellAsync($"bind {from} {remote}");
        (await b.TellAsync($"wait {port}")).ShouldBe("event");
        _ = await xen.Dom0.RunAsync($"xenstore-write {alive} 1 && xenstore-chmod {alive} n{from} r{to}");
        XenCommand seen = xen.B.Start($"tombolo store watch {alive} -n 2");
        (await seen.NextAsync()).ShouldBe($"{alive} = \"1\"");
        XenCommand released = xen.Dom0.Start("tombolo store watch @releaseDomain -n 2 --socket /dev/xen/xenbus");
        (await released.NextAsync()).ShouldBe("@releaseDomain");
        _ = await xen.A.RunAsync("rm -f /tmp/lines; mkfifo /tmp/lines");
        XenCommand accepting = Accept(keys);
        _ = Offer(keys);
        await SayAsync("before");
        (await accepting.NextAsync()).ShouldBe("before");

        await xen.DestroyAsync(xen.A);
        try
        {
            (await EndAsync(released)).ShouldBe("@releaseDomain\n@releaseDomain");
            _ = await xen.Dom0.RunAsync(Until($"! xenstore-exists /local/domain/{from}"));   // its tool stack takes the home away after that
            (await seen.NextAsync()).ShouldBe(alive, "the node has no value any more");
            (await b.TellAsync($"see {reference}")).ShouldBe("last");
            (await b.TellAsync($"take {port}")).ShouldBe("none", "no event tells of a death");
            _ = await b.TellAsync($"notify {port}");
            (await xen.Dom0.RunAsync("xl list")).ShouldContain("(null)", customMessage: "the dead domain stays for as long as a page of it is mapped");
            _ = await b.TellAsync($"unmap {reference}");
            await b.KillAsync();
        }
        finally { await xen.StartAsync(xen.A); }
        string next = await xen.NumberOfAsync(xen.A);
        next.ShouldNotBe(from);
        (await xen.A.RunAsync($"tombolo grant offer -k {keys} after")).ShouldBe($"Domain {to} took 5 bytes.");
        (await EndAsync(accepting)).ShouldBe("before\nafter");
        (await xen.Dom0.RunAsync($"for key in server_id client_id gnt_ref msg_len evt_chn_port client_local_port; do xenstore-read {keys}/$key; done")).ShouldBe("0\n0\n0\n0\n0\n0");
        _ = await xen.Dom0.RunAsync(Until("! xl list | grep -q '(null)'"));
    }

    private static string Until(string condition) => $"tries=0; until {condition}; do tries=$((tries + 1)); [ $tries -lt 600 ] || exit 1; usleep 100000; done";

    // As in docs/specs/grants.md: Debian's tools, in dom0.
    private async Task<string> MakeKeysAsync(string name)
    {
        string keys = $"/unikernel/{name}";
        _ = await xen.Dom0.RunAsync($"for key in server_id client_id gnt_ref msg_len evt_chn_port client_local_port; do xenstore-write {keys}/$key 0 || exit 1; done; xenstore-chmod -r {keys} b0");
        return keys;
    }

    // What it offers comes line by line (SayAsync), and has no end.
    private XenCommand Offer(string keys) => xen.A.Start($"echo $$ >/tmp/grant.pid; exec tombolo grant offer -k {keys} <>/tmp/lines");

    private XenCommand Accept(string keys) => xen.B.Start($"echo $$ >/tmp/grant.pid; exec tombolo grant accept -k {keys}");

    private async Task SayAsync(string line) => _ = await xen.A.RunAsync($"echo {line} >/tmp/lines");

    private static async Task KillAsync(XenShell domain, XenCommand program)
    {
        _ = await domain.RunAsync("kill -9 $(cat /tmp/grant.pid)");
        (await program.ResultAsync()).Status.ShouldBe(137);
    }

    private static async Task<string> EndAsync(XenCommand program)
    {
        (int status, string output) = await program.ResultAsync();
        status.ShouldBe(0, output);
        return output;
    }
}
