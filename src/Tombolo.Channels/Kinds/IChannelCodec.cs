// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>Turns values into messages and back, in the ring itself: the hook for serialisers.</summary>
/// <typeparam name="T">The values' type.</typeparam>
public interface IChannelCodec<T>
{
    /// <summary>The most bytes that a value may take.</summary>
    /// <param name="value">The value.</param>
    int Measure(T value);

    /// <summary>Writes a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="message">As many bytes as <see cref="Measure"/> said, in the ring; they hold left-over bytes.</param>
    /// <returns>How many were used.</returns>
    int Write(T value, Span<byte> message);

    /// <summary>Reads a value.</summary>
    /// <param name="message">Another party's bytes, in the ring; they may change while they are read, so copy what is judged.</param>
    T Read(ReadOnlySpan<byte> message);
}
