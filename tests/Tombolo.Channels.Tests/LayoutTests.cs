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
        CPeer.Run("gcc", "-o", folder["probe"], RepositoryFile.PathOf("guest/linux/test/abi_probe.c"));
        Dictionary<string, int> at = CPeer.Run(folder["probe"]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split(' ')).ToDictionary(static words => words[0], static words => (int)uint.Parse(words[1], CultureInfo.InvariantCulture));
        var ours = new Dictionary<string, int>
        {
            ["tombolo_area.magic"] = AreaLayout.MagicAt,
            ["tombolo_area.version"] = AreaLayout.VersionAt,
            ["tombolo_area.state"] = AreaLayout.StateAt,
            ["tombolo_area.length"] = AreaLayout.LengthAt,
            ["tombolo_area.entries"] = AreaLayout.EntriesAt,
            ["tombolo_area.parties"] = AreaLayout.PartiesAt,
            ["tombolo_area.heap"] = AreaLayout.HeapAt,
            ["tombolo_area.boot"] = AreaLayout.BootAt,
            ["tombolo_area.pid_namespace"] = AreaLayout.NamespaceAt,
            ["tombolo_area.lock"] = AreaLayout.LockAt,
            ["tombolo_area"] = AreaLayout.PartyTableAt,
            ["tombolo_party.id"] = AreaLayout.PartyIdAt,
            ["tombolo_party.beat"] = AreaLayout.BeatAt,
            ["tombolo_party.vector"] = AreaLayout.VectorAt,
            ["tombolo_party"] = AreaLayout.PartyBytes,
            ["tombolo_entry.state"] = EntryLayout.StateAt,
            ["tombolo_entry.kind"] = EntryLayout.KindAt,
            ["tombolo_entry.offset"] = EntryLayout.OffsetAt,
            ["tombolo_entry.length"] = EntryLayout.LengthAt,
            ["tombolo_entry.generation"] = EntryLayout.GenerationAt,
            ["tombolo_entry.hub_right"] = EntryLayout.HubRightAt,
            ["tombolo_entry.spoke_right"] = EntryLayout.SpokeRightAt,
            ["tombolo_entry.creator"] = EntryLayout.CreatorAt,
            ["tombolo_entry.name"] = EntryLayout.NameAt,
            ["tombolo_entry"] = AreaLayout.EntryBytes,
            ["tombolo_channel.magic"] = ChannelLayout.MagicAt,
            ["tombolo_channel.version"] = ChannelLayout.VersionAt,
            ["tombolo_channel.kind"] = ChannelLayout.KindAt,
            ["tombolo_channel.spokes"] = ChannelLayout.SpokesAt,
            ["tombolo_channel.rings"] = ChannelLayout.RingsAt,
            ["tombolo_channel.capacity"] = ChannelLayout.CapacityAt,
            ["tombolo_channel.rings_offset"] = ChannelLayout.RingsOffsetAt,
            ["tombolo_channel.ring_stride"] = ChannelLayout.RingStrideAt,
            ["tombolo_channel.generation"] = ChannelLayout.GenerationAt,
            ["tombolo_channel"] = ChannelLayout.HeaderBytes,
            ["tombolo_end.owner"] = ChannelLayout.OwnerAt,
            ["tombolo_end.state"] = ChannelLayout.EndStateAt,
            ["tombolo_end.epoch"] = ChannelLayout.EpochAt,
            ["tombolo_end.policy"] = ChannelLayout.PolicyAt,
            ["tombolo_end.cursor"] = ChannelLayout.CursorAt,
            ["tombolo_end.lost"] = ChannelLayout.LostAt,
            ["tombolo_end.count"] = ChannelLayout.CountAt,
            ["tombolo_end.wait"] = ChannelLayout.WaitAt,
            ["tombolo_end.want"] = ChannelLayout.WantAt,
            ["tombolo_end"] = ChannelLayout.EndBytes,
            ["tombolo_ring.head"] = ChannelLayout.HeadAt,
            ["tombolo_ring.head_count"] = ChannelLayout.HeadCountAt,
            ["tombolo_ring.oldest"] = ChannelLayout.OldestAt,
            ["tombolo_ring.oldest_count"] = ChannelLayout.OldestCountAt,
            ["tombolo_ring.tail"] = ChannelLayout.TailAt,
            ["tombolo_ring.tail_count"] = ChannelLayout.TailCountAt,
            ["tombolo_ring"] = ChannelLayout.RingHeaderBytes,
            ["TOMBOLO_AREA_VERSION"] = (int)AreaLayout.Version,
            ["TOMBOLO_AREA_READY"] = (int)AreaLayout.Ready,
            ["TOMBOLO_AREA_GRANULE"] = AreaLayout.HeapGranule,
            ["TOMBOLO_CHANNEL_MAGIC"] = (int)ChannelLayout.Magic,
            ["TOMBOLO_CHANNEL_VERSION"] = ChannelLayout.Version,
            ["TOMBOLO_CHANNEL_NAME"] = EntryLayout.NameBytes,
            ["TOMBOLO_CHANNEL_MAX_SPOKES"] = ChannelLayout.MaxSpokes,
            ["TOMBOLO_RING_MIN"] = ChannelLayout.MinCapacity,
            ["TOMBOLO_RING_MAX"] = ChannelLayout.MaxCapacity,
            ["TOMBOLO_CHANNEL_RING"] = (int)ChannelKind.Ring,
            ["TOMBOLO_CHANNEL_FAN_IN"] = (int)ChannelKind.FanIn,
            ["TOMBOLO_CHANNEL_BROADCAST"] = (int)ChannelKind.Broadcast,
            ["TOMBOLO_CHANNEL_REQUEST"] = (int)ChannelKind.Request,
            ["TOMBOLO_CHANNEL_STREAM"] = (int)ChannelKind.Stream,
            ["TOMBOLO_ENTRY_FREE"] = (int)EntryLayout.Free,
            ["TOMBOLO_ENTRY_MAKING"] = (int)EntryLayout.Making,
            ["TOMBOLO_ENTRY_READY"] = (int)EntryLayout.Ready,
            ["TOMBOLO_ENTRY_REMOVING"] = (int)EntryLayout.Removing,
            ["TOMBOLO_END_VACANT"] = (int)ChannelLayout.Vacant,
            ["TOMBOLO_END_OPEN"] = (int)ChannelLayout.Open,
            ["TOMBOLO_END_CLOSED"] = (int)ChannelLayout.Closed,
            ["TOMBOLO_END_CUT"] = (int)ChannelLayout.Cut,
            ["TOMBOLO_POLICY_BLOCK"] = (int)SubscriberPolicy.Block,
            ["TOMBOLO_POLICY_DROP_OLDEST"] = (int)SubscriberPolicy.DropOldest,
            ["TOMBOLO_POLICY_DISCONNECT"] = (int)SubscriberPolicy.Disconnect,
        };
        foreach ((string name, int value) in ours) at[name].ShouldBe(value, name);
    }

    [Theory]
    [InlineData(256, 2000)]
    [InlineData(65536, 5000)]
    public void CProgram_OnTheOtherSide_UnderstandsAndIsUnderstood(int capacity, int count)
    {
        using var folder = new TemporaryFolder();
        using var peer = new CPeer(folder, capacity);
        using (RingConsumer consumer = peer.Area.OpenConsumer("c", CPeer.Patient))
        using (Process writer = peer.Put(first: 0, count))
        {
            Watchdog.Run(() =>
            {
                for (int i = 0; i < count; i++)
                {
                    ChannelWait wait;
                    do wait = consumer.WaitForMessage(Timeout.InfiniteTimeSpan);   // the C program may have died before it began: never
                    while (wait == ChannelWait.PeerClosed && i == 0);
                    consumer.TryBorrow(out ReadOnlySpan<byte> message).ShouldBeTrue();
                    peer.Check(message).ShouldBe(i);
                    consumer.Release();
                }
                consumer.WaitForMessage(Timeout.InfiniteTimeSpan).ShouldBe(ChannelWait.PeerClosed);
            });
            writer.WaitForExit(Watchdog.Limit).ShouldBeTrue();
            writer.ExitCode.ShouldBe(0);
        }
        using (RingProducer producer = peer.Area.OpenProducer("c", CPeer.Patient))
        using (Process reader = peer.Take(count))
        {
            Watchdog.Run(() =>
            {
                for (int i = 0; i < count; i++) peer.Write(producer, i, publish: i % 4 != 0 || i == count - 1);
            });
            reader.WaitForExit(Watchdog.Limit).ShouldBeTrue();
            reader.ExitCode.ShouldBe(0);
        }
    }
}
