// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text.Json;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Tests;

/// <summary><c>tombolo switch</c> and <c>tombolo vm --port</c> against a real daemon with a switch and no machines.</summary>
public sealed class SwitchCommandTests : IAsyncLifetime, IDisposable
{
    private readonly Programs _programs = new();

    public async Task InitializeAsync()
    {
        File.WriteAllText(_programs.InFolder("fabric.yaml"), "fabric: net\nswitches: { lan: { members: { a: 02:00:00:00:00:0a, b: { mac: 02:00:00:00:00:0b, link: { delay: 5ms } }, up: { learn: true } } }, wan: { members: { a: 02:00:00:00:00:0c } } }\n");
        CommandLine up = await RunAsync("up");
        up.ExitCode.ShouldBe(ExitCode.Done, up.Error);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _programs.Dispose();

    private Task<CommandLine> RunAsync(string line) => _programs.RunAsync(Programs.Tombolo, line.Split(' '));

    private static string Words(string text) => string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Fact]
    public async Task Show_Change_Stats_AndAKilledDaemon()
    {
        string shown = Words((await RunAsync("switch show lan")).Out);
        shown.ShouldContain("Switch lan: ready\n");
        shown.ShouldContain("\nb down - - 02:00:00:00:00:0b - delay 5ms delay 5ms 0 0\n");
        shown.ShouldContain("\nup down - - learns - perfect perfect 0 0\nTopology lan: a b up\n");

        (await RunAsync("status")).Out.ShouldContain("Switch lan: ready; 0 of 3 ports are up, 0 frames lost");

        (await RunAsync("switch add lan/probe --mac 02:00:00:00:00:0D --mtu 1400")).ShouldBe(new(ExitCode.Done, $"Port lan/probe serves at {_programs.Runtime}/net/lan-probe.sock.\n", ""));
        (await RunAsync("switch move probe lan back --new")).Out.ShouldBe("Topology lan: a b up probe\nTopology back: probe\n");
        (await RunAsync("switch move lan/b --cut lan/a")).Error.ShouldContain("has no port 'lan/a'");
        (await RunAsync("switch move b --cut probe")).Out.ShouldBe("Topology lan: a b up probe; cut: b from probe\nTopology back: probe\n");
        (await RunAsync("switch move lan/a lan/1")).Out.ShouldStartWith("Topology lan: a | b up probe; cut: b from probe\n");
        (await RunAsync("switch set b --perfect --loss 1% --seed 7 --way from")).Out.ShouldBe("Port lan/b: 02:00:00:00:00:0b; to guest delay 5ms; from guest loss 1%, seed 7\n");
        (await RunAsync("switch set probe --mtu 1300")).Out.ShouldBe("Port lan/probe: 02:00:00:00:00:0d, mtu 1300; to guest perfect; from guest perfect\n");
        (await RunAsync("switch remove up")).Out.ShouldBe("Port lan/up is removed.\n");

        int daemon = Tombolo.Linux.FileLock.OwnerOf(Path.Combine(_programs.Runtime, "net", "daemon.lock"));
        _ = Tombolo.Linux.LinuxProcess.TrySignal(daemon, Tombolo.Linux.Signal.Kill);
        await Programs.EndedAsync(daemon);
        (await RunAsync("switch show lan")).Out.ShouldStartWith("Switch lan: dead\n");
        (await RunAsync("up")).Out.ShouldContain("Switch lan serves 3 ports, with the changes made before its owner was killed.");
        using JsonDocument stats = JsonDocument.Parse((await RunAsync("switch stats lan --json")).Out);
        JsonElement lan = stats.RootElement[0];
        lan.GetProperty("isChanged").GetBoolean().ShouldBeTrue();
        lan.GetProperty("ports").EnumerateArray().Select(port => port.GetProperty("settings").GetProperty("name").GetString()).ShouldBe(["a", "b", "probe"]);
        lan.GetProperty("ports")[0].GetProperty("counters").GetProperty("unknownDestination").GetInt64().ShouldBe(0);
        Words((await RunAsync("switch stats lan")).Out).ShouldContain("LAN PORT FROM BYTES FROM TO BYTES TO LOST\na 0 0 0 0 0\n");

        string stanza = (await RunAsync("vm stanza --port probe --memory 512 --tcg")).Out;
        stanza.ShouldBe($"""
            -object memory-backend-memfd,id=tombolo-ram,size=512M,share=on \
            -machine memory-backend=tombolo-ram \
            -chardev socket,id=nic-lan-probe,path={_programs.Runtime}/net/lan-probe.sock,reconnect=1 \
            -netdev vhost-user,id=nic-lan-probe,chardev=nic-lan-probe \
            -device virtio-net-pci,id=nic-lan-probe,netdev=nic-lan-probe,mac=02:00:00:00:00:0d,vectors=0,host_mtu=1300,romfile=

            """);
        (await RunAsync("vm xml --port lan/b")).Out.ShouldContain("<mac address=\"02:00:00:00:00:0b\" />");
        (await RunAsync("down")).ExitCode.ShouldBe(ExitCode.Done);
        Directory.Exists(Path.Combine(_programs.Runtime, "net")).ShouldBeFalse();
    }

