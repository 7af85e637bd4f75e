// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Text;
using Shouldly;
using Tombolo.Linux;
using Tombolo.Switching;
using Tombolo.TestPeers;

namespace Tombolo.Fabric.Tests;

/// <summary>Declared uplinks in a fabric: frames pass between them and a card, a killed owner's successor opens them again, and they go without a trace. The real counterparts have a system test.</summary>
public sealed class UplinkHostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _watchdog = new(TimeSpan.FromSeconds(90));
    private readonly FdInbox _inbox = new();

    public void Dispose()
    {
        _inbox.Dispose();
        _folder.Dispose();
        _watchdog.Dispose();
    }

    [Fact]
    public async Task Stream_CarriesFramesToACardAndBack_AlsoForTheNextOwner()
    {
        const string Text = "fabric: demo\nswitches: { lan: { members: { card: 02:00:00:00:00:0a, up: { uplink: { stream: up.sock, mode: 0660 } } } } }\n";
        FabricHost host = await StartAsync(Text);
        File.GetUnixFileMode(_folder["run/demo/up.sock"]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        (await UpAsync(host)).IsUp.ShouldBeFalse();
        await ExchangeAsync(host);
        await host.AbandonMachinesAsync();
        FabricHost next = await StartAsync(Text);
        await ExchangeAsync(next);
        SwitchPortStatus up = await UpAsync(next);
        (up.Socket, up.Lost, up.Counters["framesFrom"], up.Counters["framesTo"]).ShouldBe((_folder["run/demo/up.sock"], 0, 1, 1));
        await next.DisposeAsync();
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
    }

    [Fact]
    public async Task Stream_ThatConnects_FindsItsServerWhenItIsThere()
    {
        string path = _folder["served.sock"];
        await using FabricHost host = await StartAsync($"fabric: demo\nswitches: {{ lan: {{ members: {{ card: 02:00:00:00:00:0a, up: {{ uplink: {{ stream: {path}, connect: true }} }} }} }} }}\n");
        using SafeFd listener = UnixSocket.Listen(path, UnixSocketKind.Stream);
        SafeFd? far = null;
        Testing.Watchdog.Until(() => (far = UnixSocket.TryAccept(listener, out _)) is not null, "the switch connects");
        using SafeFd socket = far!;
        await ExchangeAsync(host, socket);
    }

    [Fact]
    public async Task Files_AreReplayedAndRecorded_AddedOnesToo()
    {
        byte[][] frames = [.. Enumerable.Range(0, 50).Select(number => Frame(MacAddress.Broadcast, 0x0200_0000_7777, number, 60 + number))];
        File.WriteAllBytes(_folder["in.pcap"], [.. Le(0xa1b2c3d4), .. Le(0x0004_0002), .. Le(0), .. Le(0), .. Le(65535), .. Le(1), .. frames.SelectMany((frame, number) => (byte[])[.. Le(7), .. Le((uint)number), .. Le((uint)frame.Length), .. Le((uint)frame.Length), .. frame])]);
        FabricHost host = await StartAsync("fabric: demo\nswitches: { lan: { members: { tape: { uplink: { record: out.pcapng } }, play: { uplink: { replay: in.pcap, speed: 0 } } } } }\n");
        await UntilAsync(host, lan => lan.Ports.Single(port => port.Settings.Name == "tape").Counters["framesTo"] == 50, "all is recorded");
        await host.ChangeSwitchAsync("lan", "again.", one => one.AddAsync(new() { Name = "again", Uplink = new() { Replay = _folder["in.pcap"], Speed = 0 } }));
        await UntilAsync(host, lan => lan.Ports.Single(port => port.Settings.Name == "tape").Counters["framesTo"] == 100, "all is recorded again");
        await host.ChangeSwitchAsync("lan", "gone.", one => one.RemoveAsync("again"));
        (await Should.ThrowAsync<SwitchException>(() => host.ChangeSwitchAsync("lan", "", one => one.AddAsync(new() { Name = "no", Uplink = new() { Replay = _folder["none"] } })))).Message.ShouldContain(_folder["none"]);
        (await Should.ThrowAsync<FabricException>(() => host.ChangeSwitchAsync("lan", "", one => one.AddAsync(new() { Name = "no", Uplink = new() { Record = _folder["out.pcapng"] } })))).Message.ShouldContain("records into");
        await host.DisposeAsync();
        ReadOnlySpan<byte> recorded = File.ReadAllBytes(_folder["out.pcapng"]);
        for (int round = 0; round < 2; round++)
            foreach (byte[] frame in frames)
            {
                int at = recorded.IndexOf(frame);
                at.ShouldBeGreaterThanOrEqualTo(0, $"frame {round}/{NumberOf(frame)} is in the file, behind the one before it");
                recorded = recorded[(at + frame.Length)..];
            }
        Directory.Exists(_folder["run/demo"]).ShouldBeFalse();
    }

    [Fact]
    public async Task Start_OfWhatCannotBeOpened_SaysWhichAndWhy()
    {
        await using FabricHost host = Open("fabric: demo\nswitches: { lan: { members: { up: { uplink: { tap: t0, netns: no-such-namespace } } } } }\n");
        (await Should.ThrowAsync<FabricException>(() => host.StartAsync(_watchdog.Token))).Message.ShouldBe("Switch lan cannot be served: Port 'up': the tap cannot be had: open /run/netns/no-such-namespace: No such file or directory (2).");
    }

    [Fact]
    public void Doctor_UplinksThatCannotBe_SaysSo() =>
        FabricDoctor.Uplinks(Yaml.Good("fabric: f\nswitches: { lan: { members: { a: { uplink: { replay: /no/p } }, b: { uplink: { tap: t, netns: no-such } }, c: { uplink: { record: /r } } } } }")).Select(row => row.Finding).Where(finding => !finding.Contains("tun", StringComparison.Ordinal)).ShouldBe(
            ["Member a of switch lan replays /no/p, which does not exist.", "Member b of switch lan has its tap in the network namespace no-such, which does not exist."]);

    private FabricHost Open(string text)
    {
        File.WriteAllText(_folder["fabric.yaml"], text);
        FabricHostOptions options = new() { Root = _folder["run"] };
        FabricReading reading = FabricFile.Load(_folder["fabric.yaml"], options.Root);
        reading.Faults.ShouldBeEmpty();
        return FabricHost.Open(reading.Declaration!, Encoding.UTF8.GetBytes(text), _folder["fabric.yaml"], options);
    }

    private async Task<FabricHost> StartAsync(string text)
    {
        FabricHost host = Open(text);
        (await host.StartAsync(_watchdog.Token)).ShouldBeEmpty();
        return host;
    }

    private static async Task<SwitchPortStatus> UpAsync(FabricHost host) => (await host.SnapshotAsync()).Switches[0].Ports.Single(port => port.Settings.Name == "up");

    private async Task UntilAsync(FabricHost host, Func<SwitchStatus, bool> holds, string what)
    {
        while ((await host.SnapshotAsync()).Switches[0] is var lan && !holds(lan))
        {
            _watchdog.IsCancellationRequested.ShouldBeFalse($"watchdog: {what}; {string.Join("; ", lan.Ports.Select(port => $"{port.Settings.Name} {port.LastEnd} {string.Join(' ', port.Counters.Where(one => one.Value > 0))}"))}");
            await Task.Yield();
        }
    }

    // A frame each way between a card's driver and whoever is at the other end of the stream.
    private async Task ExchangeAsync(FabricHost host, SafeFd? socket = null)
    {
        using SafeFd? own = socket is null ? UnixSocket.Connect(_folder["run/demo/up.sock"], UnixSocketKind.Stream) : null;
        SafeFd far = socket ?? own!;
        using ScriptedDriver card = new();
        card.Attach(_folder["run/demo/lan-card.sock"]);
        card.Refill().ShouldBeGreaterThan(0);
        await UntilAsync(host, lan => lan.Ports.All(port => port.IsUp), "both are there");
        byte[] there = Frame(new(0x0200_0000_000a), 0x0200_0000_7777, 1, 99), back = Frame(new(0x0200_0000_7777), 0x0200_0000_000a, 2, 1400);
        UnixSocket.Send(far, [0, 0, 0, 99, .. there]).Bytes.ShouldBe(103);
        byte[]? got = null;
        Testing.Watchdog.Until(() => (got = card.TryReceive()?.Frame) is not null, "the card gets a frame");
        got.ShouldBe(there);
        card.TrySend(back).ShouldBeTrue();
        byte[] answer = new byte[4 + back.Length];
        for (int at = 0; at < answer.Length;)
        {
            UnixSocket.Wait(far, forReading: true, Testing.Watchdog.Limit).ShouldBeTrue("the stream gets a frame");
            at += UnixSocket.Receive(far, answer.AsSpan(at), _inbox).Bytes;
        }
        answer.ShouldBe([0, 0, 5, 120, .. back]);
    }

    private static byte[] Frame(MacAddress to, ulong from, int number, int length)
    {
        byte[] frame = new byte[length];
        new Random(number).NextBytes(frame);
        to.Write(frame);
        new MacAddress(from).Write(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x88b5);   // for experiments
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(14), number);
        return frame;
    }

    private static int NumberOf(byte[] frame) => BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(14));

    private static byte[] Le(uint value) => BitConverter.GetBytes(value);
}
