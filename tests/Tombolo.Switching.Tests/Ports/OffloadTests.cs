// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Switching.Tests;

/// <summary>What a sender leaves to be done is passed on to who takes it, and done here for who does not.</summary>
public sealed class OffloadTests
{
    private const ulong Sends = 1UL | (1UL << 11) | (1UL << 12), Takes = (1UL << 1) | (1UL << 7) | (1UL << 8), Plain = ScriptedDriver.Version1 | ScriptedDriver.Mergeable;

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 0)]
    [InlineData(true, 2)]
    public void LargeSegment_ReceiverTakesIt_GoesThroughUnchanged(bool isIp4, int tags)
    {
        using var rig = Rig(Plain | Takes);
        (byte[] header, byte[] frame) = Segment(isIp4, tags, payload: 20_000);
        rig.Send(0, frame, header);
        (byte[] gotHeader, byte[] got) = rig.Received(1).ShouldHaveSingleItem();
        got.ShouldBe(frame);
        gotHeader[..10].ShouldBe(header[..10]);
    }

    [Theory]
    [InlineData(true, 0, 20_000)]
    [InlineData(false, 0, 20_000)]
    [InlineData(true, 2, 9_999)]
    [InlineData(false, 1, 1449)]
    [InlineData(true, 0, 1448)]
    public void LargeSegment_ReceiverDoesNot_IsCutRight(bool isIp4, int tags, int payload)
    {
        using var rig = Rig(Plain);
        (byte[] header, byte[] frame) = Segment(isIp4, tags, payload);
        rig.Send(0, frame, header);
        List<(byte[] Header, byte[] Frame)> parts = rig.Received(1);
        int ip = 14 + (4 * tags), tcp = ip + (isIp4 ? 20 : 40), data = tcp + 20;
        parts.Count.ShouldBe((payload + 1447) / 1448);
        parts.SelectMany(part => part.Frame[data..]).ShouldBe(frame[data..]);
        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(tcp + 4));
        for (int i = 0; i < parts.Count; i++)
        {
            byte[] part = parts[i].Frame;
            parts[i].Header[..10].ShouldAllBe(value => value == 0);
            part[..12].ShouldBe(frame[..12]);
            BinaryPrimitives.ReadUInt32BigEndian(part.AsSpan(tcp + 4)).ShouldBe(sequence);
            sequence += (uint)(part.Length - data);
            (part[tcp + 13] & 9).ShouldBe(i + 1 == parts.Count ? 9 : 0, "FIN and PSH are the last part's");
            BinaryPrimitives.ReadUInt16BigEndian(part.AsSpan(ip + (isIp4 ? 2 : 4))).ShouldBe((ushort)(part.Length - ip - (isIp4 ? 0 : 40)));
            if (isIp4) Check(part.AsSpan(ip, 20)).ShouldBe((ushort)0xffff, "the IP header's checksum");
            TcpSum(part, ip, tcp, isIp4).ShouldBe((ushort)0xffff, "the TCP checksum");
        }
        rig.Count(1, PortCounter.Segmented).ShouldBe(1);
    }

    [Fact]
    public void UnfinishedChecksum_ReceiverDoesNotTakeIt_IsFilledIn()
    {
        using var rig = Rig(Plain);
        (byte[] header, byte[] frame) = Segment(isIp4: true, 0, payload: 999);
        header[1] = 0;
        rig.Send(0, frame, header);
        byte[] got = rig.Received(1).ShouldHaveSingleItem().Frame;
        TcpSum(got, 14, 34, true).ShouldBe((ushort)0xffff);
        rig.Count(1, PortCounter.ChecksumsMade).ShouldBe(1);
    }

    [Fact]
    public void OffloadHeader_NotAgreedOnOrLying_IsDroppedAndCounted()
    {
        using var rig = new SteppedSwitch(2, null, index => new(index == 0 ? Plain | 1 : Plain | Takes, size: 128));
        (byte[] good, byte[] frame) = Segment(true, 0, 3000);
        byte[][] bad =
        [
            good,                                              // segments were not agreed on
            [4, 0, .. good[2..]],                              // reserved flag
            [1, 0x80, .. good[2..]],                           // ECN of nothing
            [1, 2, .. good[2..]],                              // no such type
            [1, 0, 0, 0, 0, 0, 0xff, 0xff, 16, 0, 0, 0],       // checksum outside the frame
            [1, 0, 0, 0, 0, 0, 34, 0, 0xff, 0xff, 0, 0],
            [1, 0, 0, 0, 0, 0, 2, 0, 4, 0, 0, 0],              // checksum in the addresses
        ];
        foreach (byte[] header in bad) rig.Send(0, frame, header);
        rig.Received(1).ShouldBeEmpty();
        rig.Count(0, PortCounter.BadOffload).ShouldBe(bad.Length);
    }

    [Fact]
    public void Vlan_TagsAreKept()
    {
        using var rig = Rig(Plain);
        byte[] frame = SwitchRig.FrameFor(1, 0, 3, 200);
        frame[12] = 0x81;
        frame[13] = 0;
        rig.Send(0, frame);
        rig.Received(1).ShouldHaveSingleItem().Frame.ShouldBe(frame);
    }

    [Fact]
    public void Mtu_LongerFrames_AreDroppedOnBothSides()
    {
        using var rig = new SteppedSwitch(3, port => port.Name == "a" ? port : port with { Mtu = 1500 });
        rig.Send(0, SwitchRig.FrameFor(1, 0, 1, 1522));
        rig.Send(0, SwitchRig.FrameFor(1, 0, 2, 1523));
        rig.Send(1, SwitchRig.FrameFor(0, 1, 3, 1523));
        rig.Received(1).ShouldHaveSingleItem().Frame.Length.ShouldBe(1522);
        rig.Received(0).ShouldBeEmpty();
        rig.Count(1, PortCounter.TooLong).ShouldBe(2);
    }

    /// <summary>Any header and any bytes: parts within bounds, or none, and nothing throws.</summary>
    [Fact]
    public void Segmenter_AnyFrame_KeepsWithinIt()
    {
        Prop.ForAll(Gen.Choose(1, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            (byte[] header, byte[] frame) = Segment(random.Next(2) == 0, random.Next(3), random.Next(1, 4000));
            for (int i = random.Next(4); i > 0; i--) frame[random.Next(Math.Min(frame.Length, 90))] = (byte)random.Next(256);
            if (random.Next(3) == 0) frame = frame[..random.Next(14, frame.Length)];
            for (int i = random.Next(3); i > 0; i--) header[random.Next(2, 10)] = (byte)random.Next(256);
            _ = NetHeader.TryRead(header, out NetHeader read);
            if (!read.MaySend((VirtioFeatures)Sends, frame.Length) || read.Gso == 0) return;
            var segmenter = new Segmenter(read, frame, new byte[Frame.MaxBytes]);
            int parts = 0;
            while (segmenter.TryNext(out int length))
            {
                length.ShouldBeLessThanOrEqualTo(frame.Length);
                parts++;
            }
            parts.ShouldBeLessThanOrEqualTo(frame.Length);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Theory, InlineData(0UL), InlineData(1UL << 34)]
    public void Forwarding_ThousandsOfFrames_AllocatesNothing(ulong packed)
    {
        using var rig = new SteppedSwitch(3, null, _ => new(Plain | packed, size: 64));
        byte[] frame = SwitchRig.FrameFor(1, 0, 1, 300), group = SwitchRig.FrameFor(MacAddress.Broadcast, SwitchRig.MacOf(0), 2);
        _ = Forward();
        Testing.Allocations.Fewest(Forward).ShouldBe(0);

        long Forward()
        {
            long allocated = 0;
            for (int round = 0; round < 200; round++)
            {
                for (int i = 0; i < 8; i++) rig.Drivers[0].TrySend(i == 0 ? group : frame).ShouldBeTrue();
                allocated += Testing.Allocations.Of(() => { for (int i = 0; i < 4; i++) _ = rig.Thread.Turn(mayWait: false); });
                rig.Received(1).Count.ShouldBe(8);
                rig.Received(2).Count.ShouldBe(1);
            }
            return allocated;
        }
    }

    private static SteppedSwitch Rig(ulong receiver) => new(2, null, index => new(index == 0 ? Plain | Sends : receiver, size: 128));

    // A large segment as a Linux guest sends it: the TCP checksum's place holds the sum of the pseudo header.
    private static (byte[] Header, byte[] Frame) Segment(bool isIp4, int tags, int payload)
    {
        int ip = 14 + (4 * tags), tcp = ip + (isIp4 ? 20 : 40);
        byte[] frame = SwitchRig.FrameFor(1, 0, 77, tcp + 20 + payload);
        int at = 12;
        for (int i = 0; i < tags; i++, at += 4) (frame[at], frame[at + 1], frame[at + 2], frame[at + 3]) = (0x81, 0, 0, 5);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(at), isIp4 ? (ushort)0x0800 : (ushort)0x86dd);
        if (isIp4)
        {
            (frame[ip], frame[ip + 9]) = (0x45, 6);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(ip + 2), (ushort)(20 + 20 + payload));
        }
        else
        {
            (frame[ip], frame[ip + 6]) = (0x60, 6);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(ip + 4), (ushort)(20 + payload));
        }
        (frame[tcp + 12], frame[tcp + 13]) = (0x50, 0x19);   // no options; ACK, PSH, FIN
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(tcp + 16), Pseudo(frame, ip, isIp4, 20 + payload));
        byte[] header = new byte[12];
        new NetHeader(1, isIp4 ? (byte)1 : (byte)4, (ushort)(tcp + 20), 1448, (ushort)tcp, 16, 0).Write(header);
        return (header, frame);
    }

    private static ushort TcpSum(byte[] frame, int ip, int tcp, bool isIp4) =>
        Fold(Words(frame.AsSpan(tcp)) + Pseudo(frame, ip, isIp4, frame.Length - tcp));

    private static ushort Pseudo(byte[] frame, int ip, bool isIp4, int length) =>
        Fold(Words(isIp4 ? frame.AsSpan(ip + 12, 8) : frame.AsSpan(ip + 8, 32)) + 6 + (uint)length);

    private static ushort Check(ReadOnlySpan<byte> bytes) => Fold(Words(bytes));

    // One word after the other, as RFC 1071 says it; not our own code.
    private static uint Words(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i++) sum += (i & 1) == 0 ? (uint)bytes[i] << 8 : bytes[i];
        return sum;
    }

    private static ushort Fold(uint sum)
    {
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }
}
