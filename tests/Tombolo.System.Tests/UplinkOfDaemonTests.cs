// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Diagnostics;
using Shouldly;
using Tombolo.Fabric;
using Tombolo.Linux;
using Tombolo.Machines;
using Tombolo.Testing;
using Tombolo.TestPeers;

namespace Tombolo.System.Tests;

/// <summary>Uplinks that <c>fabric.yaml</c> declares, with the daemon and their real counterparts: the kernel behind a tap in a network namespace, QEMU's <c>-netdev stream</c> and tshark; and a killed daemon.</summary>
[Trait("Speed", "slow")]
public sealed class UplinkOfDaemonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly NetworkSpace _host = new(), _lab = new();
    private readonly List<Child> _children = [];

    public void Dispose()
    {
        _ = RealPrograms.Tombolo(_folder["run"], "down", "--fabric", "net");
        foreach (Child child in _children) child.Dispose();
        _host.Dispose();
        _lab.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Declared_TapStreamAndFile_CarryFramesToACard_AndAgainAfterAKilledDaemon()
    {
        string socket = _folder["qemu.sock"], tape = _folder["tape.pcapng"];
        File.WriteAllText(_folder["fabric.yaml"], $$"""
            fabric: net
            switches:
              lan:
                members:
                  card: 02:00:00:00:AA:01
                  host: { uplink: { tap: t0, netns: {{_host.Path}} } }
                  qemu: { uplink: { stream: {{socket}}, connect: true } }
                  tape: { uplink: { record: {{tape}} } }
            """);
        _host.Run("ip", "tuntap", "add", "t0", "mode", "tap").ShouldBe("");   // one that stays
        _host.SetUp("t0", "10.0.2.15/24");
        // QEMU's user network behind its stream: it answers for its gateway.
        _children.Add(new(ProgramPath.Find("qemu-system-x86_64").ShouldNotBeNull(), "-M", "none", "-display", "none", "-monitor", "none", "-serial", "none",
            "-netdev", $"stream,id=s0,server=on,addr.type=unix,addr.path={socket}", "-netdev", "hubport,id=h0,hubid=0,netdev=s0", "-netdev", "user,id=u0", "-netdev", "hubport,id=h1,hubid=0,netdev=u0"));
        Testing.Watchdog.Until(() => Path.Exists(socket), "QEMU listens");
        Run("validate", "-f", _folder["fabric.yaml"]);
        Up();
        Judge();
        Run("switch", "add", "lan/lab", "--tap", "t1", "--netns", _lab.Path).ShouldBe($"Port lan/lab leads to tap t1 in {_lab.Path}.\n");
        JudgeLab();
        JudgeLive();

        int daemon = FileLock.OwnerOf(new FabricPaths(_folder["run"], "net").Lock);
        using (SafeFd handle = LinuxProcess.TryOpen(daemon).ShouldNotBeNull())
        {
            _ = LinuxProcess.TrySignal(handle, Signal.Kill);
            TestPeers.Watchdog.Wait(handle, EpollEvents.Readable, Testing.Watchdog.Limit).ShouldBeTrue("the daemon is gone");
        }
        Testing.Watchdog.Until(() => !_lab.Run("ip", "-br", "link").Contains("t1", StringComparison.Ordinal), "the tap that the daemon made is gone");
        _host.Run("ip", "-br", "address").ShouldContain("10.0.2.15");
        Up();
        Judge();
        JudgeLab();

        Run("down", "--fabric", "net");
        _lab.Run("ip", "-br", "link").ShouldNotContain("t1");
        _host.Run("ip", "-br", "link").ShouldContain("t0");
        Path.Exists(socket).ShouldBeTrue("the socket is QEMU's");
        // Broadcasts went to the tape, too.
        NetworkSpace.Said("tshark", "-r", tape, "-Y", "arp.opcode == 1", "-T", "fields", "-e", "arp.dst.proto_ipv4").Split('\n').ShouldContain("10.0.2.2");
    }

    // The kernel in the namespace reaches QEMU's gateway, and answers a card.
    private void Judge()
    {
        string shown = "";
        Testing.Watchdog.Until(() => (shown = Run("switch", "show")).Split('\n').Count(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, "up", ..]) >= 3, "tap, stream and file are up");
        shown.ShouldContain($"tap t0 in {_host.Path}");
        shown.ShouldContain($"stream {_folder["qemu.sock"]}");
        _ = _host.Run("ip", "neigh", "flush", "all");
        _host.Run("ping", "-c", "3", "-i", "0.2", "-w", "30", "10.0.2.2").ShouldContain("3 received");
        using ScriptedDriver card = new();
        card.Attach(_folder["run/net/lan-card.sock"]);
        card.Refill().ShouldBeGreaterThan(0);
        byte[]? answer = null;
        byte[] request = Arp([10, 0, 2, 99], [10, 0, 2, 15]);
        card.TrySend(request).ShouldBeTrue();
        Testing.Watchdog.Until(() => card.TryReceive()?.Frame is { } frame && IsAnswer(frame) && (answer = frame) is not null, "the kernel answers the card");
        answer.AsSpan(28, 4).ToArray().ShouldBe([10, 0, 2, 15]);
        Run("status").ShouldContain("uplinks: host up, qemu up, tape up");
    }

    private void JudgeLab()
    {
        _lab.SetUp("t1", "10.0.2.16/24");
        _lab.Run("ping", "-c", "3", "-i", "0.2", "-w", "30", "10.0.2.15").ShouldContain("3 received");
    }

    // tshark shows what passes while the capture goes on, and has no fault to find with how it ends.
    private void JudgeLive()
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "tombolo"), ["switch", "capture", "lan/host", "-w", "-"]) { RedirectStandardOutput = true };
        start.Environment["TOMBOLO_RUNTIME_DIR"] = _folder["run"];
        using Process capture = Process.Start(start)!;
        using Process tshark = Process.Start(new ProcessStartInfo("tshark", ["-l", "-n", "-r", "-", "-Y", "icmp", "-T", "fields", "-e", "icmp.type"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> complaint = tshark.StandardError.ReadToEndAsync();
        Task copying = capture.StandardOutput.BaseStream.CopyToAsync(tshark.StandardInput.BaseStream);
        Task<string?> seen = tshark.StandardOutput.ReadLineAsync();
        Testing.Watchdog.Until(() =>
        {
            _ = _host.Run("ping", "-c", "1", "-w", "5", "10.0.2.2");
            return seen.IsCompleted;
        }, "tshark shows a frame");
        seen.Result.ShouldBe("8");
        capture.HasExited.ShouldBeFalse();
        _ = LinuxProcess.TrySignal(capture.Id, Signal.Interrupt);
        copying.Wait(Testing.Watchdog.Limit).ShouldBeTrue();
        tshark.StandardInput.Close();
        tshark.WaitForExit(Testing.Watchdog.Limit).ShouldBeTrue();
        tshark.ExitCode.ShouldBe(0, complaint.Result);
        complaint.Result.ShouldNotContain("cut short");
    }

    private void Up() => Run("up", "-f", _folder["fabric.yaml"]);

    private string Run(params string[] arguments)
    {
        (int code, string output, string error) = RealPrograms.Tombolo(_folder["run"], arguments);
        code.ShouldBe(0, $"tombolo {string.Join(' ', arguments)}: {output}{error}");
        return output;
    }

    // Who has an address? Source: RFC 826.
    private static byte[] Arp(byte[] asker, byte[] wanted)
    {
        byte[] mac = [0x02, 0, 0, 0, 0xaa, 0x01];
        return [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, .. mac, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, .. mac, .. asker, 0, 0, 0, 0, 0, 0, .. wanted, .. new byte[18]];
    }

    private static bool IsAnswer(byte[] frame) => frame.Length >= 42 && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) == 0x0806 && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(20)) == 2;
}
