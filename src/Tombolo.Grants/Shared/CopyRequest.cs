// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>State of a copy request.</summary>
internal enum CopyState : uint
{
    Free = 0,
    /// <summary>By the domain, after the rest.</summary>
    Posted = 1,
    /// <summary>By the host, after the status.</summary>
    Done = 2,
    /// <summary>By the host: it cannot be withdrawn any more.</summary>
    Working = 3,
}

/// <summary>What became of a copy. Source: Xen public/grant_table.h, GNTST_*.</summary>
internal enum CopyStatus : short
{
    Okay = 0,
    GeneralError = -1,
    BadDomain = -2,
    BadReference = -3,
    PermissionDenied = -8,
    BadPage = -9,
    BadArgument = -10,
}

/// <summary>One end of a copy: a grant of a domain, or a frame of the requester's own.</summary>
internal readonly record struct CopyEnd(bool IsGrant, uint Number, ushort OffsetBytes, DomainId Domain)
{
    public static CopyEnd Read(ReadOnlySpan<byte> bytes, bool isGrant) =>
        new(isGrant, BinaryPrimitives.ReadUInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]), new(BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..])));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Number);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[4..], OffsetBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[6..], Domain.Value);
    }
}

/// <summary>A request for the host to copy between windows.</summary>
/// <remarks><code>0: state u32 | 4: length u16 | 6: flags u16 (1 source, 2 destination is a grant) | 8: source 8 | 16: destination 8 | 24: status s16</code>Source: guest/linux/uapi/tombolo_grant.h, struct tombolo_grant_copy.</remarks>
internal readonly record struct CopyRequest(ushort LengthBytes, CopyEnd Source, CopyEnd Destination)
{
    public const int StatusAt = 24;
    private const int LengthAt = 4, FlagsAt = 6, SourceAt = 8, DestinationAt = 16;
    private const ushort SourceIsGrant = 1, DestinationIsGrant = 2;

    public static CopyRequest Read(ReadOnlySpan<byte> bytes)
    {
        ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(bytes[FlagsAt..]);
        return new(BinaryPrimitives.ReadUInt16LittleEndian(bytes[LengthAt..]), CopyEnd.Read(bytes[SourceAt..], (flags & SourceIsGrant) != 0), CopyEnd.Read(bytes[DestinationAt..], (flags & DestinationIsGrant) != 0));
    }

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[LengthAt..], LengthBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[FlagsAt..], (ushort)((Source.IsGrant ? SourceIsGrant : 0) | (Destination.IsGrant ? DestinationIsGrant : 0)));
        Source.Write(bytes[SourceAt..]);
        Destination.Write(bytes[DestinationAt..]);
    }

    public CopyStatus Check() => LengthBytes <= GrantWindowShape.PageBytes && Source.OffsetBytes + LengthBytes <= GrantWindowShape.PageBytes && Destination.OffsetBytes + LengthBytes <= GrantWindowShape.PageBytes && (Source.IsGrant || Destination.IsGrant)
        ? CopyStatus.Okay : CopyStatus.BadArgument;
}
