// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;

namespace Tombolo.Channels.Tests;

/// <summary>Keeps docs/specs/channels.md honest: its golden bytes are what the code writes and reads.</summary>
public sealed partial class SpecPageTests
{
    private static readonly ChannelSpec _spec = new() { CapacityBytes = 4096 };

    [Fact]
    public void Page_GoldenEntry_IsWhatTheDirectoryWrites()
    {
        byte[] golden = Bytes("entry"), written = new byte[DirectoryEntry.Size];
        var entry = new DirectoryEntry(EntryLayout.Ready, ChannelKind.Ring, 16384, 8192, 1, ChannelRights.Anybody, ChannelRights.Anybody, default, "ticks");
        entry.Write(written);
        written[..golden.Length].ShouldBe(golden);
        DirectoryEntry.TryRead(written, out DirectoryEntry read).ShouldBeTrue();
        read.ShouldBe(entry);
        read.Check().ShouldBe(Wire.WireFault.None);
    }

    [Fact]
    public void Page_GoldenHeader_IsWhatAChannelBeginsWith()
    {
        byte[] golden = Bytes("header"), written = new byte[golden.Length];
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("ticks", _spec);
        ground.Window.View(area.Find("ticks")!.OffsetBytes, written.Length).CopyOut(0, written);
        written.ShouldBe(golden);
    }

    [Fact]
    public void Page_GoldenRingAndFrame_AreWhatAProducerWrites()
    {
        byte[] ring = Bytes("ring"), frame = Bytes("frame"), written = new byte[ring.Length], data = new byte[frame.Length];
        using var ground = new TestGround();
        using ChannelArea area = ground.Area(new TestParty());
        area.Create("ticks", _spec);
        using RingProducer producer = area.OpenProducer("ticks");
        producer.TryWrite("tick"u8).ShouldBeTrue();
        long at = area.Find("ticks")!.OffsetBytes + ChannelLayout.RingsOffset(1);
        ground.Window.View(at, written.Length).CopyOut(0, written);
        ground.Window.View(at + ChannelLayout.RingHeaderBytes, data.Length).CopyOut(0, data);
        written.ShouldBe(ring);
        data.ShouldBe(frame);
    }

    private static byte[] Bytes(string name) =>
        [.. Block(name).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(static text => byte.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    private static string Block(string name)
    {
        Match match = GoldenBlock().Matches(File.ReadAllText(RepositoryFile.PathOf("docs/specs/channels.md"))).Single(found => found.Groups["name"].Value == name);
        return match.Groups["text"].Value;
    }

    [GeneratedRegex("^```golden (?<name>.+?)\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex GoldenBlock();
}
