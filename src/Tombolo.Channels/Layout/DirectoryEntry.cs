// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Text;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>A line of the directory, as it was copied out; its state word is read and written apart from it.</summary>
/// <remarks><code>0: state (4) | 4: kind (4) | 8: offset in the area (8) | 16: length (8) | 24: generation (8) | 32: hub's right (4) | 36: spokes' right (4) | 40: creator (8) | 48: zero | 64: name (64)</code>
/// Source: docs/specs/channels.md, "Directory".</remarks>
internal readonly record struct DirectoryEntry(uint State, ChannelKind Kind, ulong Offset, ulong Length, ulong Generation, uint HubRight, uint SpokeRight, PartyId Creator, string Name) : IWire<DirectoryEntry>
{
    public const int MaxNameBytes = EntryLayout.NameBytes - 1;

    public static int Size => AreaLayout.EntryBytes;

    public static bool TryRead(ReadOnlySpan<byte> source, out DirectoryEntry value)
    {
        value = default;
        if (source.Length < Size) return false;
        ReadOnlySpan<byte> name = source.Slice(EntryLayout.NameAt, EntryLayout.NameBytes);
        int end = name.IndexOf((byte)0);
        value = new(
            BinaryPrimitives.ReadUInt32LittleEndian(source), (ChannelKind)BinaryPrimitives.ReadUInt32LittleEndian(source[EntryLayout.KindAt..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[EntryLayout.OffsetAt..]), BinaryPrimitives.ReadUInt64LittleEndian(source[EntryLayout.LengthAt..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[EntryLayout.GenerationAt..]), BinaryPrimitives.ReadUInt32LittleEndian(source[EntryLayout.HubRightAt..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[EntryLayout.SpokeRightAt..]), new(BinaryPrimitives.ReadUInt64LittleEndian(source[EntryLayout.CreatorAt..])),
            end < 0 ? "" : Encoding.UTF8.GetString(name[..end]));
        return true;
    }

    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination, State);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[EntryLayout.KindAt..], (uint)Kind);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EntryLayout.OffsetAt..], Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EntryLayout.LengthAt..], Length);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EntryLayout.GenerationAt..], Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[EntryLayout.HubRightAt..], HubRight);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[EntryLayout.SpokeRightAt..], SpokeRight);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EntryLayout.CreatorAt..], Creator.Value);
        _ = Encoding.UTF8.GetBytes(Name, destination.Slice(EntryLayout.NameAt, MaxNameBytes));
    }

    /// <summary>Whether a party that speaks the protocol can have written it; whether the block lies within the area is for the area to say.</summary>
    public WireFault Check()
    {
        if (!ChannelSpec.IsKind(Kind)) return WireFault.UnknownType;
        if (ChannelSpec.NameProblem(Name) is not null) return WireFault.BadText;
        return Offset % AreaLayout.HeapGranule != 0 || Length % AreaLayout.HeapGranule != 0 || Length == 0 || Generation == 0 ? WireFault.ValueOutOfRange : WireFault.None;
    }
}
