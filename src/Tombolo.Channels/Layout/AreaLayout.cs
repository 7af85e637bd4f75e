// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>Where everything lies in an area. Source: docs/specs/channels.md; guest/linux/uapi/tombolo_channel.h is the same in C, and a test compares the two.</summary>
internal static class AreaLayout
{
    public const ulong Magic = 0x4C4E_4843_4C42_4D54;   // the bytes "TMBLCHNL"
    public const uint Version = 1, Ready = 1;
    public const int MagicAt = 0, VersionAt = 8, StateAt = 12, LengthAt = 16, EntriesAt = 24, PartiesAt = 28, HeapAt = 32, BootAt = 40, NamespaceAt = 48, LockAt = 64;
    public const int PartyTableAt = 128, PartyBytes = 64, PartyIdAt = 0, BeatAt = 8, VectorAt = 16;
    public const int EntryBytes = 128;
    public const int HeapGranule = 4096;

    public static long DirectoryAt(int parties) => PartyTableAt + ((long)parties * PartyBytes);

    public static long EntryAt(int parties, int index) => DirectoryAt(parties) + ((long)index * EntryBytes);

    public static long HeapStart(int parties, int entries) => RoundUp(EntryAt(parties, entries), HeapGranule);

    public static long RoundUp(long value, long granule) => (value + granule - 1) / granule * granule;
}

/// <summary>A line of the directory.</summary>
internal static class EntryLayout
{
    public const uint Free = 0, Making = 1, Ready = 2, Removing = 3;
    public const int StateAt = 0, KindAt = 4, OffsetAt = 8, LengthAt = 16, GenerationAt = 24, HubRightAt = 32, SpokeRightAt = 36, CreatorAt = 40, NameAt = 64, NameBytes = 64;
}

/// <summary>A channel's block: header, the hub's end, the spokes' ends, the rings.</summary>
internal static class ChannelLayout
{
    public const uint Magic = 0x4E41_4843;   // the bytes "CHAN"
    public const ushort Version = 1;
    public const int MagicAt = 0, VersionAt = 4, KindAt = 6, SpokesAt = 8, RingsAt = 12, CapacityAt = 16, RingsOffsetAt = 24, RingStrideAt = 32, GenerationAt = 40, HeaderBytes = 64;

    public const int EndBytes = 128;
    public const int OwnerAt = 0, EndStateAt = 8, EpochAt = 12, PolicyAt = 16, CursorAt = 24, LostAt = 32, CountAt = 40, WaitAt = 64, WantAt = 72;
    public const uint Vacant = 0, Open = 1, Closed = 2, Cut = 3;

    public const int RingHeaderBytes = 128;
    public const int HeadAt = 0, HeadCountAt = 8, OldestAt = 16, OldestCountAt = 24, TailAt = 64, TailCountAt = 72;
    public const int MinCapacity = 256, MaxCapacity = 1 << 30, MaxSpokes = 256;

    /// <summary>Where an end stands in the block; 0 is the hub, 1 the first spoke.</summary>
    public static long EndAt(int index) => HeaderBytes + ((long)index * EndBytes);

    public static long RingsOffset(int spokes) => AreaLayout.RoundUp(EndAt(spokes + 1), 128);

    public static long RingStride(int capacity) => RingHeaderBytes + (long)capacity;

    public static long BlockBytes(int spokes, int rings, int capacity) => RingsOffset(spokes) + (rings * RingStride(capacity));
}
