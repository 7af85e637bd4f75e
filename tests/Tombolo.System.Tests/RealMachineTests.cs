// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Tombolo.Machines;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>One machine, with the real QEMU and the demo image.</summary>
public sealed class RealMachineTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ProcessWatcher _watcher = new();
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromMinutes(5));
    private readonly List<Machine> _machines = [];
    private readonly GuestImage _image = GuestImage.Find().ShouldNotBeNull("the guest image is not built: run 'make guest'");
    private QemuProgram _qemu = null!;

    public async Task InitializeAsync() => _qemu = await QemuProgram.FindAsync();

    public async Task DisposeAsync()
    {
        foreach (Machine machine in _machines) await machine.StopAsync();
    }

    public void Dispose()
    {
        _watcher.Dispose();
        _folder.Dispose();
        _watchdog.Dispose();
    }

    // The comma in the folder goes through every option that takes a path.
    private Machine Make(Func<MachineOptions, MachineOptions>? change = null)
    {
        var options = new MachineOptions { Name = "vm0", KernelPath = _image.KernelPath, InitrdPath = _image.InitrdPath, Restart = RestartPolicy.Never };
        var machine = new Machine(change?.Invoke(options) ?? options, new(_folder["a,b"]), new(_qemu.Path, _ => Acceleration.Tcg, _watcher, TimeProvider.System));
        _machines.Add(machine);
        return machine;
    }

    private async Task<MachineEvent> NextAsync(Machine machine, MachineEventKind kind)
    {
        await foreach (MachineEvent happened in machine.Events.ReadAllAsync(_watchdog.Token))
            if (happened.Kind == kind) return happened;
        throw new InvalidOperationException($"No {kind} came.");
    }

    [Fact]
    public async Task Machine_RunsItsScript_TakesCommandsOnItsConsole_AndShutsDownWhenAsked()
    {
        Machine machine = Make(options => options with { Run = ["echo \"I am $(hostname), she said: 'a, b'\"", "exit 7"], ShutdownGrace = TimeSpan.FromMinutes(2) });
        machine.Start();
        await machine.Ready.WaitAsync(_watchdog.Token);
        (await NextAsync(machine, MachineEventKind.ScriptEnded)).Sentence.ShouldBe("Machine vm0: its run script ended with status 7.");
        (await File.ReadAllTextAsync(machine.Folder.ConsoleLog)).ShouldContain("I am vm0, she said: 'a, b'");

        using (var console = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await console.ConnectAsync(new UnixDomainSocketEndPoint(machine.Folder.ConsoleSocket), _watchdog.Token);
            _ = await console.SendAsync(Encoding.ASCII.GetBytes("echo $((6 * 7))-typed\n"), SocketFlags.None);
            await foreach (ConsoleLine line in ConsoleLog.FollowAsync(machine.Folder.ConsoleLog, 0, _watchdog.Token)) if (line.Text.Contains("42-typed", StringComparison.Ordinal)) break;
        }

        ProcessIdentity process = ProcessIdentity.Of(machine.Status.ProcessId!.Value)!;
        await machine.StopAsync().WaitAsync(_watchdog.Token);
        process.IsAlive.ShouldBeFalse();
        machine.Status.State.ShouldBe(MachineState.Stopped);
        List<string> said = [];
        await foreach (MachineEvent happened in machine.Events.ReadAllAsync(_watchdog.Token)) said.Add(happened.Sentence);
        said.ShouldBe(["Machine vm0 is asked to shut down.", "Machine vm0 is stopped."]);   // no signal was needed
    }

    [Fact]
    public async Task Machine_OwnerLetsGo_TheNextAdoptsItReadyAndCanStopIt()
    {
        Machine first = Make();
        first.Start();
        await first.Ready.WaitAsync(_watchdog.Token);
        await first.DisposeAsync();
        Machine second = Make();
        second.Start();
        await second.Ready.WaitAsync(_watchdog.Token);
        (second.Status.Adopted, second.Status.ProcessId).ShouldBe((true, first.Status.ProcessId));
        await second.StopAsync().WaitAsync(_watchdog.Token);
        Machine.FindRunning(second.Folder).ShouldBeNull();
    }

    [Fact]
    public async Task Machine_KilledWithMinusNine_IsStartedAgain()
    {
        Machine machine = Make(options => options with { Restart = RestartPolicy.OnFailure });
        machine.Start();
        await machine.Ready.WaitAsync(_watchdog.Token);
        machine.Kill().ShouldBeTrue();
        _ = await NextAsync(machine, MachineEventKind.Restarting);
        _ = await NextAsync(machine, MachineEventKind.Ready);
        machine.Status.Restarts.ShouldBe(1);
    }

    [Theory]
    [InlineData("poweroff", MachineState.Ended, "Machine vm0: the guest shut down.")]
    [InlineData("echo c > /proc/sysrq-trigger", MachineState.Failed, "Machine vm0: the guest reset itself (a reboot, or a panic: its console tells).")]
    public async Task Machine_EndsFromInside_TheReasonIsKnownThoughQemusStatusIsAlwaysZero(string script, MachineState state, string reason)
    {
        Machine machine = Make(options => options with { Run = [script, "sleep 600"] });
        machine.Start();
        await machine.Completion.WaitAsync(_watchdog.Token);
        (machine.Status.State, machine.Status.ExitReason).ShouldBe((state, reason));
    }

    [Fact]
    public async Task Machine_ArgumentThatQemuRefuses_FailsWithQemusOwnWords()
    {
        Machine machine = Make(options => options with { ExtraArguments = ["-device", "no-such-device"] });
        machine.Start();
        await machine.Completion.WaitAsync(_watchdog.Token);
        machine.Status.ExitReason!.ShouldContain("'no-such-device' is not a valid device model name");
    }

    [Fact]
    public async Task Probe_ThisHost_ChoosesWhatBootsAGuestAndSaysWhy()
    {
        var probe = new AccelProbe(_qemu.Path, _folder["probe"], _watcher, TimeProvider.System);
        AccelChoice choice = await probe.ChooseAsync(_image.KernelPath, _watchdog.Token);
        choice.Reason.ShouldStartWith(choice.Acceleration == Acceleration.Kvm ? "KVM, which boots" : "Emulation (tcg), because ");
        (await probe.ChooseAsync(_image.KernelPath, _watchdog.Token)).ShouldBe(choice);
        var machine = new Machine(new() { Name = "vm1", KernelPath = _image.KernelPath, InitrdPath = _image.InitrdPath, Restart = RestartPolicy.Never }, new(_folder["vm1"]),
            new(_qemu.Path, _ => choice.Acceleration, _watcher, TimeProvider.System));
        _machines.Add(machine);
        machine.Start();
        await machine.Ready.WaitAsync(_watchdog.Token);
    }

    [Fact]
    public async Task Doctor_ThisHost_FindsQemuItsDeviceAndTheImage()
    {
        Dictionary<string, CheckResult> rows = [];
        await foreach (CheckResult row in Doctor.ExamineAsync(_folder["probe"], _watcher, TimeProvider.System, _watchdog.Token)) rows[row.Name] = row;
        foreach (string name in (string[])["qemu", "device", "guest image"]) rows[name].Verdict.ShouldBe(CheckVerdict.Ok, rows[name].Finding);
        rows["kvm"].Verdict.ShouldNotBe(CheckVerdict.Fail);
    }
}
