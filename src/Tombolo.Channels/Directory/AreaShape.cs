// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>An area's header, copied out and checked: how long it is, and how large its tables are.</summary>
internal readonly record struct AreaShape(long Length, int Entries, int Parties, AreaDomain Domain)
{
    private const int HeaderBytes = 64;

    public long HeapStart => AreaLayout.HeapStart(Parties, Entries);

    /// <summary>Reads the header of an area.</summary>
    /// <param name="window">The memory.</param>
    /// <param name="offset">Where the area begins.</param>
    /// <param name="room">How much of the window there is from there on.</param>
    /// <returns>Null where there is no area, or none that is finished.</returns>
    /// <exception cref="ProtocolException">It is of a later version, or its sizes cannot be.</exception>
    public static AreaShape? Read(Window window, long offset, long room)
    {
        if (window.Word32(offset + AreaLayout.StateAt).ReadAcquire() != AreaLayout.Ready) return null;
        Span<byte> bytes = stackalloc byte[HeaderBytes];
        window.View(offset, HeaderBytes).CopyOut(0, bytes);
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes) != AreaLayout.Magic) return null;
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[AreaLayout.VersionAt..]);
        if (version != AreaLayout.Version)
            throw new ProtocolException(WireFault.UnknownVersion, $"The channels at offset {offset} of the window are of version {version}; this program knows version {AreaLayout.Version}.");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(bytes[AreaLayout.LengthAt..]);
        uint entries = BinaryPrimitives.ReadUInt32LittleEndian(bytes[AreaLayout.EntriesAt..]), parties = BinaryPrimitives.ReadUInt32LittleEndian(bytes[AreaLayout.PartiesAt..]);
        var shape = new AreaShape((long)length, (int)entries, (int)parties,
            new(BinaryPrimitives.ReadUInt64LittleEndian(bytes[AreaLayout.BootAt..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[AreaLayout.NamespaceAt..])));
        if (length > (ulong)room || entries is < 1 or > 4096 || parties > 4096 || length % AreaLayout.HeapGranule != 0
            || BinaryPrimitives.ReadUInt64LittleEndian(bytes[AreaLayout.HeapAt..]) != (ulong)shape.HeapStart || shape.HeapStart > (long)length)
            throw new ProtocolException(WireFault.ValueOutOfRange, $"The header of the channels at offset {offset} of the window cannot be right: {length} bytes (there are {room}), {entries} channels, {parties} parties.");
        return shape;
    }

    /// <summary>Makes an area: tables of zeros, then the header, its state last.</summary>
    public void Format(Window window, long offset)
    {
        SharedWord32 state = window.Word32(offset + AreaLayout.StateAt);
        Step.Before("area state");
        state.WriteRelease(0);
        Step.Before("area tables");
        for (long at = AreaLayout.PartyTableAt; at < HeapStart;)
        {
            int part = (int)Math.Min(HeapStart - at, 1 << 20);
            window.View(offset + at, part).Clear(0, part);
            at += part;
        }
        Span<byte> bytes = stackalloc byte[HeaderBytes];
        bytes.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, AreaLayout.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[AreaLayout.VersionAt..], AreaLayout.Version);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[AreaLayout.LengthAt..], (ulong)Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[AreaLayout.EntriesAt..], (uint)Entries);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[AreaLayout.PartiesAt..], (uint)Parties);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[AreaLayout.HeapAt..], (ulong)HeapStart);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[AreaLayout.BootAt..], Domain.Boot);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[AreaLayout.NamespaceAt..], Domain.Namespace);
        Step.Before("area header");
        window.View(offset, HeaderBytes).CopyIn(0, bytes);
        Step.Before("area ready");
        state.WriteRelease(AreaLayout.Ready);   // ORDER: release; the tables are zero and the header whole before anybody takes the area for one.  PAIRS WITH: Read
    }
}
