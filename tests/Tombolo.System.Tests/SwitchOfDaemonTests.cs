// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Fabric;
using Tombolo.Linux;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>Two guests of <c>tombolo up</c> and a TCP connection between them, under which the daemon with its switch is killed again and again.</summary>
[Trait("Speed", "slow")]
public sealed partial class SwitchOfDaemonTests : IDisposable
{
    private static readonly TimeSpan _watchdog = TimeSpan.FromMinutes(4);
    private readonly TemporaryFolder _folder = new();

    private FabricPaths Paths => new(_folder["run"], "net");

    public void Dispose()
    {
        _ = RealPrograms.Tombolo(_folder["run"], "down", "--fabric", "net");
        _folder.Dispose();
    }

    [Fact]
    public async Task DaemonKilledUnderLoad_TcpConnectionLivesOn_EveryByteArrives_ChangesToo()
    {
        File.WriteAllText(_folder["fabric.yaml"], $$"""
            fabric: net
            switches: { lan: { members: { vm0: 02:00:00:00:AA:01, vm1: 02:00:00:00:AA:02 } } }
            machines:
              vm0: { attach: lan, accel: tcg, restart: never, ready-within: 4m, grace: 0s, ip: { lan: 192.168.1.1/24 }, run: [{{Script("net-send.sh")}}] }
              vm1: { attach: lan, accel: tcg, restart: never, ready-within: 4m, grace: 0s, ip: { lan: 192.168.1.2/24 }, run: [{{Script("net-receive.sh")}}] }
            """);
        Up();
        Run("switch", "add", "probe").ShouldContain("Port lan/probe serves at");
        string machines = Processes();
        foreach (int goal in new[] { 5, 15, 25 })
        {
            await UntilAsync(() => Sent() >= goal, $"{goal} rounds are sent");
            int daemon = FileLock.OwnerOf(Paths.Lock);
            using SafeFd handle = LinuxProcess.TryOpen(daemon).ShouldNotBeNull();
            _ = LinuxProcess.TrySignal(handle, Signal.Kill);
            await UntilAsync(() => FileLock.OwnerOf(Paths.Lock) == 0, "the daemon is gone");
            Up();
        }
        await UntilAsync(() => Got().IsMatch(Console("vm0")), "the receiver answers with its sum");
        Got().Match(Console("vm0")).Groups[1].Value.ShouldBe(Wanted().Match(Console("vm0")).Groups[1].Value);
        Processes().ShouldBe(machines, "the guests are the same processes");
        string shown = Run("switch", "show");
        shown.ShouldContain("probe");
        shown.ShouldNotContain("stopped");
    }

    private void Up() => Run("up", "-f", _folder["fabric.yaml"]);

    private string Run(params string[] arguments)
    {
        (int code, string output, string error) = RealPrograms.Tombolo(_folder["run"], arguments);
        code.ShouldBe(0, $"tombolo {string.Join(' ', arguments)}: {output}{error}");
        return output;
    }

    private string Processes() => string.Join(' ', FabricState.RunningMachines(Paths));

    private static string Script(string name) => string.Join(", ", File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Guest", name)).Where(line => !line.StartsWith('#') && !line.StartsWith("ip ", StringComparison.Ordinal)).Select(line => $"'{line.Replace("'", "''", StringComparison.Ordinal)}'"));

    private int Sent() => Round().Matches(Console("vm0")).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).DefaultIfEmpty().Max();

    private string Console(string machine)
    {
        string path = Paths.Machine(machine).ConsoleLog;
        if (!File.Exists(path)) return "";
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return new StreamReader(stream).ReadToEnd();
    }

    private async Task UntilAsync(Func<bool> holds, string what)
    {
        long end = Environment.TickCount64 + (long)_watchdog.TotalMilliseconds;
        while (!holds())
        {
            Environment.TickCount64.ShouldBeLessThan(end, $"watchdog: waited in vain until {what}\n{string.Join('\n', Console("vm0").Split('\n').TakeLast(10))}\n{string.Join('\n', Console("vm1").Split('\n').TakeLast(10))}");
            await Task.Delay(20);
        }
    }

    [GeneratedRegex(@"SENT (\d+)\.")] private static partial Regex Round();

    [GeneratedRegex(@"WANTED (\w{32})\.")] private static partial Regex Wanted();

    [GeneratedRegex(@"GOT (\w{32})\.")] private static partial Regex Got();
}
