// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;
using Tombolo.Testing;

namespace Tombolo.Switching.Tests;

/// <summary>Ports that lead to a stream socket or a file. The real counterparts (a tap, QEMU, passt) have tests of their own.</summary>
public sealed class UplinkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FdInbox _inbox = new();

    public void Dispose()
    {
        _inbox.Dispose();
        _folder.Dispose();
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Stream_FramesGoBothWays_AlsoAfterItHungUp(bool isClient)
    {
        string path = _folder["up"];
        using SafeFd? listener = isClient ? UnixSocket.Listen(path, UnixSocketKind.Stream) : null;
        await using SwitchRig rig = StartWith(new() { Name = "up", Uplink = new StreamUplink(), SocketPath = path, IsClient = isClient, AllowsAnySource = true, Learns = true });
        ScriptedDriver a = rig.Attach(0);
        for (int round = 0; round < 3; round++)
        {
            using SafeFd far = Connect(rig, listener, path);
            for (int i = 0; i < 50; i++)
            {
                byte[] frame = SwitchRig.FrameFor(SwitchRig.MacOf(0), new(0x0200_0000_7777), i, 60 + (i * 30));
                SendInPieces(far, [0, 0, (byte)(frame.Length >> 8), (byte)frame.Length, .. frame], i);
                SwitchRig.Receive(a).Frame.ShouldBe(frame);
                byte[] answer = SwitchRig.FrameFor(new(0x0200_0000_7777), SwitchRig.MacOf(0), i, 60 + (i * 20));
                SwitchRig.Send(a, answer);
                ReadFrame(far).ShouldBe(answer);
            }
        }
        Testing.Watchdog.Until(() => Up(rig)[PortCounter.FramesTo] == 150, "the last frame is counted");   // which is done after it was sent
        PortSnapshot up = Up(rig);
        (up[PortCounter.FramesFrom], up[PortCounter.FramesTo], up.Lost).ShouldBe((150, 150, 0));
    }

    [Fact]
    public async Task Stream_ThatLies_IsHungUpOn()
    {
        string path = _folder["up"];
        await using SwitchRig rig = StartWith(new() { Name = "up", Uplink = new StreamUplink(), SocketPath = path, AllowsAnySource = true });
        using SafeFd far = Connect(rig, null, path);
        SendInPieces(far, [0xff, 0xff, 0xff, 0xff, 1, 2, 3], 0);
        UnixSocket.Wait(far, forReading: true, Testing.Watchdog.Limit).ShouldBeTrue();
        Testing.Watchdog.Until(() => Up(rig).LastEnd is not null, "it is hung up on");
        Up(rig).LastEnd.ShouldNotBeNull().ShouldContain("4294967295 bytes");
    }

    [Fact]
    public async Task Stream_ThatDoesNotRead_LosesItsOwnFramesAlone()
    {
        string path = _folder["up"];
        await using SwitchRig rig = StartWith(new() { Name = "up", Uplink = new StreamUplink(), SocketPath = path, AllowsAnySource = true, BacklogBytes = 1 << 17 });
        ScriptedDriver a = rig.Attach(0);
        using SafeFd far = Connect(rig, null, path);
        const int Frames = 2000;
        for (int i = 0; i < Frames; i++) SwitchRig.Send(a, SwitchRig.FrameFor(MacAddress.Broadcast, SwitchRig.MacOf(0), i, 1500));
        SwitchRig.Settle(a);
        PortSnapshot up = Up(rig);
        up[PortCounter.ReceiverFull].ShouldBeGreaterThan(0);
        (up[PortCounter.FramesTo] + up[PortCounter.ReceiverFull]).ShouldBe(Frames);
        // What it was given comes whole and in order, the end of the last frame included.
        int last = -1;
        for (long i = 0; i < up[PortCounter.FramesTo]; i++)
        {
            byte[] frame = ReadFrame(far);
            (frame.Length, SwitchRig.NumberOf(frame) > last).ShouldBe((1500, true));
            last = SwitchRig.NumberOf(frame);
        }
    }

    [Fact]
    public async Task Pcap_RecordedThenReplayed_GivesTheSameFrames()
    {
        string file = _folder["frames.pcapng"];
        var expected = new List<byte[]>();
        await using (SwitchRig rig = StartWith(new() { Name = "up", Uplink = new PcapUplink { Record = file }, AllowsAnySource = true }))
        {
            ScriptedDriver a = rig.Attach(0);
            for (int i = 0; i < 200; i++)
            {
                expected.Add(SwitchRig.FrameFor(MacAddress.Broadcast, SwitchRig.MacOf(0), i, 60 + (i * 7)));
                SwitchRig.Send(a, expected[^1]);
            }
            SwitchRig.Settle(a);
            Up(rig)[PortCounter.FramesTo].ShouldBe(200);
        }
        await using SwitchRig again = SwitchRig.Start(1, port => port with { Macs = [new(0x0200_0000_5555)] });
        ScriptedDriver b = again.Attach(0);
        await again.Switch.AddPortAsync(new() { Name = "up", Uplink = new PcapUplink { Replay = file, Speed = 0 }, AllowsAnySource = true });
        foreach (byte[] frame in expected) SwitchRig.Receive(b).Frame.ShouldBe(frame);
        await again.Switch.RemovePortAsync("up");
        (await Should.ThrowAsync<SwitchException>(() => again.Switch.AddPortAsync(new() { Name = "no", Uplink = new PcapUplink { Replay = _folder["none"] } }))).Message.ShouldContain("none");
    }

    [Fact]
    public void Options_ThatCannotBe_SaySo()
    {
        Problems(new() { Name = "x", Uplink = new PcapUplink() }).ShouldContain("neither");
        Problems(new() { Name = "x", Uplink = new TapUplink { Device = "a-name-that-is-too-long" } }).ShouldContain("1 to 15 bytes");
        Problems(new() { Name = "x", Uplink = new TapUplink { Device = "t" }, SocketPath = "/x" }).ShouldContain("no use");
        Problems(new() { Name = "x", Uplink = new StreamUplink() }).ShouldContain("no socket path");
        Problems(new() { Name = "x", Uplink = new TapUplink { Device = "t" } }).ShouldBe("");
    }

    private static string Problems(PortOptions options) => string.Join(' ', options.Problems());

    private static SwitchRig StartWith(PortOptions uplink) => SwitchRig.Start(1, null, options => options with { Reconnect = TimeSpan.FromMilliseconds(10), Ports = [.. options.Ports, uplink] });

    private static PortSnapshot Up(SwitchRig rig) => rig.Switch.SnapshotAsync().Result.Ports.Single(port => port.Options.Name == "up");

    private static SafeFd Connect(SwitchRig rig, SafeFd? listener, string path)
    {
        SafeFd? far = listener is null ? UnixSocket.Connect(path, UnixSocketKind.Stream) : null;
        if (listener is not null) Testing.Watchdog.Until(() => (far = UnixSocket.TryAccept(listener, out _)) is not null, "the switch connects");
        Testing.Watchdog.Until(() => Up(rig).IsUp, "the uplink is there");
        return far!;
    }

    private static void SendInPieces(SafeFd far, byte[] bytes, int seed)
    {
        var random = new Random(seed);
        for (int at = 0; at < bytes.Length;)
        {
            int part = Math.Min(bytes.Length - at, random.Next(1, 700));
            at += UnixSocket.Send(far, bytes.AsSpan(at, part)).Bytes;
        }
    }

    private byte[] ReadFrame(SafeFd far)
    {
        byte[] frame = new byte[BinaryPrimitives.ReadInt32BigEndian(ReadExactly(far, 4))];
        return ReadExactly(far, frame.Length);
    }

    private byte[] ReadExactly(SafeFd far, int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            UnixSocket.Wait(far, forReading: true, Testing.Watchdog.Limit).ShouldBeTrue("something comes");
            at += UnixSocket.Receive(far, bytes.AsSpan(at), _inbox).Bytes;
        }
        return bytes;
    }
}
