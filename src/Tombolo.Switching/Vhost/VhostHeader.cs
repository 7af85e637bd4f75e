// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Switching;

/// <summary>What stands in front of every vhost-user message; <see cref="PayloadBytes"/> bytes follow, and descriptors come with its first byte.</summary>
/// <remarks>
/// Source: vhost-user.rst, header. Three 32-bit fields in the host's byte order, which is little-endian here.
/// <code>0: request | 4: flags: version 1 (bits 0..1), reply (2), reply wanted (3) | 8: payload bytes</code>
/// </remarks>
/// <param name="Request">What is asked.</param>
/// <param name="Flags">Version and flags.</param>
/// <param name="PayloadBytes">How many bytes follow.</param>
public readonly record struct VhostHeader(VhostRequest Request, uint Flags, uint PayloadBytes) : IWire<VhostHeader>
{
    /// <summary>The only version there is.</summary>
    public const uint Version = 1;
    /// <summary>Set in every answer.</summary>
    public const uint ReplyFlag = 4;
    /// <summary>The front end wants an answer.</summary>
    public const uint NeedReplyFlag = 8;
    /// <summary>More than any message that we take: a table of <see cref="GuestMemory.MaxRegions"/> regions.</summary>
    public const uint MaxPayload = 8 + (VhostRegion.Bytes * GuestMemory.MaxRegions);

    /// <inheritdoc/>
    public static int Size => 12;

    /// <summary>Whether the front end wants an answer, also where the request has none.</summary>
    public bool NeedsReply => (Flags & NeedReplyFlag) != 0;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out VhostHeader value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new((VhostRequest)BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]), BinaryPrimitives.ReadUInt32LittleEndian(source[8..]));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, (uint)Request);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], PayloadBytes);
    }

    /// <inheritdoc/>
    public WireFault Check() =>
        (Flags & 3) != Version ? WireFault.UnknownVersion
        : (Flags & ~(3 | NeedReplyFlag)) != 0 ? WireFault.ReservedBitsSet
        : !Enum.IsDefined(Request) ? WireFault.UnknownType
        : PayloadBytes > MaxPayload ? WireFault.PayloadTooLong : WireFault.None;
}
