// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace Tombolo.Channels.Tests;

/// <summary>The C header is the ABI: a C compiler says where its fields are, and a C program speaks with ours.</summary>
public sealed class LayoutTests
{
    [Fact]
    public void Layout_AgainstTheCompiledHeader_IsTheSame()
    {
        using var folder = new TemporaryFolder();
        Run("gcc", "-o", folder["probe"], RepositoryFile.PathOf("guest/linux/test/abi_probe.c"));
        Dictionary<string, int> at = Run(folder["probe"]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split(' ')).ToDictionary(static words => words[0], static words => (int)uint.Parse(words[1], CultureInfo.InvariantCulture));
        var ours = new Dictionary<string, int>
        {
            ["tombolo_area.magic"] = AreaLayout.MagicAt, ["tombolo_area.version"] = AreaLayout.VersionAt, ["tombolo_area.state"] = AreaLayout.StateAt,
            ["tombolo_area.length"] = AreaLayout.LengthAt, ["tombolo_area.entries"] = AreaLayout.EntriesAt, ["tombolo_area.parties"] = AreaLayout.PartiesAt,
            ["tombolo_area.heap"] = AreaLayout.HeapAt, ["tombolo_area.boot"] = AreaLayout.BootAt, ["tombolo_area.pid_namespace"] = AreaLayout.NamespaceAt,
            ["tombolo_area.lock"] = AreaLayout.LockAt, ["tombolo_area"] = AreaLayout.PartyTableAt,
            ["tombolo_party.id"] = AreaLayout.PartyIdAt, ["tombolo_party.beat"] = AreaLayout.BeatAt, ["tombolo_party.vector"] = AreaLayout.VectorAt, ["tombolo_party"] = AreaLayout.PartyBytes,
            ["tombolo_entry.state"] = EntryLayout.StateAt, ["tombolo_entry.kind"] = EntryLayout.KindAt, ["tombolo_entry.offset"] = EntryLayout.OffsetAt,
            ["tombolo_entry.length"] = EntryLayout.LengthAt, ["tombolo_entry.generation"] = EntryLayout.GenerationAt, ["tombolo_entry.hub_right"] = EntryLayout.HubRightAt,
            ["tombolo_entry.spoke_right"] = EntryLayout.SpokeRightAt, ["tombolo_entry.creator"] = EntryLayout.CreatorAt, ["tombolo_entry.name"] = EntryLayout.NameAt,
            ["tombolo_entry"] = AreaLayout.EntryBytes,
            ["tombolo_channel.magic"] = ChannelLayout.MagicAt, ["tombolo_channel.version"] = ChannelLayout.VersionAt, ["tombolo_channel.kind"] = ChannelLayout.KindAt,
            ["tombolo_channel.spokes"] = ChannelLayout.SpokesAt, ["tombolo_channel.rings"] = ChannelLayout.RingsAt, ["tombolo_channel.capacity"] = ChannelLayout.CapacityAt,
            ["tombolo_channel.rings_offset"] = ChannelLayout.RingsOffsetAt, ["tombolo_channel.ring_stride"] = ChannelLayout.RingStrideAt,
            ["tombolo_channel.generation"] = ChannelLayout.GenerationAt, ["tombolo_channel"] = ChannelLayout.HeaderBytes,
            ["tombolo_end.owner"] = ChannelLayout.OwnerAt, ["tombolo_end.state"] = ChannelLayout.EndStateAt, ["tombolo_end.epoch"] = ChannelLayout.EpochAt,
            ["tombolo_end.policy"] = ChannelLayout.PolicyAt, ["tombolo_end.cursor"] = ChannelLayout.CursorAt, ["tombolo_end.lost"] = ChannelLayout.LostAt,
            ["tombolo_end.count"] = ChannelLayout.CountAt, ["tombolo_end.wait"] = ChannelLayout.WaitAt, ["tombolo_end.want"] = ChannelLayout.WantAt, ["tombolo_end"] = ChannelLayout.EndBytes,
            ["tombolo_ring.head"] = ChannelLayout.HeadAt, ["tombolo_ring.head_count"] = ChannelLayout.HeadCountAt, ["tombolo_ring.oldest"] = ChannelLayout.OldestAt,
            ["tombolo_ring.tail"] = ChannelLayout.TailAt, ["tombolo_ring.tail_count"] = ChannelLayout.TailCountAt, ["tombolo_ring"] = ChannelLayout.RingHeaderBytes,
            ["TOMBOLO_AREA_VERSION"] = (int)AreaLayout.Version, ["TOMBOLO_AREA_READY"] = (int)AreaLayout.Ready, ["TOMBOLO_AREA_GRANULE"] = AreaLayout.HeapGranule,
            ["TOMBOLO_CHANNEL_MAGIC"] = (int)ChannelLayout.Magic, ["TOMBOLO_CHANNEL_VERSION"] = ChannelLayout.Version, ["TOMBOLO_CHANNEL_NAME"] = EntryLayout.NameBytes,
            ["TOMBOLO_CHANNEL_MAX_SPOKES"] = ChannelLayout.MaxSpokes, ["TOMBOLO_RING_MIN"] = ChannelLayout.MinCapacity, ["TOMBOLO_RING_MAX"] = ChannelLayout.MaxCapacity,
            ["TOMBOLO_CHANNEL_RING"] = (int)ChannelKind.Ring, ["TOMBOLO_CHANNEL_FAN_IN"] = (int)ChannelKind.FanIn, ["TOMBOLO_CHANNEL_BROADCAST"] = (int)ChannelKind.Broadcast,
            ["TOMBOLO_CHANNEL_REQUEST"] = (int)ChannelKind.Request, ["TOMBOLO_CHANNEL_STREAM"] = (int)ChannelKind.Stream,
            ["TOMBOLO_ENTRY_FREE"] = (int)EntryLayout.Free, ["TOMBOLO_ENTRY_MAKING"] = (int)EntryLayout.Making, ["TOMBOLO_ENTRY_READY"] = (int)EntryLayout.Ready, ["TOMBOLO_ENTRY_REMOVING"] = (int)EntryLayout.Removing,
            ["TOMBOLO_END_VACANT"] = (int)ChannelLayout.Vacant, ["TOMBOLO_END_OPEN"] = (int)ChannelLayout.Open, ["TOMBOLO_END_CLOSED"] = (int)ChannelLayout.Closed, ["TOMBOLO_END_CUT"] = (int)ChannelLayout.Cut,
        };
        foreach ((string name, int value) in ours) at[name].ShouldBe(value, name);
    }

