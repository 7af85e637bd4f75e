// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Tombolo.Wire;

namespace Tombolo.Switching;

/// <summary>How a frame larger than the link's is to be cut. Source: virtio 1.1, 5.1.6, VIRTIO_NET_HDR_GSO_*.</summary>
public enum GsoType : byte
{
    /// <summary>Not at all.</summary>
    None = 0,
    /// <summary>TCP over IPv4.</summary>
    Tcp4 = 1,
    /// <summary>UDP: not offered.</summary>
    Udp = 3,
    /// <summary>TCP over IPv6.</summary>
    Tcp6 = 4,
}

/// <summary>What stands in front of every frame in a virtio network ring.</summary>
/// <remarks>
/// Source: virtio 1.1, 5.1.6, struct virtio_net_hdr. Little-endian. The last field is there with VERSION_1 or MRG_RXBUF alone.
/// <code>0: flags (1) | 1: gso type, bit 7 = ECN (1) | 2: header length (2) | 4: gso size (2) | 6: checksum start (2) | 8: checksum offset (2) | 10: buffers (2)</code>
/// </remarks>
/// <param name="Flags">1: the checksum is to be filled in; 2: it was found right.</param>
/// <param name="Gso">How to cut it, with <see cref="EcnFlag"/>.</param>
/// <param name="HeaderLength">A hint: how many bytes of headers there are.</param>
/// <param name="GsoSize">How many bytes of payload each part has.</param>
/// <param name="ChecksumStart">From which byte of the frame the sum is taken.</param>
/// <param name="ChecksumOffset">Where the sum goes, from there.</param>
/// <param name="Buffers">Towards the driver: how many of its buffers the frame fills.</param>
[StructLayout(LayoutKind.Sequential, Pack = 2, Size = Bytes)]   // as on the wire
public readonly record struct NetHeader(byte Flags, byte Gso, ushort HeaderLength, ushort GsoSize, ushort ChecksumStart, ushort ChecksumOffset, ushort Buffers) : IWire<NetHeader>
{
    /// <summary>As <see cref="Size"/>, a constant.</summary>
    public const int Bytes = 12;
    /// <summary>Without the last field.</summary>
    public const int LegacyBytes = 10;
    /// <summary>VIRTIO_NET_HDR_F_NEEDS_CSUM.</summary>
    public const byte NeedsChecksum = 1;
    /// <summary>VIRTIO_NET_HDR_F_DATA_VALID.</summary>
    public const byte IsValid = 2;
    /// <summary>VIRTIO_NET_HDR_GSO_ECN.</summary>
    public const byte EcnFlag = 0x80;

    /// <inheritdoc/>
    public static int Size => Bytes;

    /// <summary>How it is to be cut.</summary>
    public GsoType Type => (GsoType)(Gso & ~EcnFlag);

    /// <summary>Whether there is nothing left to do to the frame.</summary>
    public bool IsPlain => (Flags & NeedsChecksum) == 0 && Gso == 0;

    /// <summary>How long it is in a ring with these features.</summary>
    public static int BytesIn(VirtioFeatures features) => (features & (VirtioFeatures.Version1 | VirtioFeatures.MergeableBuffers)) != 0 ? Bytes : LegacyBytes;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out NetHeader value)
    {
        bool isWhole = source.Length >= Bytes;
        value = isWhole ? MemoryMarshal.Read<NetHeader>(source) : default;
        return isWhole;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination) => MemoryMarshal.Write(destination, this);

    /// <summary>Writes it with another number of buffers.</summary>
    internal void Write(Span<byte> destination, int buffers)
    {
        MemoryMarshal.Write(destination, this);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[(Bytes - sizeof(ushort))..], (ushort)buffers);
    }

    /// <inheritdoc/>
    public WireFault Check() =>
        (Flags & ~(NeedsChecksum | IsValid)) != 0 ? WireFault.ReservedBitsSet
        : Type is not (GsoType.None or GsoType.Tcp4 or GsoType.Udp or GsoType.Tcp6) ? WireFault.UnknownType
        : Type != GsoType.None && (GsoSize == 0 || (Flags & NeedsChecksum) == 0) ? WireFault.ValueOutOfRange
        : Type == GsoType.None && Gso != 0 ? WireFault.ValueOutOfRange : WireFault.None;

    /// <summary>Whether a driver with these features may have sent this, in front of a frame of so many bytes.</summary>
    /// <param name="features">What was agreed on with the sender.</param>
    /// <param name="frameBytes">The frame's length.</param>
    public bool MaySend(VirtioFeatures features, int frameBytes) => (Flags == 0 && Gso == 0) || MaySendOffload(features, frameBytes);

    private bool MaySendOffload(VirtioFeatures features, int frameBytes)
    {
        if (Check() != WireFault.None) return false;
        if ((Flags & NeedsChecksum) != 0 && ((features & VirtioFeatures.Checksum) == 0 || ChecksumStart + ChecksumOffset + 2 > frameBytes || ChecksumStart < 14)) return false;
        return IsWithin(features, VirtioFeatures.HostTso4, VirtioFeatures.HostTso6, VirtioFeatures.HostUfo, VirtioFeatures.HostEcn);
    }

    /// <summary>Whether a driver with these features takes the frame as it is.</summary>
    /// <param name="features">What was agreed on with the receiver.</param>
    public bool MayReceive(VirtioFeatures features) =>
        IsPlain || ((features & VirtioFeatures.GuestChecksum) != 0 && IsWithin(features, VirtioFeatures.GuestTso4, VirtioFeatures.GuestTso6, VirtioFeatures.GuestUfo, VirtioFeatures.GuestEcn));

    private bool IsWithin(VirtioFeatures features, VirtioFeatures tcp4, VirtioFeatures tcp6, VirtioFeatures udp, VirtioFeatures ecn)
    {
        VirtioFeatures needed = Type switch { GsoType.Tcp4 => tcp4, GsoType.Tcp6 => tcp6, GsoType.Udp => udp, _ => VirtioFeatures.None };
        if ((Gso & EcnFlag) != 0) needed |= ecn;
        return (features & needed) == needed;
    }
}