    [Fact]
    public async Task Capture_UntilInterrupted_WritesPcapng()
    {
        using Process capture = _programs.Start(Programs.Tombolo, "switch", "capture", "lan/b", "-w", "b.pcapng");
        (await Programs.LineWithAsync(capture.StandardOutput, "captured")).ShouldBe("Port lan/b is captured into b.pcapng; Ctrl-C ends it.");
        string file = _programs.InFolder("b.pcapng");
        const int StartBytes = 28 + 40;   // section header, and an interface named b
        Testing.Watchdog.Until(() => new FileInfo(file).Length >= StartBytes, "the file has its start");
        (await RunAsync("switch capture lan/b -w other")).Error.ShouldContain("captured already");
        _ = Tombolo.Linux.LinuxProcess.TrySignal(capture.Id, Tombolo.Linux.Signal.Interrupt);
        await capture.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        capture.ExitCode.ShouldBe(ExitCode.Done);
        (await capture.StandardOutput.ReadToEndAsync()).ShouldBe("0 frames were written to b.pcapng, 0 dropped.\n");
        // Whole: its last block says how many there were.
        BitConverter.ToInt32(File.ReadAllBytes(file).AsSpan(StartBytes)).ShouldBe(5, "pcapng: interface statistics");
        File.ReadAllBytes(file)[..4].ShouldBe([0x0a, 0x0d, 0x0d, 0x0a]);
    }

    [Fact]
    public async Task Capture_PortIsRemoved_EndsAndSaysSo()
    {
        using Process capture = _programs.Start(Programs.Tombolo, "switch", "capture", "lan/b", "-w", "b.pcapng");
        _ = await Programs.LineWithAsync(capture.StandardOutput, "captured");
        (await RunAsync("switch remove lan/b")).ExitCode.ShouldBe(ExitCode.Done);
        await capture.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        (capture.ExitCode, await capture.StandardOutput.ReadToEndAsync()).ShouldBe((ExitCode.Done, "The capture has ended: port lan/b was removed, or its switch ended.\n"));
    }

    [Fact]
    public async Task Capture_FabricGoesDown_Ends()
    {
        using Process capture = _programs.Start(Programs.Tombolo, "switch", "capture", "lan/b", "-w", "b.pcapng", "--json");
        Testing.Watchdog.Until(() => new FileInfo(_programs.InFolder("b.pcapng")) is { Exists: true, Length: > 0 }, "the capture has begun");
        (await RunAsync("down")).ExitCode.ShouldBe(ExitCode.Done);
        await capture.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        capture.ExitCode.ShouldBe(ExitCode.Done);
    }

    [Fact]
    public async Task Show_FrontEndIsRefused_SaysWhat()
    {
        using Tombolo.Linux.SafeFd front = Tombolo.Linux.UnixSocket.Connect($"{_programs.Runtime}/net/lan-b.sock", Tombolo.Linux.UnixSocketKind.Stream);
        // SET_PROTOCOL_FEATURES: REPLY_ACK and NET_MTU; NET_SET_MTU 67, an answer is wanted.
        byte[] messages = [16, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0x18, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 67, 0, 0, 0, 0, 0, 0, 0];
        Tombolo.Linux.UnixSocket.Send(front, messages).Bytes.ShouldBe(messages.Length);
        Tombolo.Linux.UnixSocket.Wait(front, forReading: true, Testing.Watchdog.Limit).ShouldBeTrue("it is answered");
        string shown = Words((await RunAsync("switch show lan")).Out);
        shown.ShouldContain("\nb attached - ");
        shown.ShouldContain("\nPort b does not work: SetMtu was refused: The MTU 67 is not within 68 to 65535.\n");
    }

