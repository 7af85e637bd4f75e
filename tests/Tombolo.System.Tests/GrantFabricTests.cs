// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Fabric;
using Tombolo.Linux;
using Tombolo.Machines;
using Tombolo.Store;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>One YAML, <c>tombolo up</c>, and <c>tombolo grant offer|accept</c> in two guests and on their host; and everybody is killed once.</summary>
[Trait("Speed", "slow")]
public sealed class GrantFabricTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly GuestShells _shells;
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromMinutes(9));

    public GrantFabricTests() => _shells = new(_folder.FullPath);

    private FabricPaths Paths => new(_folder["run"], "pages");

    public void Dispose()
    {
        _ = RealPrograms.Tombolo(_folder["run"], "down", "--fabric", "pages");
        _shells.Dispose();
        _folder.Dispose();
        _watchdog.Dispose();
    }

    [Fact]
    public async Task OfferAndAccept_InGuestsAndOnTheHost_OutlivePrograms_TheDaemon_AndAGuest()
    {
        MakeImage();
        File.WriteAllText(_folder["fabric.yaml"], $$"""
            fabric: pages
            store: {}
            grants: { offers: [/unikernel/random, /offers/lasting], windows: { window: { places: 3 } } }
            machines:
              vm0: { {{Machine("vm0")}} }
              vm1: { {{Machine("vm1")}} }
            """);
        XenShell vm0 = _shells.Listen("vm0"), vm1 = _shells.Listen("vm1");
        _ = Run("up", "-f", _folder["fabric.yaml"]);
        await Task.WhenAll(vm0.Ready, vm1.Ready).WaitAsync(_watchdog.Token);

        // From the second guest to the first; the other way there is a longer conversation below.
        XenCommand accepting = vm0.Start("tombolo grant accept");
        (await vm1.RunAsync("tombolo grant offer $(head -c 4096 /dev/zero | tr '\\0' x) last")).ShouldBe("Domain 1 took 4096 bytes.\nDomain 1 took 4 bytes.");
        (await EndAsync(accepting)).ShouldBe($"{new string('x', 4096)}\nlast");

        // And with the host, which takes the place that is left.
        Task<string> host = Task.Run(() => Run("grant", "accept", "--window", "window"));
        (await vm0.RunAsync("tombolo grant offer 'to the host'")).ShouldBe("Domain 3 took 11 bytes.");
        (await host).ShouldBe("to the host\n");
        accepting = vm1.Start("tombolo grant accept");
        Run("grant", "offer", "--window", "window", "from the host").ShouldBe("Domain 2 took 13 bytes.\n");
        (await EndAsync(accepting)).ShouldBe("from the host");

        await KillEverybodyAsync(vm0, vm1);
    }

    // A conversation that goes on all the while: first its two ends are killed, then the daemon under it, then the guest that offers.
    private async Task KillEverybodyAsync(XenShell vm0, XenShell vm1)
    {
        XenCommand offering = await OfferAsync(vm0), accepting = Accept(vm1);
        await SayAsync(vm0, "one");
        (await accepting.NextAsync()).ShouldBe("one");
        (await offering.NextAsync()).ShouldBe("Domain 2 took 3 bytes.");
        Run("grant", "ls").ShouldContain("machine vm0");
        (int code, string said) = await vm1.Start("tombolo store ls").ResultAsync();
        (code, said.Contains("in a guest one at a time can have it", StringComparison.Ordinal)).ShouldBe((1, true), said);
        string status = Run("status");
        status.ShouldContain("domains 1 to 3");

        await KillAsync(vm1, accepting);
        await SayAsync(vm0, "two");
        accepting = Accept(vm1);
        (await accepting.NextAsync()).ShouldBe("two");
        (await offering.NextAsync()).ShouldBe("Domain 2 took 3 bytes.");

        await KillAsync(vm0, offering);
        offering = await OfferAsync(vm0);
        await SayAsync(vm0, "three");
        (await accepting.NextAsync()).ShouldBe("three");
        (await offering.NextAsync()).ShouldBe("Domain 2 took 5 bytes.");

        await KillDaemonAsync();
        _ = Run("up", "-f", _folder["fabric.yaml"]);
        await SayAsync(vm0, "four");
        (await accepting.NextAsync()).ShouldBe("four", "the daemon that was killed is in nobody's way");
        (await offering.NextAsync()).ShouldBe("Domain 2 took 4 bytes.");

        await KillGuestAsync("vm0");
        _ = await offering.Ended.WaitAsync(_watchdog.Token);
        await vm0.Ready.WaitAsync(_watchdog.Token);   // the fabric starts it again
        offering = await OfferAsync(vm0);
        await SayAsync(vm0, "five");
        (await accepting.NextAsync()).ShouldBe("five");
        (await offering.NextAsync()).ShouldBe("Domain 2 took 4 bytes.");
        await KillAsync(vm0, offering);
        await KillAsync(vm1, accepting);
    }

    // The guests' image, with the program that make xen has published.
    private void MakeImage()
    {
        GuestImage image = GuestImage.Find().ShouldNotBeNull("the guest image is not built: run 'make guest'");
        string program = RepositoryFile.PathOf("artifacts/xen/work/programs/tombolo/tombolo");
        File.Exists(program).ShouldBeTrue($"{program} is not there: run 'make xen'");
        _ = Directory.CreateDirectory(_folder["image"]);
        _ = File.CreateSymbolicLink(_folder["image/vmlinuz"], image.KernelPath);
        _ = GuestTrial.WithPrograms(image.InitrdPath, _folder["image/initramfs.cpio"], [program, RepositoryFile.PathOf("guest/xen/common/agent")]);
    }

    private string Machine(string name) =>
        $"image: ./image, attach: window, accel: tcg, memory: 384M, ready-within: 4m, grace: 0s, run: [{string.Join(", ", GuestShells.Script.Select(line => $"'{line}'"))}], qemu: [{string.Join(", ", _shells.QemuOf(name).Select(word => $"'{word}'"))}]";

    private string Run(params string[] arguments)
    {
        (int code, string output, string error) = RealPrograms.Tombolo(_folder["run"], arguments);
        code.ShouldBe(0, $"tombolo {string.Join(' ', arguments)}: {output}{error}\n--- the guests:\n{_shells.Log()}");
        return output;
    }

    // What it offers comes line by line (SayAsync), and has no end.
    private static async Task<XenCommand> OfferAsync(XenShell guest)
    {
        _ = await guest.RunAsync("rm -f /tmp/lines; mkfifo /tmp/lines");
        return guest.Start("echo $$ >/tmp/grant.pid; exec tombolo grant offer -k /offers/lasting <>/tmp/lines");
    }

    private static XenCommand Accept(XenShell guest) => guest.Start("echo $$ >/tmp/grant.pid; exec tombolo grant accept -k /offers/lasting");

    private static async Task SayAsync(XenShell guest, string line) => _ = await guest.RunAsync($"echo {line} >/tmp/lines");

    private static async Task KillAsync(XenShell guest, XenCommand program)
    {
        _ = await guest.RunAsync("kill -9 $(cat /tmp/grant.pid)");
        (await program.ResultAsync()).Status.ShouldBe(137);
    }

    private static async Task<string> EndAsync(XenCommand program)
    {
        (int status, string output) = await program.ResultAsync();
        status.ShouldBe(0, output);
        return output;
    }

    private async Task KillDaemonAsync()
    {
        Kill(FabricState.OwnerOf(Paths));
        while (FabricState.OwnerOf(Paths) != 0) await Task.Delay(20, _watchdog.Token);
    }

    // The store tells of it, and nothing else does.
    private async Task KillGuestAsync(string name)
    {
        await using StoreClient store = await StoreClient.ConnectAsync(Path.Combine(Paths.Folder, "store.sock"));
        await using IAsyncEnumerator<StoreEvent> released = store.WatchAsync(StorePath.ReleaseDomain, _watchdog.Token).GetAsyncEnumerator();
        (await released.MoveNextAsync()).ShouldBeTrue();
        (await store.IsDomainIntroducedAsync(new(1))).ShouldBeTrue();
        Kill(FabricState.RunningMachines(Paths).Single(machine => machine.Name == name).ProcessId);
        (await released.MoveNextAsync()).ShouldBeTrue();
    }

    private static void Kill(int process)
    {
        using SafeFd handle = LinuxProcess.TryOpen(process).ShouldNotBeNull();
        _ = LinuxProcess.TrySignal(handle, Signal.Kill);
    }
}
