// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>A frame on its way: its offload header and its first bytes, copied and judged; the rest is still where it came from.</summary>
/// <remarks>Lives as long as the chain it came in, or the buffer it waits in.</remarks>
internal readonly ref struct Frame(NetHeader header, ReadOnlySpan<byte> head, ReadOnlySpan<GuestBuffer> rest, int skip, int length)
{
    /// <summary>Destination, source, type.</summary>
    public const int HeadBytes = 14;

    /// <summary>The longest frame: 64 KiB of packet, as a large segment has, behind an Ethernet header with two VLAN tags.</summary>
    public const int MaxBytes = HeadBytes + 8 + 65535;

    public NetHeader Header { get; } = header;

    /// <summary>The first <see cref="HeadBytes"/> bytes.</summary>
    public ReadOnlySpan<byte> Head { get; } = head;

    /// <summary>Where the rest is; of the first piece, <see cref="Skip"/> bytes are not part of it.</summary>
    public ReadOnlySpan<GuestBuffer> Rest { get; } = rest;

    public int Skip { get; } = skip;

    /// <summary>All of it, in bytes.</summary>
    public int Length { get; } = length;

    public MacAddress Destination => MacAddress.Read(Head);

    public MacAddress Source => MacAddress.Read(Head[MacAddress.Bytes..]);

    /// <summary>Copies all of it to one place of at least <see cref="Length"/> bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        Head.CopyTo(destination);
        int at = HeadBytes, skip = Skip;
        foreach (GuestBuffer piece in Rest)
        {
            ReadOnlySpan<byte> part = piece.Bytes[skip..];
            skip = 0;
            if (part.Length > Length - at) part = part[..(Length - at)];
            part.CopyTo(destination[at..]);
            at += part.Length;
        }
    }
}