    [Fact]
    public async Task Stats_Watched_AreShownAgainAndAgain_WithRates()
    {
        using Process lines = _programs.Start(Programs.Tombolo, "switch", "stats", "lan", "--watch", "0.05", "--json"), words = _programs.Start(Programs.Tombolo, "switch", "stats", "lan", "--watch", "0.05");
        for (int i = 0; i < 3; i++)
        {
            using JsonDocument one = JsonDocument.Parse((await lines.StandardOutput.ReadLineAsync().WaitAsync(Programs.Watchdog)).ShouldNotBeNull());
            one.RootElement[0].GetProperty("name").GetString().ShouldBe("lan");
        }
        Words(await Programs.LineWithAsync(words.StandardOutput, "PORT")).ShouldBe("LAN PORT FROM BYTES FROM TO BYTES TO FRAMES/S FROM FRAMES/S TO LOST");
        Words(await Programs.LineWithAsync(words.StandardOutput, "a ")).ShouldBe("a 0 0 0 0 - - 0");
        _ = await Programs.LineWithAsync(words.StandardOutput, "PORT");
        Words(await Programs.LineWithAsync(words.StandardOutput, "a ")).ShouldBe("a 0 0 0 0 0 0 0");
        foreach (Process process in new[] { lines, words })
        {
            _ = Tombolo.Linux.LinuxProcess.TrySignal(process.Id, Tombolo.Linux.Signal.Interrupt);
            await process.WaitForExitAsync().WaitAsync(Programs.Watchdog);
            process.ExitCode.ShouldBe(ExitCode.Done);
        }
    }

    [Fact]
    public async Task Changes_WithJson_SayWhatIsNow()
    {
        using JsonDocument set = JsonDocument.Parse((await RunAsync("switch set lan/b --delay 7ms --json")).Out);
        set.RootElement.GetProperty("settings").GetProperty("toGuest").GetProperty("delay").GetString().ShouldBe("00:00:00.0070000");
        using JsonDocument move = JsonDocument.Parse((await RunAsync("switch move lan/b --cut up --json")).Out);
        move.RootElement.GetProperty("topologies")[0].GetProperty("cut")[0].GetProperty("other").GetString().ShouldBe("up");
        using JsonDocument remove = JsonDocument.Parse((await RunAsync("switch remove lan/b --json")).Out);
        remove.RootElement.GetProperty("ports").GetArrayLength().ShouldBe(2);
        using JsonDocument add = JsonDocument.Parse((await RunAsync("switch add lan/b --json")).Out);
        add.RootElement.GetProperty("socket").GetString().ShouldBe($"{_programs.Runtime}/net/lan-b.sock");
        add.RootElement.TryGetProperty("fault", out _).ShouldBeFalse("what is not there is left out, as everywhere");
    }

