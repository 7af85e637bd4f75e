// SPDX-License-Identifier: MIT
using System.IO.Pipes;
using System.Text.Json;
using System.Xml.Linq;
using Tombolo.Cli.Output;
using Tombolo.Linux;
using Tombolo.Regions;
using Tombolo.Testing;

namespace Tombolo.Cli.Tests;

/// <summary><c>tombolo region</c> against a real region server.</summary>
public sealed class RegionCommandTests : IDisposable
{
    private const string Json = """
        { "vsoc_shm_layout_descriptor": { "major_version": 2, "minor_version": 0 }, "vsoc_device_regions": [
          { "device_name": "screen", "current_version": 0, "min_compatible_version": 0, "region_size": 65536, "guest_to_host_signal_table": { "num_nodes_lg2": 4 }, "host_to_guest_signal_table": { "num_nodes_lg2": 4 }, "managed_by": "input" },
          { "device_name": "input", "current_version": 3, "min_compatible_version": 1, "region_size": 4096, "guest_to_host_signal_table": { "num_nodes_lg2": 2 }, "host_to_guest_signal_table": { "num_nodes_lg2": 2 } } ] }
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly RegionServer _server;

    public RegionCommandTests()
    {
        File.WriteAllText(_folder["l.json"], Json);
        _server = RegionServer.StartAsync(new() { Layout = LayoutFile.Load(_folder["l.json"]).Layout!, ClientSocket = _folder["c"], Doorbell = new() { SocketPath = _folder["q"], MemoryName = "cli" } }).GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Dispose();
    }

    private Task<CommandLine> RunAsync(string line, Stream? output = null, Stream? input = null) => CommandLine.RunAsync($"region {line} --socket {_folder["c"]}", bytesOut: output, bytesIn: input);

    [Fact]
    public async Task Layout_GoodFile_PrintsTableAndPicture_AndWritesTheSvg()
    {
        CommandLine ran = await CommandLine.RunAsync($"region layout {_folder["l.json"]} --svg {_folder["l.svg"]}");
        ran.ExitCode.ShouldBe(ExitCode.Done, ran.Error);
        string.Join(' ', ran.Out.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ShouldContain("0 screen 0x1000 0x11000 65536");
        ran.Out.ShouldContain("| screen (64 KiB)");
        XElement.Load(_folder["l.svg"]).Name.LocalName.ShouldBe("svg");
    }

    [Fact]
    public async Task Layout_FaultyFile_TellsEachFaultWithItsPlace_AndFails()
    {
        File.WriteAllText(_folder["bad.json"], Json.Replace("\"input\",", "\"screen\",", StringComparison.Ordinal).Replace("65536", "\"big\"", StringComparison.Ordinal));
        CommandLine ran = await CommandLine.RunAsync($"region layout {_folder["bad.json"]}");
        ran.ExitCode.ShouldBe(ExitCode.Failed);
        ran.Error.Split('\n').Take(4).ShouldBe(
        [
            $"{_folder["bad.json"]}:2:96: $.vsoc_device_regions[0].region_size: 'region_size' is 'big'; it must be a whole number from 0 to 4294967295.",
            $"{_folder["bad.json"]}:2:225: $.vsoc_device_regions[0].managed_by: 'managed_by' names 'input', and there is no such region.",
            $"{_folder["bad.json"]}:3:20: $.vsoc_device_regions[1].device_name: There is a region 'screen' already, $.vsoc_device_regions[0]; names must differ.",
            $"tombolo region layout: {_folder["bad.json"]} has 3 faults.",
        ]);
        JsonDocument.Parse((await CommandLine.RunAsync($"region layout {_folder["bad.json"]} --json")).Out).RootElement.GetArrayLength().ShouldBe(3);
    }

    [Fact]
    public async Task WriteThenRead_InAPipe_AreTheBytesThemselves()
    {
        (await RunAsync("write input 0x28 hello")).ShouldBe(new(ExitCode.Done, "", ""));
        (await RunAsync("write input 45 --hex 00ff:10")).ExitCode.ShouldBe(ExitCode.Done);
        using var bytes = new MemoryStream();
        (await RunAsync("read input 0x28 8", bytes)).ExitCode.ShouldBe(ExitCode.Done);
        bytes.ToArray().ShouldBe([.. "hello"u8, 0, 255, 16]);
        (await RunAsync("read input 0x28 8 --json")).Out.ShouldBe("""{"region":"input","offset":40,"hex":"68656c6c6f00ff10"}""" + "\n");
    }

    [Fact]
    public async Task Write_StandardInput_AsLongAsTheRegion_AndDumpGivesItBack()
    {
        byte[] frame = new byte[65536 - 136];
        new Random(3).NextBytes(frame);
        using var input = new MemoryStream(frame);
        (await RunAsync("write screen 136", input: input)).ExitCode.ShouldBe(ExitCode.Done);
        using var bytes = new MemoryStream();
        (await RunAsync("dump screen", bytes)).ExitCode.ShouldBe(ExitCode.Done);
        bytes.ToArray().ShouldBe(frame);
        using var tooMuch = new MemoryStream(new byte[frame.Length + 1]);
        CommandLine refused = await RunAsync("write screen 136", input: tooMuch);
        (refused.ExitCode, refused.Error.Contains("are not within 0x88 to 0x10000 of region 'screen'", StringComparison.Ordinal)).ShouldBe((ExitCode.Failed, true), refused.Error);
    }

    // Standard input that says nothing, and a reader of our output that takes nothing.
    [Theory]
    [InlineData("write input 0x28")]
    [InlineData("dump screen")]
    public async Task CtrlC_WhileAPipeStandsStill_EndsTheCommand(string line)
    {
        using AnonymousPipeServerStream full = new(PipeDirection.Out), empty = new(PipeDirection.In);
        full.Write(new byte[60_000]);   // of the 65536 that a pipe holds
        using var stop = new CancellationTokenSource();
        Task<CommandLine> running = Task.Run(() => CommandLine.RunAsync($"region {line} --socket {_folder["c"]}", bytesOut: full, bytesIn: empty, stop: stop.Token));
        Watchdog.Until(() => _server.SnapshotAsync().GetAwaiter().GetResult().Counters.Served == 1, "it has the region");
        await stop.CancelAsync();
        CommandLine ran = await running.WaitAsync(Watchdog.Limit);
        (ran.ExitCode, ran.Error).ShouldBe((ExitCode.Failed, $"tombolo region {line.Split(' ')[0]}: stopped.\n"));
    }

    [Theory]
    [InlineData("read nosuch", "has no region 'nosuch' for this user")]
    [InlineData("read input 0", "are not within 0x28 to 0x1000 of region 'input'")]
    [InlineData("read input 0x99999", "are not within")]
    [InlineData("signal input 0x29", "it must be a multiple of 4")]
    [InlineData("wait input 0x28 --timeout 0.05", "held 0 for 0.05 s")]
    public async Task Refused_SaysWhy(string line, string why)
    {
        CommandLine ran = await RunAsync(line);
        ran.ExitCode.ShouldBe(ExitCode.Failed);
        ran.Error.ShouldContain(why);
        ran.Error.ShouldNotContain("Parameter");   // which is our code's, not the user's
    }

    [Theory]
    [InlineData("read input here")]
    [InlineData("read input 0 many")]
    [InlineData("write input 0x28 xyz --hex")]
    [InlineData("write input 0x28 --word")]
    [InlineData("write input 0x28 12 --word --hex")]
    [InlineData("write input 0x29 12 --word")]
    [InlineData("write input 0x29 12 --signal")]
    [InlineData("watch input 0x28 --count -1")]
    [InlineData("signal input 0x28 --side nobody")]
    public async Task WrongUse_EndsWith2_AndChangesNothing(string line)
    {
        (await RunAsync(line)).ExitCode.ShouldBe(ExitCode.WrongUse);
        _server.Window.View(0x11028, 8).ReadAcquire32(0).ShouldBe(0u);
    }

    [Fact]
    public async Task Signal_StandsInTheTable_AndShowSaysSo()
    {
        (await RunAsync("write input 0x30 7 --word --signal")).ExitCode.ShouldBe(ExitCode.Done);
        EventFd.TryRead(_server.ToGuest[1], out _).ShouldBeTrue();
        (await RunAsync("signal input 0x2c --side host")).ExitCode.ShouldBe(ExitCode.Done);
        (await RunAsync("show input")).Out.ShouldBe("""
            Region input: vector 1, 0x11000 to 0x12000 in the window (4096 bytes), data from 0x28 on
            Version 3, compatible from 1; not managed
            Signals guest to host: 0 of 4 slots taken, signalled word not set
            Signals host to guest: 1 of 4 slots taken (0x30), signalled word set

