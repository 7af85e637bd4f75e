// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Machines.Tests;

/// <summary>Supervision against a stand-in for QEMU: a shell script that does what its last argument says. The real QEMU is in Tombolo.System.Tests.</summary>
public sealed class MachineTests : IAsyncLifetime, IDisposable
{
    private const string Ready = QemuStandIn.Ready;

    private readonly TemporaryFolder _folder = new();
    private readonly ProcessWatcher _watcher = new();
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromSeconds(90));
    private readonly List<Machine> _machines = [];
    private MachineHost _host = null!;

    public Task InitializeAsync()
    {
        _host = new(QemuStandIn.Write(_folder), _ => Acceleration.Tcg, _watcher, TimeProvider.System) { EndGrace = TimeSpan.FromSeconds(2) };
        _ = _folder.Write("kernel", "");
        return Task.CompletedTask;
    }

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

    private Machine Make(string behaviour, Func<MachineOptions, MachineOptions>? change = null)
    {
        var options = new MachineOptions { Name = "vm0", KernelPath = _folder["kernel"], ExtraArguments = [behaviour], RestartDelay = TimeSpan.FromMilliseconds(1), RestartDelayMost = TimeSpan.FromMilliseconds(20) };
        var machine = new Machine(change?.Invoke(options) ?? options, new(_folder["vm0"]), _host);
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
    public async Task Start_GuestPrintsTheMark_IsReady()
    {
        Machine machine = Make(Ready);
        machine.Start();
        await machine.Ready.WaitAsync(_watchdog.Token);
        machine.Status.State.ShouldBe(MachineState.Ready);
        machine.Status.ProcessId.ShouldNotBeNull();
        machine.Status.ReadyAfter.ShouldNotBeNull();
    }

    [Fact]
    public async Task Start_NoMarkAwaited_IsReadyAtOnce()
    {
        Machine machine = Make("exec sleep 600", options => options with { ReadyMarker = null });
        machine.Start();
        await machine.Ready.WaitAsync(_watchdog.Token);
    }

    [Fact]
    public async Task Start_PromptWithoutALineEnd_IsReady()
    {
        Machine machine = Make("printf 'vm0 login: ' >>$LOG; exec sleep 600", options => options with { ReadyMarker = "login:" });
        machine.Start();
        await machine.Ready.WaitAsync(_watchdog.Token);
    }

    [Fact]
    public async Task Start_GuestSaysThatItCannotComeUp_IsHeard()
    {
        Machine machine = Make("echo 'TOMBOLO-FAILED could not load: tombolo' >>$LOG; exec sleep 600");
        machine.Start();
        (await Should.ThrowAsync<MachineException>(() => machine.Ready.WaitAsync(_watchdog.Token))).Message.ShouldBe("Machine vm0: the guest cannot come up: could not load: tombolo.");
    }

    [Fact]
    public async Task Start_ScriptEnds_ItsStatusIsKnown()
    {
        Machine machine = Make("echo TOMBOLO-READY vm0 >>$LOG; echo TOMBOLO-EXIT 3 >>$LOG; exec sleep 600", options => options with { Run = ["true"] });
        machine.Start();
        (await NextAsync(machine, MachineEventKind.ScriptEnded)).Sentence.ShouldBe("Machine vm0: its run script ended with status 3.");
        machine.Status.ScriptStatus.ShouldBe(3);
        File.ReadAllText(machine.Folder.RunScript).ShouldBe("true\n");
    }

    [Fact]
    public async Task Start_QemuComplains_TheReasonIsItsLastWords()
    {
        Machine machine = Make("echo 'qemu: no such thing' >&2; exit 1", options => options with { Restart = RestartPolicy.Never });
        machine.Start();
        await machine.Completion.WaitAsync(_watchdog.Token);
        machine.Status.State.ShouldBe(MachineState.Failed);
        machine.Status.ExitReason.ShouldBe("Machine vm0: QEMU ended with status 1: qemu: no such thing.");
        (await Should.ThrowAsync<MachineException>(() => machine.Ready)).Message.ShouldBe(machine.Status.ExitReason);
    }

    [Fact]
    public async Task OnFailure_KilledByASignal_ComesBackAndCounts()
    {
        Machine machine = Make(Ready);
        machine.Start();
        await machine.Ready.WaitAsync(_watchdog.Token);
        int first = machine.Status.ProcessId!.Value;
        machine.Kill().ShouldBeTrue();
        (await NextAsync(machine, MachineEventKind.Ended)).Sentence.ShouldBe("Machine vm0: QEMU was killed by signal 9.");
        _ = await NextAsync(machine, MachineEventKind.Ready);
        machine.Status.Restarts.ShouldBe(1);
        machine.Status.ProcessId.ShouldNotBe(first);
    }

    [Fact]
    public async Task OnFailure_EndedInGoodOrder_StaysEnded()
    {
        Machine machine = Make("exit 0");
        machine.Start();
        await machine.Completion.WaitAsync(_watchdog.Token);
        machine.Status.State.ShouldBe(MachineState.Ended);
        machine.Status.Restarts.ShouldBe(0);
    }

    [Fact]
    public async Task Always_EndedInGoodOrder_ComesBackUntilStopped()
    {
        Machine machine = Make("exit 0", options => options with { Restart = RestartPolicy.Always });
        machine.Start();
        while ((await NextAsync(machine, MachineEventKind.Started)).Kind == MachineEventKind.Started && machine.Status.Restarts < 4) { }
        await machine.StopAsync();
        machine.Status.State.ShouldBe(MachineState.Stopped);
    }

    [Fact]
    public async Task Stop_ProcessThatIgnoresSigterm_IsKilledAndLeavesOnlyLogs()
    {
        _host = _host with { EndGrace = TimeSpan.FromMilliseconds(100) };
        Machine machine = Make("trap '' TERM; echo TOMBOLO-READY vm0 >>$LOG; while :; do sleep 600; done");
        machine.Start();
        await machine.Ready.WaitAsync(_watchdog.Token);
        ProcessIdentity process = ProcessIdentity.Of(machine.Status.ProcessId!.Value)!;
        await machine.StopAsync().WaitAsync(_watchdog.Token);
        process.IsAlive.ShouldBeFalse();
        Directory.GetFiles(machine.Folder.Path).Select(Path.GetFileName).Order().ShouldBe(["console.log", "qemu.log"]);
    }

    [Fact]
    public async Task Adopt_OwnerLetGo_TheNextOwnerFindsTheSameProcessReady()
    {
        Machine first = Make(Ready);
        first.Start();
        await first.Ready.WaitAsync(_watchdog.Token);
        await first.DisposeAsync();
        Machine second = Make(Ready);
        second.Start();
        await second.Ready.WaitAsync(_watchdog.Token);
        second.Status.Adopted.ShouldBeTrue();
        second.Status.ProcessId.ShouldBe(first.Status.ProcessId);
        second.Status.StartedAt.ShouldBe(first.Status.StartedAt);
        (await NextAsync(second, MachineEventKind.Adopted)).Sentence.ShouldBe($"Machine vm0 was found running (pid {first.Status.ProcessId}).");
        await second.StopAsync();
        Machine.FindRunning(second.Folder).ShouldBeNull();
    }

    [Fact]
    public async Task Adopt_OptionsChangedSince_SaysSo()
    {
        Machine first = Make(Ready);
        first.Start();
        await first.DisposeAsync();
        Machine second = Make(Ready, options => options with { MemoryBytes = 512L << 20 });
        second.Start();
        (await NextAsync(second, MachineEventKind.Adopted)).Sentence.ShouldContain("older settings");
    }

    [Fact]
    public async Task Adopt_RecordNamesAReusedProcessId_ThatProcessIsLeftAloneAndANewOneStarted()
    {
        int bystander = LinuxProcess.StartInOwnSession("/bin/sleep", ["600"], _folder["out"]);
        using SafeFd bystanderProcess = LinuxProcess.TryOpen(bystander)!;
        _ = Directory.CreateDirectory(_folder["vm0"]);
        ProcessIdentity reused = ProcessIdentity.Of(bystander)!;
        new MachineRecord(reused with { StartTicks = reused.StartTicks - 7 }, "", Acceleration.Tcg, DateTimeOffset.UnixEpoch, 0, 0).Save(_folder["vm0/machine.json"]);
        _ = _folder.Write("vm0/qemu.pid", $"{bystander}\n");
        Machine machine = Make(Ready);
        machine.Start();
        machine.Status.Adopted.ShouldBeFalse();
        await machine.StopAsync();
        reused.IsAlive.ShouldBeTrue();
        _ = LinuxProcess.TrySignal(bystanderProcess, Signal.Kill);
        _ = await _watcher.WatchAsync(bystanderProcess.Duplicate());
    }

    [Fact]
    public async Task EndLeftover_OwnerDied_EndsExactlyThatProcess()
    {
        Machine first = Make(Ready);
        first.Start();
        await first.DisposeAsync();
        (await Machine.EndLeftoverAsync(first.Folder, _host)).ShouldBe(first.Status.ProcessId);
        (await Machine.EndLeftoverAsync(first.Folder, _host)).ShouldBeNull();
    }

    [Fact]
    public void Start_KernelMissing_NamesIt() =>
        Should.Throw<MachineException>(() => Make(Ready, options => options with { KernelPath = "/no/kernel" }).Start()).Message.ShouldBe("Machine vm0 needs /no/kernel, which does not exist.");

    [Fact]
    public void Start_FolderTooDeepForASocket_NamesTheLimit()
    {
        string deep = _folder[new string('d', 100)];
        var machine = new Machine(new MachineOptions { Name = "vm0", KernelPath = _folder["kernel"] }, new(deep), _host);
        Should.Throw<MachineException>(machine.Start).Message.ShouldContain("a socket's path has at most 107");
    }

    [Fact]
    public async Task Started_BeforeTheLockIsFree_TheProcessIdIsKnown()
    {
        var known = new List<int>();
        _host = _host with { Started = (_, processId) => known.Add(processId) };
        Machine machine = Make(Ready);
        machine.Start();
        known.ShouldBe([machine.Status.ProcessId!.Value]);
        await machine.StopAsync();
    }
}