    [Fact]
    public async Task Uplinks_AreShown_Added_AndTakenAway()
    {
        string socket = $"{_programs.Runtime}/net/more.sock";
        (await RunAsync("switch add wan/more --stream more.sock")).ShouldBe(new(ExitCode.Done, $"Port wan/more leads to stream {socket}.\n", ""));
        (await RunAsync("switch add wan/tape --record tape.pcapng --any-source")).Out.ShouldBe($"Port wan/tape leads to record {_programs.InFolder("tape.pcapng")}.\n");
        string shown = Words((await RunAsync("switch show wan")).Out);
        shown.ShouldStartWith("Switch wan: ready, changed since it came up\nPORT STATE LEADS TO PID");
        shown.ShouldContain($"\nmore down stream {socket} - learns - perfect perfect 0 0\n");
        shown.ShouldContain($"\ntape up record {_programs.InFolder("tape.pcapng")} - any - perfect perfect 0 0\n");
        (await RunAsync("status")).Out.ShouldContain("Switch wan: ready; 1 of 3 ports are up (uplinks: more down, tape up), 0 frames lost");
        (await RunAsync("switch stats wan")).Out.ShouldContain("\ntape");
        (await RunAsync("vm stanza --port more")).Error.ShouldContain($"Port wan/more is an uplink to stream {socket}, so it is no network card.");
        (await RunAsync("switch set more --delay 5ms")).ExitCode.ShouldBe(ExitCode.Done);
        (await RunAsync("switch remove tape")).ExitCode.ShouldBe(ExitCode.Done);
        File.ReadAllBytes(_programs.InFolder("tape.pcapng"))[..4].ShouldBe([0x0a, 0x0d, 0x0d, 0x0a]);
        (string Line, int Code, string Sentence)[] cases =
        [
            ("switch add wan/x --tap t --stream s", ExitCode.Failed, "The uplink of port 'x' leads to a tap and a stream; it can lead to one of them."),
            ("switch add wan/x --netns lab", ExitCode.Failed, "The uplink of port 'x' leads nowhere"),
            ("switch add wan/x --stream s --socket t", ExitCode.WrongUse, "--socket is a network card's, and the port is to be an uplink; a stream's socket is said by --stream."),
            ("switch add wan/x --replay p --speed high", ExitCode.WrongUse, "--speed is 'high'; it must be how many times as fast, such as 1, 0.5 or 10, or 0 for as fast as can be."),
            ("switch add wan/x --replay none.pcap", ExitCode.Failed, _programs.InFolder("none.pcap")),
            ("switch add wan/x --tap t --netns no-such", ExitCode.Failed, "Port 'x': the tap cannot be had: open /run/netns/no-such: No such file or directory (2)."),
        ];
        foreach ((string line, int code, string sentence) in cases)
        {
            CommandLine ran = await RunAsync(line);
            ran.Error.ShouldContain(sentence);
            ran.ExitCode.ShouldBe(code, line);
        }
        (await RunAsync("down")).ExitCode.ShouldBe(ExitCode.Done);
        File.Exists(socket).ShouldBeFalse();
    }

    [Fact]
    public async Task Refused_SaysWhy()
    {
        (string Line, int Code, string Sentence)[] cases =
        [
            ("switch set a --delay 1ms", ExitCode.WrongUse, "Which switch's port a? Say lan/a or wan/a."),
            ("switch set lan/q --delay 1ms", ExitCode.Failed, "There is no port 'lan/q' in fabric net; it has lan/a, lan/b, lan/up."),
            ("switch set b", ExitCode.WrongUse, "Say what changes, such as --delay 5ms."),
            ("switch set b --delay 5", ExitCode.WrongUse, "--delay is '5'; it must be a duration such as 50us, 5ms or 2s."),
            ("switch set b --loss 200%", ExitCode.WrongUse, "--loss is '200%'; it must be a share from 0% to 100%, such as 0.5%."),
            ("switch set b --mtu 5", ExitCode.Failed, "Mtu is 5; it must be 68 to 65535."),
            ("switch capture lan/q -w x", ExitCode.Failed, "There is no port 'lan/q' in fabric net; it has lan/a, lan/b, lan/up."),
            ("switch capture lan/a -w /nowhere/x", ExitCode.Failed, "/nowhere/x"),
            ("switch capture lan/b --snap 3 -w x", ExitCode.Failed, "SnapBytes is 3; it must be 14 to 65557."),
            ("switch add a", ExitCode.WrongUse, "Which switch? Say SWITCH/PORT with one of: lan, wan."),
            ("switch add lan/a", ExitCode.Failed, "Switch lan has a port 'a' already."),
            ("switch move b", ExitCode.WrongUse, "Say where the port goes: topologies, --nowhere, --cut or --uncut."),
            ("switch move b nowhere", ExitCode.Failed, "Switch lan has no topology 'nowhere'; there is lan. A new one must be asked for."),
            ("switch show man", ExitCode.Failed, "Fabric net has no switch 'man'; it has lan, wan."),
            ("vm stanza --port up", ExitCode.Failed, "Port lan/up has no address of its own, so it is no network card."),
        ];
        foreach ((string line, int code, string sentence) in cases)
        {
            CommandLine ran = await RunAsync(line);
            ran.Error.ShouldContain(sentence);
            ran.ExitCode.ShouldBe(code, line);
        }
    }
}