    [Theory]
    [InlineData(256, 600)]
    [InlineData(65536, 4000)]
    public void CProgram_OnTheOtherSide_UnderstandsAndIsUnderstood(int capacity, int count)
    {
        using var folder = new TemporaryFolder();
        Run("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", folder["peer"], RepositoryFile.PathOf("guest/linux/test/channel_peer.c"));
        using ChannelArea area = Channel.OpenArea(folder["area"], 1 << 20);
        area.Create("c", new() { CapacityBytes = capacity });
        ChannelInfo info = area.Find("c")!;
        long ring = info.OffsetBytes + ChannelLayout.RingsOffset(1);
        string[] where = [folder["area"], ring.ToString(CultureInfo.InvariantCulture), capacity.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture)];

        using (Process writer = Process.Start(folder["peer"], ["put", .. where]))
        using (RingConsumer consumer = area.OpenConsumer("c"))
        {
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> message = default;
                Watchdog.Until(() => consumer.WaitForMessage(TimeSpan.FromMilliseconds(1)) == ChannelWait.Ready, $"message {i} has come");
                consumer.TryBorrow(out message).ShouldBeTrue();
                message.Length.ShouldBe(LengthOf(i, capacity));
                if (message.Length > 0) (message[0], message[^1]).ShouldBe(((byte)i, (byte)(i + message.Length - 1)));
                consumer.Release();
            }
            writer.WaitForExit(Watchdog.Limit).ShouldBeTrue();
            writer.ExitCode.ShouldBe(0);
        }
        using (Process reader = Process.Start(folder["peer"], ["take", .. where]))
        using (RingProducer producer = area.OpenProducer("c"))
        {
            for (int i = 0; i < count; i++)
            {
                int length = LengthOf(i, capacity);
                Watchdog.Until(() => producer.WaitForRoom(length, TimeSpan.FromMilliseconds(1)) == ChannelWait.Ready, $"there is room for message {i}");
                producer.TryReserve(length, out Span<byte> room).ShouldBeTrue();
                for (int k = 0; k < length; k++) room[k] = (byte)(i + k);
                producer.Commit(length, publish: i % 4 != 0 || i == count - 1);
            }
            reader.WaitForExit(Watchdog.Limit).ShouldBeTrue();
            reader.ExitCode.ShouldBe(0);
        }
    }

    private static int LengthOf(int index, int capacity) => index * 31 % (capacity - 8 + 1);

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = process.StandardOutput.ReadToEnd(), errors = process.StandardError.ReadToEnd();
        process.WaitForExit(Watchdog.Limit).ShouldBeTrue();
        process.ExitCode.ShouldBe(0, errors);
        return output;
    }
}
