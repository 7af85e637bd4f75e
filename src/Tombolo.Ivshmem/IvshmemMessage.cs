// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Ivshmem;

/// <summary>The one message of the doorbell protocol: a signed number, with at most one descriptor attached to its first byte.</summary>
/// <remarks>
/// Source: QEMU docs/specs/ivshmem-spec, "The ivshmem client-server protocol".
/// <code>0: value, signed 64-bit little-endian | 8: end</code>
/// What a value means depends on where in the conversation it stands, and on whether a descriptor came with it.
/// </remarks>
/// <param name="Value">A protocol version, a peer's ID, or −1.</param>
public readonly record struct IvshmemMessage(long Value) : IWire<IvshmemMessage>
{
    /// <summary>The only protocol version there is.</summary>
    public const long Version = 0;
    /// <summary>Sent in the version's place by a server that refuses; every client hangs up on it.</summary>
    public const long Refused = -1;
    /// <summary>The value that carries the shared memory's descriptor.</summary>
    public const long SharedMemory = -1;
    /// <summary>The highest ID a peer may have.</summary>
    public const int MaxId = ushort.MaxValue;

    /// <inheritdoc/>
    public static int Size => sizeof(long);

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out IvshmemMessage value)
    {
        bool enough = BinaryPrimitives.TryReadInt64LittleEndian(source, out long number);
        value = new(number);
        return enough;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination) => BinaryPrimitives.WriteInt64LittleEndian(destination, Value);

    /// <inheritdoc/>
    public WireFault Check() => Value is < -1 or > MaxId ? WireFault.ValueOutOfRange : WireFault.None;
}
