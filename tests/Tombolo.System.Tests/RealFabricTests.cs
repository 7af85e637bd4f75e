// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using Shouldly;
using Tombolo.Fabric;
using Tombolo.Machines;
using Tombolo.Mailbox;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>A declared fabric with real guests, run by a process that can be killed.</summary>
public sealed class RealFabricTests : IDisposable
{
    private const string Declaration =
        """
        fabric: demo
        mailboxes: { genz: { clients: 4 } }
        machines:
          vm0: { attach: genz, accel: tcg, ready-within: 4m }
          vm1: { attach: genz, accel: tcg, ready-within: 4m }
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromMinutes(9));
    private readonly List<Process> _owners = [];

    public RealFabricTests() => File.WriteAllText(_folder["fabric.yaml"], Declaration);

    private FabricHostOptions Options => new() { Root = _folder["run"], KeeperCommand = [Path.Combine(AppContext.BaseDirectory, "tombolo-keeper")] };

    private FabricPaths Paths => new(_folder["run"], "demo");

    public void Dispose()
    {
        foreach (Process owner in _owners)
        {
            if (!owner.HasExited) owner.Kill();
            owner.WaitForExit();
            owner.Dispose();
        }
        _ = FabricHost.EndLeftoversAsync("demo", Options).GetAwaiter().GetResult();
        _folder.Dispose();
        _watchdog.Dispose();
    }

    private async Task<(Process Owner, List<string> Said)> UpAsync()
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tombolo-test-server"), ["fabric", _folder["fabric.yaml"], _folder["run"]]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        Process owner = Process.Start(start)!;
        _owners.Add(owner);
        List<string> said = [];
        while (await owner.StandardOutput.ReadLineAsync(_watchdog.Token) is { } line)
        {
            said.Add(line);
            if (!line.StartsWith("FabricUp", StringComparison.Ordinal)) continue;
            line.ShouldBe("FabricUp Fabric demo is up.");
            return (owner, said);
        }
        throw new InvalidOperationException($"The fabric did not come up: {string.Join('\n', said)}");
    }

    private async Task DownAsync(Process owner)
    {
        owner.StandardInput.Close();
        _ = await owner.StandardOutput.ReadToEndAsync(_watchdog.Token);
        await owner.WaitForExitAsync(_watchdog.Token);
        owner.ExitCode.ShouldBe(0);
    }

    private async Task HostJoinsAboveTheMachinesAsync()
    {
        await using MailboxEndpoint host = MailboxEndpoint.Connect(new() { SocketPath = Path.Combine(Paths.Folder, "genz.sock") }, new() { Name = "host" });
        host.Id.Value.ShouldBe((ushort)3);
    }

    [Fact]
    public async Task Fabric_OwnerKilled_ItsMachinesRunOn_AndTheNextOwnerHasThemAgain()
    {
        (Process first, _) = await UpAsync();
        (string, int)[] before = [.. FabricState.RunningMachines(Paths)];
        before.Length.ShouldBe(2);
        first.Kill();
        await first.WaitForExitAsync(_watchdog.Token);
        FabricState.OwnerOf(Paths).ShouldBe(0);
        FabricState.RunningMachines(Paths).ShouldBe(before);

        (Process second, List<string> said) = await UpAsync();
        FabricState.RunningMachines(Paths).ShouldBe(before);
        said.ShouldContain($"MailboxUp Mailbox genz serves again at {Paths.Folder}/genz.sock; its participants kept their places.");
        foreach ((string name, int processId) in before) said.ShouldContain($"MachineAdopted Machine {name} was found running (pid {processId}).");
        await HostJoinsAboveTheMachinesAsync();
        await DownAsync(second);
        foreach ((_, int processId) in before) ProcessIdentity.Of(processId).ShouldBeNull();
        Directory.Exists(Paths.Folder).ShouldBeFalse();
    }

    [Fact]
    public async Task Fabric_OwnerKilled_EndLeftoversLeavesNoProcessAndNoFile()
    {
        (Process owner, _) = await UpAsync();
        int[] processes = [.. FabricState.RunningMachines(Paths).Select(machine => machine.ProcessId)];
        owner.Kill();
        await owner.WaitForExitAsync(_watchdog.Token);
        int[] keepers = ProcessesNaming("tombolo-keeper", Paths.Folder);
        keepers.ShouldHaveSingleItem();
        (await FabricHost.EndLeftoversAsync("demo", Options)).Count.ShouldBe(3);
        foreach (int process in processes) ProcessIdentity.Of(process).ShouldBeNull();
        Watchdog.Until(() => keepers.All(keeper => ProcessIdentity.Of(keeper) is null), "the keeper is gone");
        Directory.Exists(Paths.Folder).ShouldBeFalse();
    }

    [Fact]
    public async Task Fabric_MachineKilled_ComesBackWithItsNumber()
    {
        FabricReading reading = FabricFile.Load(_folder["fabric.yaml"], _folder["run"]);
        await using FabricHost host = FabricHost.Open(reading.Declaration!, File.ReadAllBytes(_folder["fabric.yaml"]), _folder["fabric.yaml"], new() { Root = _folder["run"] });
        (await host.StartAsync(_watchdog.Token)).ShouldBeEmpty();
        (await MembersAsync(host)).ShouldBe([(1, "vm0"), (2, "vm1")]);
        int survivor = host.Machine("vm1")!.Status.ProcessId!.Value;
        host.Machine("vm0")!.Kill().ShouldBeTrue();
        bool isEnded = false;
        await foreach (FabricEvent happened in host.Events.ReadAllAsync(_watchdog.Token))
        {
            isEnded |= happened is { Kind: FabricEventKind.MachineEnded, Subject: "vm0" };
            if (isEnded && happened is { Kind: FabricEventKind.MachineReady, Subject: "vm0" }) break;
        }
        (await MembersAsync(host)).ShouldBe([(1, "vm0"), (2, "vm1")]);
        host.Machine("vm1")!.Status.ProcessId.ShouldBe(survivor);
        host.Machine("vm0")!.Status.Restarts.ShouldBe(1);
    }

    [Fact]
    public async Task Stanza_PastedIntoAShell_JoinsOnesOwnQemu()
    {
        string socket = _folder["it's, here.sock"];
        await using MailboxFabric mailbox = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = socket } });
        string command = $"exec qemu-system-x86_64 -accel tcg -nodefaults -display none -S {QemuStanza.ForShell([new("genz", socket, 16)])}";
        using Process shell = Process.Start("/bin/sh", ["-c", command]);
        try
        {
            while (!(await mailbox.Server.SnapshotAsync()).Peers.Any(peer => peer.IsJoined && peer.Who.ProcessId == shell.Id))
            {
                shell.HasExited.ShouldBeFalse("QEMU ended: the stanza is wrong");
                await Task.Delay(10, _watchdog.Token);
            }
        }
        finally
        {
            shell.Kill();
            await shell.WaitForExitAsync(_watchdog.Token);
        }
    }

    private static async Task<(int, string?)[]> MembersAsync(FabricHost host) =>
        [.. (await host.SnapshotAsync()).Mailboxes[0].Members.Select(member => (member.Id, member.Machine))];

    private static int[] ProcessesNaming(params string[] words) => [.. Directory.GetDirectories("/proc").Select(Path.GetFileName)
        .Where(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _)).Where(name => CommandLine(name!) is { } line && words.All(line.Contains))
        .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))];

    private static string? CommandLine(string process)
    {
        try { return File.ReadAllText($"/proc/{process}/cmdline"); }
        catch (IOException) { return null; }
    }
}
