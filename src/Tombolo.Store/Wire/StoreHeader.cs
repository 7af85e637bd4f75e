// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Store;

/// <summary>Header in front of every message; <see cref="Length"/> payload bytes follow.</summary>
/// <remarks>
/// Source: Xen public/io/xs_wire.h, struct xsd_sockmsg. Four little-endian 32-bit fields.
/// <code>0: operation | 4: request id | 8: transaction id | 12: length | 16: payload...</code>
/// </remarks>
/// <param name="Operation">What it asks or says.</param>
/// <param name="RequestId">Chosen by the caller, comes back with the reply; 0 in watch events.</param>
/// <param name="TransactionId">0 outside transactions.</param>
/// <param name="Length">Bytes of payload.</param>
public readonly record struct StoreHeader(StoreOperation Operation, uint RequestId, uint TransactionId, uint Length) : IWire<StoreHeader>
{
    /// <summary>The longest payload, in bytes. Source: xs_wire.h, XENSTORE_PAYLOAD_MAX.</summary>
    public const int MaxPayload = 4096;

    /// <inheritdoc/>
    public static int Size => 16;

    /// <inheritdoc/>
    public static bool TryRead(ReadOnlySpan<byte> source, out StoreHeader value)
    {
        value = default;
        if (source.Length < 16) return false;
        value = new(
            (StoreOperation)BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt32LittleEndian(source[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), BinaryPrimitives.ReadUInt32LittleEndian(source[12..]));
        return true;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, (uint)Operation);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], RequestId);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], TransactionId);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], Length);
    }

    /// <inheritdoc/>
    public WireFault Check() => Length > MaxPayload ? WireFault.PayloadTooLong
        : (uint)Operation > (uint)StoreOperation.DirectoryPart || (uint)Operation == 20 ? WireFault.UnknownType : WireFault.None;
}
