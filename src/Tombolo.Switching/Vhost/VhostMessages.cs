// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Switching;

/// <summary>A ring's number, and one number about it. Source: vhost-user.rst, vring state description. <code>0: index (4) | 4: number (4)</code></summary>
/// <param name="Index">Which ring.</param>
/// <param name="Number">Its size, base, or 1 for enabled.</param>
public readonly record struct VringState(uint Index, uint Number) : IWire<VringState>
{
    /// <inheritdoc/>
    public static int Size => 8;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out VringState value)
    {
        bool isLong = source.Length >= Size;
        value = isLong ? new(BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..])) : default;
        return isLong;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Index);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], Number);
    }

    /// <inheritdoc/>
    public WireFault Check() => Index > byte.MaxValue ? WireFault.ValueOutOfRange : WireFault.None;
}

/// <summary>Where a ring lies, in the front end's addresses.</summary>
/// <remarks>Source: vhost-user.rst, vring address description. <code>0: index (4) | 4: flags: 1 = log (4) | 8: descriptors (8) | 16: used (8) | 24: available (8) | 32: log (8)</code></remarks>
/// <param name="Index">Which ring.</param>
/// <param name="Flags">1 to log its writes, which we do not offer.</param>
/// <param name="Descriptors">The descriptor table, or packed ring.</param>
/// <param name="Used">The used ring, or device's event area.</param>
/// <param name="Available">The available ring, or driver's event area.</param>
/// <param name="Log">Unused.</param>
public readonly record struct VringAddresses(uint Index, uint Flags, ulong Descriptors, ulong Used, ulong Available, ulong Log) : IWire<VringAddresses>
{
    /// <inheritdoc/>
    public static int Size => 40;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out VringAddresses value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]), U64(source, 8), U64(source, 16), U64(source, 24), U64(source, 32));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Index);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], Descriptors);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], Used);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], Available);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[32..], Log);
    }

    /// <inheritdoc/>
    public WireFault Check() => Index > byte.MaxValue ? WireFault.ValueOutOfRange : Flags > 1 ? WireFault.ReservedBitsSet : WireFault.None;

    private static ulong U64(ReadOnlySpan<byte> source, int at) => BinaryPrimitives.ReadUInt64LittleEndian(source[at..]);
}

/// <summary>One memory region; its descriptor comes with the message.</summary>
/// <remarks>Source: vhost-user.rst, memory region description. <code>0: guest address (8) | 8: size (8) | 16: front end's address (8) | 24: offset in the object (8)</code></remarks>
/// <param name="Guest">Its guest address.</param>
/// <param name="SizeBytes">Its size.</param>
/// <param name="User">Its address in the front end.</param>
/// <param name="Offset">Where it starts in the object.</param>
public readonly record struct VhostRegion(ulong Guest, ulong SizeBytes, ulong User, ulong Offset) : IWire<VhostRegion>
{
    /// <summary>As <see cref="Size"/>, a constant.</summary>
    public const int Bytes = 32;

    /// <inheritdoc/>
    public static int Size => Bytes;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out VhostRegion value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(U64(source, 0), U64(source, 8), U64(source, 16), U64(source, 24));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, Guest);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], SizeBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], User);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], Offset);
    }

    /// <inheritdoc/>
    public WireFault Check() => SizeBytes == 0 ? WireFault.ValueOutOfRange : WireFault.None;

    private static ulong U64(ReadOnlySpan<byte> source, int at) => BinaryPrimitives.ReadUInt64LittleEndian(source[at..]);
}

/// <summary>The region that outlives a back end.</summary>
/// <remarks>Source: vhost-user.rst, inflight description. QEMU and DPDK send 24 bytes, the last four of them padding. <code>0: size (8) | 8: offset (8) | 16: rings (2) | 18: ring size (2) | 20: padding (4)</code></remarks>
/// <param name="SizeBytes">Its size.</param>
/// <param name="Offset">Where it starts in the object.</param>
/// <param name="Rings">How many rings it is for.</param>
/// <param name="RingSize">How many descriptors each has.</param>
public readonly record struct VhostInFlight(ulong SizeBytes, ulong Offset, ushort Rings, ushort RingSize) : IWire<VhostInFlight>
{
    /// <inheritdoc/>
    public static int Size => 24;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out VhostInFlight value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(BinaryPrimitives.ReadUInt64LittleEndian(source), BinaryPrimitives.ReadUInt64LittleEndian(source[8..]),
            BinaryPrimitives.ReadUInt16LittleEndian(source[16..]), BinaryPrimitives.ReadUInt16LittleEndian(source[18..]));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, SizeBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], Offset);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[16..], Rings);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[18..], RingSize);
        destination[20..24].Clear();
    }

    /// <inheritdoc/>
    public WireFault Check() => Rings == 0 || RingSize is 0 or > RingSetup.MaxSize ? WireFault.ValueOutOfRange : WireFault.None;
}

/// <summary>A part of the device's configuration; as many bytes follow. Source: vhost-user.rst, virtio device config space. <code>0: offset (4) | 4: bytes (4) | 8: flags: 1 = migration (4)</code></summary>
/// <param name="Offset">Where it starts.</param>
/// <param name="Count">How many bytes.</param>
/// <param name="Flags">0, or 1 while a machine migrates.</param>
public readonly record struct VhostConfigPart(uint Offset, uint Count, uint Flags) : IWire<VhostConfigPart>
{
    /// <summary>The most bytes a configuration has. Source: vhost-user.rst, "maximum 256 bytes" (VHOST_USER_MAX_CONFIG_SIZE).</summary>
    public const int MaxBytes = 256;

    /// <inheritdoc/>
    public static int Size => 12;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out VhostConfigPart value)
    {
        value = default;
        if (source.Length < Size) return false;
        value = new(BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]), BinaryPrimitives.ReadUInt32LittleEndian(source[8..]));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], Count);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Flags);
    }

    /// <inheritdoc/>
    public WireFault Check() => Count > MaxBytes || Offset > MaxBytes - Count ? WireFault.ValueOutOfRange : WireFault.None;
}
