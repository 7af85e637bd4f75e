// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Linux;

namespace Tombolo.Cli.Tests;

/// <summary>A fabric's whole life through the built programs: up, look, kill, take over, down. The machine is a QEMU that never starts its processor: all of QEMU, none of a guest.</summary>
[Trait("Speed", "slow")]
public sealed class FabricCommandTests : IDisposable
{
    private const string Mailbox = "fabric: t\nmailboxes:\n  genz:\n";
    private static readonly string _machine = Mailbox + $"machines:\n  vm0: {{ kernel: {Directory.GetFiles("/boot", "vmlinuz-*").First()}, attach: genz, memory: 16M, accel: tcg, restart: never, qemu: [-S] }}\n";

    private readonly Programs _programs = new();

    public void Dispose() => _programs.Dispose();

    private Task<CommandLine> RunAsync(params string[] arguments) => _programs.RunAsync(Programs.Tombolo, arguments);

    private async Task UpAsync(string declaration)
    {
        File.WriteAllText(_programs.InFolder("fabric.yaml"), declaration);
        CommandLine up = await RunAsync("up");
        up.ExitCode.ShouldBe(ExitCode.Done, up.Error + up.Out);
    }

    private int DaemonPid => FabricState.OwnerOf(new(_programs.Runtime, "t"));

    private async Task<JsonElement> StatusAsync()
    {
        CommandLine ran = await RunAsync("status", "--json");
        return JsonDocument.Parse(ran.Out).RootElement;
    }

    private async Task<int> MachinePidAsync() => (await StatusAsync()).GetProperty("machines")[0].GetProperty("machine").GetProperty("processId").GetInt32();

    private async Task KillDaemonAsync()
    {
        int pid = DaemonPid;
        LinuxProcess.TrySignal(pid, Signal.Kill).ShouldBeTrue();
        await Programs.EndedAsync(pid);
    }

    private async Task ShouldBeGoneAsync(params int[] processes)
    {
        foreach (int process in processes) await Programs.EndedAsync(process);
        Directory.GetDirectories(_programs.Runtime).Where(folder => Path.GetFileName(folder) == "t").ShouldBeEmpty();
        // Keepers, and whatever else was started for this folder.
        foreach (string line in Directory.GetDirectories("/proc").Select(CommandLineOf)) line.ShouldNotContain(_programs.Runtime);
    }

