// SPDX-License-Identifier: MIT
using System.Text.Json;
using Tombolo.Cli.Output;
using Tombolo.Ivshmem;

namespace Tombolo.Cli.Tests;

/// <summary><c>tombolo probe</c> on a host; in guests it is the same code, run by the system tests.</summary>
public sealed class ProbeCommandTests : IAsyncLifetime, IDisposable
{
    private readonly Programs _programs = new();
    private DoorbellServer? _server;

    private string Socket => _programs.InFolder("bell.sock");

    public Task InitializeAsync()
    {
        _server = DoorbellServer.Start(new() { SocketPath = Socket, SizeBytes = 1 << 20 });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _server!.DisposeAsync();

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task Probe_HostsWindow_IsWriteBackAndUnchanged()
    {
        using IvshmemClient other = IvshmemClient.Connect(new() { SocketPath = Socket });
        other.Window.View(0, 8).WriteRelease64(0, 0x0123456789ABCDEF);
        CommandLine ran = await CommandLine.RunAsync($"probe --socket {Socket}").WaitAsync(Programs.Watchdog);
        (ran.ExitCode, ran.Error).ShouldBe((ExitCode.Done, ""));
        ran.Out.ShouldStartWith($"{Socket}: 1048576 bytes; behaves write-back\n");
        ran.Out.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["read", "write", "copy", "load", "atomic"]);
        other.Window.View(0, 8).ReadAcquire64(0).ShouldBe(0x0123456789ABCDEFu);
    }

    [Fact]
    public async Task Probe_JsonWithScratch_HasEveryFigure()
    {
        CommandLine ran = await CommandLine.RunAsync($"probe --socket {Socket} --scratch 512K,64K --json").WaitAsync(Programs.Watchdog);
        ran.ExitCode.ShouldBe(ExitCode.Done, ran.Error);
        JsonElement probe = JsonDocument.Parse(ran.Out).RootElement;
        (probe.GetProperty("measured").GetString(), probe.GetProperty("lengthBytes").GetInt64()).ShouldBe(("WriteBack", 1 << 20));
        probe.TryGetProperty("driver", out _).ShouldBeFalse();
        probe.TryGetProperty("warning", out _).ShouldBeFalse();
        foreach (string memory in new[] { "window", "ordinary" })
            foreach (string figure in new[] { "readBytesPerSecond", "writeBytesPerSecond", "copyBytesPerSecond", "loadNanoseconds", "atomicNanoseconds" })
                probe.GetProperty(memory).GetProperty(figure).GetDouble().ShouldBeGreaterThan(0, $"{memory}.{figure}");
    }

    [Theory]
    [InlineData("--scratch 5", ExitCode.WrongUse, "tombolo probe: --scratch is '5'; give an offset and a length, such as 1M,64K.\n")]
    [InlineData("--scratch 1M,64K", ExitCode.WrongUse, "tombolo probe: The scratch room is 65536 bytes at 1048576; it must be at least 4096 bytes, begin at a multiple of 8, and lie within the window's 1048576 bytes.\n")]
    [InlineData("--device 00:02.0", ExitCode.WrongUse, "tombolo probe: Both --socket and --device are given; choose one.\n")]
    public async Task Probe_WrongUse_SaysOneSentence(string words, int code, string sentence) =>
        (await CommandLine.RunAsync($"probe --socket {Socket} {words}").WaitAsync(Programs.Watchdog)).ShouldBe(new(code, "", sentence));
}