            """);
        JsonDocument.Parse((await RunAsync("show screen --json")).Out).RootElement.GetProperty("managedBy").GetString().ShouldBe("input");
    }

    [Fact]
    public async Task WaitAndWatch_EndWhenTheWordIsChangedAndSignalled()
    {
        Task<CommandLine> waiting = RunAsync("wait input 0x28 --value 0"), watching = RunAsync("watch input 0x28 --count 1 --json");
        using RegionClient client = RegionClient.Open("input", new() { Socket = _folder["c"] });
        Watchdog.Until(() => _server.SnapshotAsync().GetAwaiter().GetResult().Counters.Served == 3, "both have the region");
        while (!waiting.IsCompleted || !watching.IsCompleted)   // the watcher shows what it finds first, so it may need another change
        {
            Set(client, client.View(0x28, 4).ReadAcquire32(0) + 5);
            client.Signal(0x28, SignalSides.Host);
            await Task.WhenAny(Task.WhenAll(waiting, watching), Task.Delay(20));
        }
        uint.Parse((await waiting).Out, System.Globalization.CultureInfo.InvariantCulture).ShouldBeGreaterThan(0u);
        (await watching).Out.TrimEnd().Split('\n').Length.ShouldBe(2);
    }

    private static void Set(RegionClient client, uint value) => client.View(0x28, 4).WriteRelease32(0, value);

    [Fact]
    public void HexView_RepeatedLines_AreToldOnce()
    {
        byte[] bytes = [.. "0123456789abcdef"u8, .. new byte[64], .. "end"u8];
        HexView.Lines(bytes, 0x88).ShouldBe(
        [
            "00000088  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|",
            "00000098  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|",
            "*",
            "000000d8  65 6e 64                                          |end|",
            "000000db",
        ]);
    }
}
