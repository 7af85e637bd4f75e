// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Switching;

/// <summary>The answer to one request, while it is being made up. Belongs to its session; used again.</summary>
internal sealed class VhostReply : IDisposable
{
    private readonly byte[] _payload = new byte[VhostConfigPart.Size + VhostConfigPart.MaxBytes];

    /// <summary>Whether the request has an answer of its own.</summary>
    public bool IsSet { get; private set; }

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Payload => _payload.AsSpan(0, Length);

    /// <summary>A descriptor that goes with it.</summary>
    public SafeFd? Descriptor { get; private set; }

    public void Clear()
    {
        (IsSet, Length) = (false, 0);
        Descriptor?.Dispose();
        Descriptor = null;
    }

    public void Set(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Reserve(sizeof(ulong)), value);
    }

    public void Set<T>(T message, SafeFd? descriptor = null) where T : struct, IWire<T>
    {
        message.Write(Reserve(T.Size));
        Descriptor = descriptor;
    }

    /// <summary>Room for an answer of so many bytes, zeroed.</summary>
    public Span<byte> Reserve(int length)
    {
        (IsSet, Length) = (true, length);
        Span<byte> room = _payload.AsSpan(0, length);
        room.Clear();
        return room;
    }

    public void Dispose() => Clear();
}
