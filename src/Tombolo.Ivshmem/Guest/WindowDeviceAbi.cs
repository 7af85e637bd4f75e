// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Ivshmem;

/// <summary>The calls of our guest driver's window device. Source: guest/linux/uapi/tombolo_window.h, whose comments say what each does.</summary>
internal static class WindowDeviceAbi
{
    public const uint Version = 1;
    public const uint Info = 0x8020C400, Ring = 0x4008C401, SetEventFd = 0x4008C402;
    public const int InfoBytes = 32, RingBytes = 8, SetEventFdBytes = 8;
    public const uint WriteBack = 1, Uncached = 2;

    /// <summary>Writes whom to ring: peer | vector.</summary>
    public static void WriteRing(Span<byte> destination, PeerId peer, ushort vector)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, peer.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], vector);
    }

    /// <summary>Writes where a vector is heard: vector | descriptor.</summary>
    public static void WriteEventFd(Span<byte> destination, int vector, int descriptor)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, vector);
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], descriptor);
    }
}

/// <summary>What the driver says of a device: abi | own ID | vectors | memory type | size (64) | reserved (64).</summary>
internal readonly record struct WindowDeviceInfo(uint Abi, uint OwnId, uint Vectors, uint MemoryType, ulong SizeBytes)
{
    public static WindowDeviceInfo Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]), BinaryPrimitives.ReadUInt32LittleEndian(source[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[12..]), BinaryPrimitives.ReadUInt64LittleEndian(source[16..]));
}
