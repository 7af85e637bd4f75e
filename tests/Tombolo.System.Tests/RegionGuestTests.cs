// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text;
using Shouldly;
using Tombolo.Machines;
using Tombolo.Regions;
using Tombolo.Testing;
using Tombolo.TestServer;

namespace Tombolo.System.Tests;

/// <summary>The region driver in real guests, used by a program that knows the protocol's numbers alone, against the host's library, real processes and kills.</summary>
public sealed class RegionGuestTests : IAsyncLifetime, IDisposable
{
    private const int Lanes = 16, Rounds = 625;   // ten thousand each way
    private readonly TemporaryFolder _folder = new();
    private RegionTrial _trial = null!;

    public Task InitializeAsync()
    {
        _trial = new(_folder);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _trial.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    private RegionClientOptions ClientOptions => new() { Socket = _trial.Clients, Timeout = RegionPlayer.Patience, RoomTimeout = RegionPlayer.Patience };

    [Fact]
    public async Task Driver_EveryCallAndErrno_AndTheDeviceGoesAndComes()
    {
        _ = _trial.StartServer("ready");
        Machine guest = _trial.StartGuest("vm0", File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Guest", "regions.sh")));
        string console = await GuestTrial.EndedWellAsync(guest);
        foreach (string passed in (string[])["region calls", "region gone", "region calls again"]) console.ShouldContain($"PASSED {passed}");
    }

    // The driver trusts nobody's table: what the host's own checks would never let through stands in the window before it comes.
    [Fact]
    public async Task Driver_TableThatCannotBe_NoRegionComes_AndTheKernelLogSaysWhichAndWhy()
    {
        LayoutReading reading = LayoutFile.Parse(Encoding.UTF8.GetBytes(RegionTrial.Layout), "trial");
        await using RegionServer server = await RegionServer.StartAsync(new() { Layout = reading.Layout!, ClientSocket = _trial.Clients, Doorbell = new() { SocketPath = _trial.Qemu, MemoryName = "hostile" } });
        const int SecondName = 16 + 60 + 40;   // behind the head, one region and what comes before the name
        server.Window.View(SecondName, 3).CopyIn(0, "a/b"u8);
        Machine guest = _trial.StartGuest("vm0", "set -e", "[ -d /sys/bus/tombolo/drivers/tombolo_region ]", "[ ! -e /dev/plain ]", "dmesg | grep 'region 1 cannot be: its name cannot be that of a file in /dev'");
        _ = await GuestTrial.EndedWellAsync(guest);
        server.DriverIsThere.IsCompleted.ShouldBeFalse();
    }

    /// <summary>Sixteen lanes through tables of four slots, so that they are full most of the time; once with the driver as the guest's receiver, once with the program's own.</summary>
    [Fact]
    public async Task Signals_TenThousandEachWay_NoneLost()
    {
        _ = _trial.StartServer("ready");
        Machine guest = _trial.StartGuest("vm0", $"region_check lanes plain {Lanes} {Rounds} && region_check library plain {Lanes} {Rounds}");
        for (int time = 0; time < 2; time++)
        {
            await RegionTrial.DoneAsync(_trial.StartPlayer(0, Lanes, Rounds));
        }
        _ = await GuestTrial.EndedWellAsync(guest);
    }

    [Fact]
    public async Task Permissions_GuestAndHostClaimTheSameArea_OneAtATime_AndAKilledHolderLetsGo()
    {
        _ = _trial.StartServer("ready");
        Machine guest = _trial.StartGuest("vm0", "region_check hold");
        using RegionClient manager = RegionClient.Open("manager", ClientOptions), managed = RegionClient.Open("managed", ClientOptions);
        uint owner = manager.DataOffset;
        await RegionTrial.UntilAsync(() => manager.View(owner, 4).ReadAcquire32(0) == 11, "the guest has the area");
        Should.Throw<RegionPermissionException>(() => manager.CreatePermission(managed, 4096, 8192, owner, 22)).Fault.ShouldBe(PermissionFault.Busy);
        manager.View(owner + 4, 4).WriteRelease32(0, 1);
        manager.Signal(owner + 4);
        await RegionTrial.UntilAsync(() => manager.View(owner, 4).ReadAcquire32(0) == 0, "the guest's process is killed, and its driver gives the area back");
        using RegionPermission mine = manager.CreatePermission(managed, 4096, 8192, owner, 22);
        manager.Signal(owner);
        _ = await GuestTrial.EndedWellAsync(guest);
    }

    /// <summary>Host clients, the server and at last the VM are killed at random moments while signals flow; beside them two hundred clients come at once, and a second VM. Nobody who is left loses a signal.</summary>
    [Fact]
    public async Task ClientsServerAndGuestKilled_WhileSignalsFlow_NobodyElseLosesOne()
    {
        const int DoomedLanes = 4, CrowdFirst = 12, Crowd = 200;
        string play = $"region_check lanes plain {CrowdFirst + Crowd} 0";
        Child server = _trial.StartServer("ready");
        Machine guest = _trial.StartGuest("vm0", play);
        await RegionTrial.UntilAsync(() => GuestTrial.ConsoleOf(guest).Contains("PLAYING", StringComparison.Ordinal), "the guest plays");
        var random = new Random(20261121);
        for (int life = 0; life < 2; life++)
        {
            Child survivor = _trial.StartPlayer(0, DoomedLanes, 1500);
            Child[] doomed = [_trial.StartPlayer(4, DoomedLanes, 0), _trial.StartPlayer(8, DoomedLanes, 0)];
            Task crowd = Task.Run(() => PlayCrowd(CrowdFirst, Crowd, rounds: 3));
            for (int kill = 0; !survivor.HasExited || !crowd.IsCompleted; kill++)
            {
                await RegionTrial.DoneAsync(_trial.StartPlayer(0, lanes: 0, rounds: 1));   // a process's start and end take a random while, and it asks the server once
                int which = random.Next(doomed.Length);
                doomed[which].Kill();
                doomed[which] = _trial.StartPlayer(4 + (which * DoomedLanes), DoomedLanes, 0);
                if (kill % 4 == 3)
                {
                    server.Kill();
                    server = _trial.StartServer("ready again");
                }
            }
            await RegionTrial.DoneAsync(survivor);
            await crowd;
            SecondMachineSays().ShouldContain("server sent version -1, expecting 0");
            if (life == 0)
            {
                Child across = _trial.StartPlayer(0, DoomedLanes, 0);
                await KillWhileAllPlayAsync(guest, random, 3 * DoomedLanes, () => _trial.StartGuest("vm1", play));
                across.Kill();
            }
            foreach (Child one in doomed) one.Kill();
        }
    }

    // What is on its way when the VM dies is void; the players signal into nothing, and the next VM answers them.
    private async Task KillWhileAllPlayAsync(Machine guest, Random random, int lanes, Action startNext)
    {
        using RegionClient client = RegionClient.Open("plain", ClientOptions);
        uint[] Answers() => [.. Enumerable.Range(0, lanes).Select(lane => client.View(client.DataOffset + (8 * (uint)lane) + 4, 4).ReadAcquire32(0))];
        async Task AllGoOnAsync(string what)
        {
            uint[] before = Answers();
            await RegionTrial.UntilAsync(() => Answers().Zip(before).All(static pair => pair.First != pair.Second), what);
        }
        for (int pause = random.Next(1, 4); pause > 0; pause--) await AllGoOnAsync("signals flow on every lane");
        guest.Kill().ShouldBeTrue();
        await guest.StopAsync();
        startNext();
        await AllGoOnAsync("every lane is answered by the next VM");
    }

    // All of them are there at once before the first plays.
    private void PlayCrowd(int first, int clients, int rounds)
    {
        var open = new RegionClient[clients];
        try
        {
            Parallel.For(0, clients, index => open[index] = RegionClient.Open("plain", ClientOptions));
            Thread[] threads = [.. open.Select((client, index) => new Thread(() => { if (!RegionPlayer.Play(client, (uint)(first + index), rounds)) _lost.Add(index); }))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            _lost.ShouldBeEmpty();
        }
        finally
        {
            foreach (RegionClient client in open) client?.Dispose();
        }
    }

    private readonly global::System.Collections.Concurrent.ConcurrentBag<int> _lost = [];

    private string SecondMachineSays()
    {
        using Process second = Process.Start(new ProcessStartInfo("timeout", ["-k", "5", "60", "qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-m", "16M", "-S",
            "-chardev", $"socket,path={_trial.Qemu},id=c", "-device", "ivshmem-doorbell,vectors=3,chardev=c"])
        { RedirectStandardError = true })!;
        string said = second.StandardError.ReadToEnd();
        second.WaitForExit();
        second.ExitCode.ShouldBe(1);
        return said;
    }
}
