// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Switching.Tests;

/// <summary>A capture shows what a port sent and got, both ways, and never holds a data thread up.</summary>
public sealed class CaptureTests
{
    [Fact]
    public async Task Capture_WhilePortsTalk_HoldsEveryFrameInOrder()
    {
        using var file = new MemoryStream();
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        PortCapture capture = await rig.Switch.CaptureAsync("a", file);
        var expected = new List<byte[]>();
        for (int i = 0; i < 100; i++)
        {
            expected.Add(SwitchRig.FrameFor(1, 0, i, 60 + (i * 10)));
            SwitchRig.Send(a, expected[^1]);
            _ = SwitchRig.Receive(b);
            expected.Add(SwitchRig.FrameFor(0, 1, 1000 + i));
            SwitchRig.Send(b, expected[^1]);
            _ = SwitchRig.Receive(a);
        }
        SwitchRig.Settle(b);
        (await Should.ThrowAsync<SwitchException>(() => rig.Switch.CaptureAsync("a", file))).Message.ShouldContain("captured already");
        await capture.DisposeAsync();
        SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, 9999));
        _ = SwitchRig.Receive(b);
        (capture.Written, capture.Dropped).ShouldBe((200, 0));
        file.Position = 0;
        var reader = new PcapReader(file);
        double last = 0;
        foreach (byte[] frame in expected)
        {
            reader.TryRead(out ReadOnlySpan<byte> got, out double at).ShouldBeTrue();
            got.ToArray().ShouldBe(frame);
            at.ShouldBeGreaterThanOrEqualTo(last);
            last = at;
        }
        reader.TryRead(out _, out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Capture_IntoAnOutputThatStands_DropsAndCounts_FramesGoOn()
    {
        using var output = new StandingStream();
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        PortCapture capture = await rig.Switch.CaptureAsync("b", output, new() { BufferBytes = 1 << 17 });
        for (int i = 0; i < 400; i++)
        {
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i, 1500));
            SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(i);
        }
        capture.Dropped.ShouldBeGreaterThan(200);
        ((await rig.Port(0)).Lost, (await rig.Port(1)).Lost).ShouldBe((0, 0));
        output.GoOn();
        await capture.DisposeAsync();
        (capture.Written + capture.Dropped).ShouldBe(400);
    }

    [Fact]
    public async Task Capture_OutputBreaks_EndsTheCaptureAlone()
    {
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        var output = new MemoryStream();
        output.Dispose();
        PortCapture capture = await rig.Switch.CaptureAsync("b", output);
        _ = await Should.ThrowAsync<ObjectDisposedException>(() => capture.Completion);
        SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, 1));
        SwitchRig.NumberOf(SwitchRig.Receive(b).Frame).ShouldBe(1);
        await capture.DisposeAsync();
        await using PortCapture next = await rig.Switch.CaptureAsync("b", new MemoryStream(), new() { SnapBytes = 64 });
        _ = await Should.ThrowAsync<SwitchException>(() => rig.Switch.CaptureAsync("none", output));
    }

    /// <summary>Whoever ends it, what was captured is written, and a whole file is left.</summary>
    [Theory, InlineData("asked"), InlineData("removed"), InlineData("switch")]
    public async Task Capture_EndedByTheSwitch_LeavesAWholeFile(string how)
    {
        using var file = new MemoryStream();
        await using SwitchRig rig = SwitchRig.Start(2);
        ScriptedDriver a = rig.Attach(0), b = rig.Attach(1);
        PortCapture capture = await rig.Switch.CaptureAsync("a", file);
        for (int i = 0; i < 10; i++)
        {
            SwitchRig.Send(a, SwitchRig.FrameFor(1, 0, i));
            _ = SwitchRig.Receive(b);
        }
        if (how == "asked") (await rig.Switch.EndCaptureAsync("a")).ShouldBe(capture);
        else if (how == "removed") await rig.Switch.RemovePortAsync("a");
        else await rig.Switch.DisposeAsync();
        await capture.Completion.WaitAsync(Testing.Watchdog.Limit);
        (capture.Written, capture.Dropped).ShouldBe((10, 0));
        if (how == "asked") (await Should.ThrowAsync<SwitchException>(() => rig.Switch.EndCaptureAsync("a"))).Message.ShouldBe("Port 'a' is not captured.");
        await capture.DisposeAsync();
        file.Position = 0;
        var reader = new PcapReader(file);
        for (int i = 0; i < 10; i++) reader.TryRead(out _, out _).ShouldBeTrue();
        reader.TryRead(out _, out _).ShouldBeFalse();
    }

    [Theory, InlineData(false, 0xa1b2c3d4, 1000.0), InlineData(true, 0xa1b2c3d4, 1000.0), InlineData(true, 0xa1b23c4d, 1.0)]
    public void PcapReader_ClassicFile_InEitherOrder_IsRead(bool isBig, uint magic, double perTick)
    {
        using var file = new MemoryStream();
        void Put(params uint[] words)
        {
            foreach (uint word in words)
            {
                byte[] bytes = new byte[4];
                if (isBig) BinaryPrimitives.WriteUInt32BigEndian(bytes, word);
                else BinaryPrimitives.WriteUInt32LittleEndian(bytes, word);
                file.Write(bytes);
            }
        }
        Put(magic, 0x0002_0004, 0, 0, 65535, 1);
        byte[] frame = SwitchRig.FrameFor(1, 0, 5, 61);
        Put(12, 345, 61, 61);
        file.Write(frame);
        file.Position = 0;
        var reader = new PcapReader(file);
        reader.TryRead(out ReadOnlySpan<byte> got, out double at).ShouldBeTrue();
        got.ToArray().ShouldBe(frame);
        at.ShouldBe(12e9 + (345 * perTick));
        reader.TryRead(out _, out _).ShouldBeFalse();
    }

    /// <summary>Any bytes at all: frames, or a clear refusal.</summary>
    [Fact]
    public void PcapReader_AnyBytes_EndsOrSaysSo()
    {
        var random = new Random(7);
        using var good = new MemoryStream();
        var writer = new PcapngWriter(good);
        writer.Begin("x");
        for (int i = 0; i < 5; i++) writer.Write((ulong)i, CaptureDirection.ToGuest, 60, SwitchRig.FrameFor(1, 0, i, 60));
        writer.End(5, 5, 0);
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = good.ToArray();
            for (int lies = random.Next(1, 5); lies > 0; lies--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            using var damaged = new MemoryStream(bytes[..random.Next(bytes.Length)]);
            try
            {
                var reader = new PcapReader(damaged);
                for (int frames = 0; reader.TryRead(out ReadOnlySpan<byte> frame, out _); frames++)
                {
                    frames.ShouldBeLessThan(100);
                    frame.Length.ShouldBeLessThanOrEqualTo(bytes.Length);
                }
            }
            catch (InvalidDataException) { }
        }
    }

    private sealed class StandingStream : MemoryStream
    {
        private readonly ManualResetEventSlim _goOn = new();

        public void GoOn() => _goOn.Set();

        public override void Write(byte[] buffer, int offset, int count)
        {
            _goOn.Wait();
            base.Write(buffer, offset, count);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _goOn.Dispose();
            base.Dispose(disposing);
        }
    }
}
