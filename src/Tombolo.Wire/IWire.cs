// SPDX-License-Identifier: MIT
namespace Tombolo.Wire;

/// <summary>A message, or a part of one, with a fixed size and explicit byte order.</summary>
/// <typeparam name="TSelf">The implementing type.</typeparam>
public interface IWire<TSelf> where TSelf : struct, IWire<TSelf>
{
    /// <summary>Size on the wire, in bytes.</summary>
    static abstract int Size { get; }

    /// <summary>Reads one from the start of a buffer.</summary>
    /// <param name="source">Bytes that the other party chose.</param>
    /// <param name="value">The message; its fields are not yet judged.</param>
    /// <returns>False where the source is shorter than <see cref="Size"/>.</returns>
    static abstract bool TryRead(ReadOnlySpan<byte> source, out TSelf value);

    /// <summary>Writes this one to the start of a buffer of at least <see cref="Size"/> bytes.</summary>
    /// <param name="destination">Receives the bytes.</param>
    void Write(Span<byte> destination);

    /// <summary>Judges the syntax alone: no session state.</summary>
    /// <returns>The first fault, or <see cref="WireFault.None"/>.</returns>
    WireFault Check();
}