    private static string CommandLineOf(string process)
    {
        try { return File.ReadAllText(Path.Combine(process, "cmdline")); }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException) { return ""; }
    }

    [Fact]
    public async Task Channels_OfAMailbox_AreFoundByTheFabricsName()
    {
        await UpAsync("fabric: t\nmailboxes: { genz: { channels: 64K }, none: }\n");
        (await RunAsync("channel", "ls", "--fabric", "t", "--mailbox", "none")).Error.ShouldContain("Mailbox none has no memory for channels");
        CommandLine pub = await RunAsync("channel", "pub", "--mailbox", "genz", "--create", "--capacity", "4K", "hello", "world");
        pub.ExitCode.ShouldBe(ExitCode.Done, pub.Error);
        (await RunAsync("channel", "sub", "--mailbox", "genz")).Out.ShouldBe("hello world\n");
        (await RunAsync("who", "--mailbox", "genz")).ExitCode.ShouldBe(ExitCode.Done);   // the mailbox beside them works
        (await RunAsync("down")).ExitCode.ShouldBe(ExitCode.Done);
    }

    [Fact]
    public async Task Ps_ShowsEverythingThatRuns_AndWhatAMachineJoins()
    {
        await UpAsync(_machine.Replace("attach: genz", "attach: [genz, lan, pages]", StringComparison.Ordinal)
            + "switches: { lan: { members: { vm0: 02:00:00:00:00:0a, spare: 02:00:00:00:00:0b } } }\nstore: {}\ngrants: { windows: { pages: { places: 3, first: 5 } } }\n");
        string[] rows = [.. (await RunAsync("ps")).Out.Split('\n').Select(static row => string.Join(' ', row.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
        rows.ShouldContain($"t genz mailbox ready {DaemonPid} - - 1/14 - -");
        rows.ShouldContain($"t lan switch ready {DaemonPid} - 0 0/2 ports - -");      // the machine's processor stands still: no driver
        rows.ShouldContain(row => row.StartsWith($"t store store ready {DaemonPid} - - ", StringComparison.Ordinal));
        rows.ShouldContain($"t grants grants ready {DaemonPid} - - 0 domains - -");
        rows.ShouldContain(row => row.StartsWith($"t pages window ready {DaemonPid} - - 1/3 ", StringComparison.Ordinal));
        rows.Single(static row => row.StartsWith("t vm0 machine ", StringComparison.Ordinal)).ShouldEndWith(" genz:1,pages:5,lan:eth0");
        (await RunAsync("down")).ExitCode.ShouldBe(ExitCode.Done);
    }

    [Fact]
    public async Task Up_ThenDown_LeavesNothing()
    {
        await UpAsync(_machine);
        int daemon = DaemonPid, machine = await MachinePidAsync();
        LinuxProcess.StartTimeOf(machine).ShouldNotBeNull();

        CommandLine down = await RunAsync("down");

        down.ExitCode.ShouldBe(ExitCode.Done, down.Error);
        down.Out.ShouldContain("- Fabric t is down.");
        await ShouldBeGoneAsync(daemon, machine);
    }

    [Fact]
    public async Task Up_Running_IsRefusedWithThePid()
    {
        await UpAsync(Mailbox);

        CommandLine second = await RunAsync("up");

        second.ShouldBe(new(ExitCode.Failed, "", $"tombolo up: Fabric t is running already (pid {DaemonPid}); 'tombolo ps' shows it, 'tombolo down' takes it down.\n"));
    }

    [Fact]
    public async Task Up_InAPipe_PrintsALineAnEvent()
    {
        File.WriteAllText(_programs.InFolder("fabric.yaml"), Mailbox);

        CommandLine up = await RunAsync("up");

        up.ShouldBe(new(ExitCode.Done, $"+ Mailbox genz serves at {_programs.Runtime}/t/genz.sock (14 places, slots of 512 bytes).\n+ Fabric t is up.\n", ""));
    }

    [Fact]
    public async Task Up_Json_PrintsADocumentAnEvent()
    {
        File.WriteAllText(_programs.InFolder("fabric.yaml"), Mailbox);

        CommandLine up = await RunAsync("up", "--json");

        up.Out.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement.GetProperty("kind").GetString()).ShouldBe(["MailboxUp", "FabricUp"]);
    }

    [Fact]
    public async Task Up_AfterTheDaemonWasKilled_TakesOverMachinesAndMailboxes()
    {
        await UpAsync(_machine);
        int machine = await MachinePidAsync();
        await KillDaemonAsync();
        (await RunAsync("ps")).Out.ShouldContain("The daemon of fabric t was killed; its machines go on.");
        (await RunAsync("who")).Error.ShouldBe("tombolo who: The daemon of fabric t was killed, so nobody can join; 'tombolo up' takes over.\n");

        CommandLine again = await RunAsync("up");

        again.ExitCode.ShouldBe(ExitCode.Done, again.Error);
        again.Out.ShouldStartWith("* Fabric t was left by a daemon that was killed (1 of its machines run); it is taken over.\n");
        (await MachinePidAsync()).ShouldBe(machine);
        JsonElement member = (await StatusAsync()).GetProperty("mailboxes")[0].GetProperty("members")[0];
        (member.GetProperty("id").GetInt32(), member.GetProperty("machine").GetString(), member.GetProperty("processId").GetInt32()).ShouldBe((1, "vm0", machine));
        (await RunAsync("ping", "-c", "1")).ExitCode.ShouldBe(ExitCode.Done);
    }

    [Fact]
    public async Task Down_AfterTheDaemonWasKilled_EndsWhatItLeft()
    {
        await UpAsync(_machine);
        int daemon = DaemonPid, machine = await MachinePidAsync();
        await KillDaemonAsync();

        CommandLine down = await RunAsync("down");

        down.ExitCode.ShouldBe(ExitCode.Done, down.Error);
        down.Out.ShouldContain($"Machine vm0 (pid {machine}) is ended.");
        await ShouldBeGoneAsync(daemon, machine);
    }

    [Fact]
    public async Task Down_DaemonAndMachineKilled_RemovesTheRest()
    {
        await UpAsync(_machine);
        int machine = await MachinePidAsync();
        await KillDaemonAsync();
        LinuxProcess.TrySignal(machine, Signal.Kill).ShouldBeTrue();
        await Programs.EndedAsync(machine);

        (await RunAsync("down")).ExitCode.ShouldBe(ExitCode.Done);

        await ShouldBeGoneAsync(machine);
    }

    [Fact]
    public async Task Down_AdminSocketIsGone_StopsByASignal()
    {
        await UpAsync(Mailbox);
        int daemon = DaemonPid;
        File.Delete(Path.Combine(_programs.Runtime, "t", "admin.sock"));

        CommandLine down = await RunAsync("down");

        down.ExitCode.ShouldBe(ExitCode.Done, down.Error);
        down.Out.ShouldContain("it is told to stop by a signal");
        await ShouldBeGoneAsync(daemon);
    }

    [Fact]
    public async Task Up_Foreground_GoesDownOnInterrupt()
    {
        File.WriteAllText(_programs.InFolder("fabric.yaml"), Mailbox);
        using Process up = _programs.Start(Programs.Tombolo, "up", "--foreground");
        _ = await Programs.LineWithAsync(up.StandardOutput, "Fabric t is up.");
        int daemon = DaemonPid;

        LinuxProcess.TrySignal(up.Id, Signal.Interrupt).ShouldBeTrue();

        _ = await Programs.LineWithAsync(up.StandardOutput, "Fabric t is down.");
        await up.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        up.ExitCode.ShouldBe(ExitCode.Done);
        await ShouldBeGoneAsync(daemon);
    }

    [Fact]
    public async Task Up_InterruptedBeforeEverythingIsReady_GoesDownAndHasFailed()
    {
        File.WriteAllText(_programs.InFolder("fabric.yaml"), _machine.Replace("qemu:", "ready: never-said, qemu:", StringComparison.Ordinal));
        using Process up = _programs.Start(Programs.Tombolo, "up");
        _ = await Programs.LineWithAsync(up.StandardOutput, "Machine vm0 runs");
        int daemon = DaemonPid, machine = await MachinePidAsync();

        LinuxProcess.TrySignal(up.Id, Signal.Interrupt).ShouldBeTrue();

        await up.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        up.ExitCode.ShouldBe(ExitCode.Failed);
        await ShouldBeGoneAsync(daemon, machine);
    }

    [Fact]
    public async Task Up_MachineCannotBe_IsUpInPartAndHasFailed()
    {
        File.WriteAllText(_programs.InFolder("fabric.yaml"), Mailbox + "machines:\n  vm0: { kernel: /nonexistent/kernel, attach: genz, accel: tcg, restart: never }\n");

        CommandLine up = await RunAsync("up");

        up.ExitCode.ShouldBe(ExitCode.Failed);
        up.Out.ShouldContain("but 1 of its 1 machines is not");
        (await RunAsync("ping", "-c", "1")).ExitCode.ShouldBe(ExitCode.Done);
    }

    [Fact]
    public async Task Up_MailboxCannotBe_GoesDownAgainAndSaysWhy()
    {
        string socket = _programs.InFolder("taken");
        File.WriteAllText(socket, "not a socket");
        File.WriteAllText(_programs.InFolder("fabric.yaml"), $"fabric: t\nmailboxes:\n  genz: {{ socket: {socket} }}\n");

        CommandLine up = await RunAsync("up");

        up.ExitCode.ShouldBe(ExitCode.Failed);
        up.Out.ShouldContain($"! Mailbox genz cannot be served: '{socket}' exists and is not a socket");
        await ShouldBeGoneAsync();
    }

    [Fact]
    public async Task Up_Faults_AreShownAllAtOnce()
    {
        File.WriteAllText(_programs.InFolder("fabric.yaml"), "fabric: t\nmailboxs:\nmachines:\n  vm0: { memory: lots }\n");

        CommandLine up = await RunAsync("up");

        up.ExitCode.ShouldBe(ExitCode.Failed);
        up.Error.ShouldContain("fabric.yaml:2:1: ");
        up.Error.ShouldContain("fabric.yaml:4:18: ");
        up.Error.ShouldEndWith("tombolo up: fabric.yaml has 2 faults.\n");
    }

    [Fact]
    public async Task Init_ThenValidate_AgreeAndInitNeverOverwrites()
    {
        (await RunAsync("init", "--machines", "3")).ExitCode.ShouldBe(ExitCode.Done);
        string written = File.ReadAllText(_programs.InFolder("fabric.yaml"));

        (await RunAsync("validate")).Out.ShouldBe("fabric.yaml: fabric demo, 1 mailbox, 3 machines; no faults.\n");
        CommandLine second = await RunAsync("init");
        second.ShouldBe(new(ExitCode.Failed, "", "tombolo init: fabric.yaml exists already and is left as it is; choose another name with -f.\n"));
        File.ReadAllText(_programs.InFolder("fabric.yaml")).ShouldBe(written);
    }

    [Fact]
    public async Task Status_Picture_DrawsThePortsInUse()
    {
        await UpAsync(_machine);

        (await RunAsync("status", "--picture")).Out.ShouldContain("vm0 ---+ 1         8 |");
    }

    [Fact]
    public async Task Commands_NoFabricRuns_SaySo()
    {
        foreach (string command in new[] { "down", "status", "logs", "who" })
            (await RunAsync(command)).ShouldBe(new(ExitCode.Failed, "", $"tombolo {command}: No fabric runs here (looked in {_programs.Runtime}); 'tombolo up' starts one.\n"));
        (await RunAsync("ps")).ShouldBe(new(ExitCode.Done, $"No fabric runs here (looked in {_programs.Runtime}).\n", ""));
        (await RunAsync("ps", "--json")).ShouldBe(new(ExitCode.Done, "[]\n", ""));
    }

    [Fact]
    public async Task Logs_OfTheDaemonAndOfAMachine_AreShown()
    {
        await UpAsync(_machine);

        (await RunAsync("logs")).Out.ShouldContain("FabricUp t: Fabric t is up.");
        (await RunAsync("logs", "-n", "1")).Out.TrimEnd().Split('\n').Length.ShouldBe(1);
        (await RunAsync("logs", "vm0")).ShouldBe(new(ExitCode.Done, "", ""));
        (await RunAsync("logs", "vm9")).Error.ShouldBe("tombolo logs: Fabric t has no machine 'vm9'; it has vm0.\n");
    }

    [Fact]
    public async Task Status_Trace_ShowsWhatTheServerSendsAndTakes()
    {
        await UpAsync(Mailbox);
        using Process trace = _programs.Start(Programs.Tombolo, "status", "--trace");
        _ = await Programs.LineWithAsync(trace.StandardError, "Tracing the server of mailbox genz");

        (await RunAsync("ping", "-c", "1")).ExitCode.ShouldBe(ExitCode.Done);

        _ = await Programs.LineWithAsync(trace.StandardOutput, "server <- 1: ping!FZT=");
        _ = await Programs.LineWithAsync(trace.StandardOutput, "server -> 1: pong!FZT=");
        LinuxProcess.TrySignal(trace.Id, Signal.Interrupt).ShouldBeTrue();
        await trace.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        trace.ExitCode.ShouldBe(ExitCode.Done);
    }

    [Fact]
    public async Task Admin_MachineStopStartRestart_KeepItsNumber()
    {
        await UpAsync(_machine);
        int first = await MachinePidAsync();
        using DaemonClient admin = new(Path.Combine(_programs.Runtime, "t", "admin.sock"));

        await admin.PostAsync("/machines/vm0/restart", default);
        int second = await MachinePidAsync();
        second.ShouldNotBe(first);
        LinuxProcess.StartTimeOf(first).ShouldBeNull();
        await admin.PostAsync("/machines/vm0/stop", default);
        (await StatusAsync()).GetProperty("machines")[0].GetProperty("machine").GetProperty("state").GetString().ShouldBe("Stopped");
        LinuxProcess.StartTimeOf(second).ShouldBeNull();
        await admin.PostAsync("/machines/vm0/start", default);

        JsonElement member = (await StatusAsync()).GetProperty("mailboxes")[0].GetProperty("members")[0];
        (member.GetProperty("id").GetInt32(), member.GetProperty("processId").GetInt32()).ShouldBe((1, await MachinePidAsync()));
    }

    [Fact]
    public async Task Admin_RequestThatCannotBe_IsRefusedWithASentence()
    {
        await UpAsync(_machine);
        using DaemonClient admin = new(Path.Combine(_programs.Runtime, "t", "admin.sock"));

        (await Should.ThrowAsync<CommandException>(admin.PostAsync("/machines/vm9/start", default))).Message.ShouldBe("Fabric t has no machine 'vm9'; it has vm0.");
        (await Should.ThrowAsync<CommandException>(admin.PostAsync("/machines/vm0/start", default))).Message.ShouldBe($"Machine vm0 runs already (pid {await MachinePidAsync()}).");
        (await Should.ThrowAsync<CommandException>(admin.PostAsync("/nowhere", default))).Message.ShouldContain("404");
    }

    [Fact]
    public async Task Vm_StanzaOfARunningFabric_HasItsSocketAndVectors()
    {
        await UpAsync("fabric: t\nmailboxes:\n  genz: { clients: 20 }\n");

        (await RunAsync("vm", "stanza")).Out.ShouldContain($"path={_programs.Runtime}/t/genz.sock \\\n-device ivshmem-doorbell,id=doorbell-genz,vectors=22,");
        (await RunAsync("vm", "xml", "--mailbox", "other")).Error.ShouldBe("tombolo vm xml: Fabric t has no mailbox 'other'; it has genz.\n");
    }

    [Fact]
    public async Task Completion_OfMachinesAndCommands_ComesFromTheProgram()
    {
        await UpAsync(_machine);

        (await RunAsync("[suggest:16]", "tombolo console ")).Out.Split('\n').ShouldContain("vm0");
        (await RunAsync("[suggest:9]", "tombolo s")).Out.Split('\n').ShouldContain("status");
    }

    [Fact]
    public async Task Console_InAPipe_PassesBytesBothWaysUntilTheEscape()
    {
        using Socket machine = PretendMachine();
        using Process console = _programs.Start(Programs.Tombolo, "console", "vm0");
        using Socket line = await machine.AcceptAsync().WaitAsync(Programs.Watchdog);
        byte[] buffer = new byte[64];

        await line.SendAsync("login: \x1b[1m"u8.ToArray());
        char[] shown = new char[11];
        (await console.StandardOutput.ReadBlockAsync(shown).AsTask().WaitAsync(Programs.Watchdog)).ShouldBe(11);
        new string(shown).ShouldBe("login: \x1b[1m", customMessage: "a console is the machine's own terminal");
        await console.StandardInput.WriteAsync("root\x1d after the escape");
        await console.StandardInput.FlushAsync();
        (await line.ReceiveAsync(buffer).WaitAsync(Programs.Watchdog)).ShouldBe(4);
        Encoding.ASCII.GetString(buffer, 0, 4).ShouldBe("root");
        await console.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        console.ExitCode.ShouldBe(ExitCode.Done);
    }

    [Fact]
    public async Task Console_MachineDoesNotRun_SaysSo()
    {
        PretendMachine().Dispose();

        CommandLine ran = await RunAsync("console", "vm0");

        ran.ExitCode.ShouldBe(ExitCode.Failed);
        ran.Error.ShouldStartWith("tombolo console: The console of vm0 cannot be reached");
        ran.Error.ShouldEndWith("'tombolo ps' shows whether it runs.\n");
    }

    // The traces that a fabric leaves, with a console that the test serves.
    private Socket PretendMachine()
    {
        string folder = Path.Combine(_programs.Runtime, "t");
        Directory.CreateDirectory(Path.Combine(folder, "machines", "vm0"));
        File.WriteAllText(Path.Combine(folder, "fabric.yaml"), _machine);
        File.WriteAllText(Path.Combine(folder, "origin"), _programs.InFolder("fabric.yaml"));
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, "machines", "vm0", "console.sock")));
        listener.Listen();
        return listener;
    }
}
