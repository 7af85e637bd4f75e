// SPDX-License-Identifier: MIT
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tombolo.Channels;

/// <summary>An end that takes messages: borrow in place, release.</summary>
/// <remarks>One thread at a time. Nothing is allocated per message, but where a method says so.</remarks>
public abstract class MessageReader : ChannelEnd
{
    private protected MessageReader(EndSeat seat, EndOptions options) : base(seat, options) { }

    /// <summary>The longest message in bytes.</summary>
    public abstract int MaxMessage { get; }

    /// <summary>Messages taken through this end, by this party and earlier ones.</summary>
    public abstract ulong Messages { get; }

    /// <summary>Borrows the next message where it lies. Several may be borrowed before one release.</summary>
    /// <param name="message">Its bytes, until <see cref="Release"/>. They are memory of a party that may break the protocol and change them meanwhile: copy what you judge.</param>
    /// <returns>False where none is there.</returns>
    /// <exception cref="Tombolo.Wire.ProtocolException">Somebody at the other side broke the protocol; the session is over.</exception>
    /// <exception cref="ObjectDisposedException">The end is closed.</exception>
    public abstract bool TryBorrow(out ReadOnlySpan<byte> message);

    /// <summary>Gives every borrowed message back. Only now they are taken: if this party dies before, its successor gets them again.</summary>
    public abstract void Release();

    /// <summary>Takes a copy of the next message, if there is one and it is not too long.</summary>
    /// <param name="destination">Receives it.</param>
    /// <param name="lengthBytes">Its length. Where it is more than the destination's, the message stays.</param>
    /// <returns>False where none is there, or the destination is too short for it.</returns>
    public bool TryRead(Span<byte> destination, out int lengthBytes)
    {
        lengthBytes = 0;
        if (!TryPeek(out ReadOnlySpan<byte> message)) return false;
        lengthBytes = message.Length;
        if (message.Length > destination.Length) return false;
        message.CopyTo(destination);
        TakePeeked();
        return true;
    }

    /// <summary>Takes the next message, as a new array.</summary>
    /// <param name="message">The message.</param>
    /// <returns>False where none is there.</returns>
    public bool TryRead([NotNullWhen(true)] out byte[]? message)
    {
        message = null;
        if (!TryPeek(out ReadOnlySpan<byte> bytes)) return false;
        message = bytes.ToArray();
        TakePeeked();
        return true;
    }

    /// <summary>Takes the next message as a value: copied once, out of the ring.</summary>
    /// <typeparam name="T">A type without references and with a fixed layout; both sides must have the same.</typeparam>
    /// <param name="value">The value; default where nothing was read.</param>
    /// <returns>False where none is there.</returns>
    /// <exception cref="Tombolo.Wire.ProtocolException">The next message is not as long as the type is. It stays where it is.</exception>
    public bool TryRead<T>(out T value) where T : unmanaged
    {
        value = default;
        if (!TryPeek(out ReadOnlySpan<byte> bytes)) return false;
        if (bytes.Length != Unsafe.SizeOf<T>())
            throw new Wire.ProtocolException(Wire.WireFault.ValueOutOfRange, $"A message of {bytes.Length} bytes on channel '{Name}' is no {typeof(T).Name}, which has {Unsafe.SizeOf<T>()}.");
        value = MemoryMarshal.Read<T>(bytes);
        TakePeeked();
        return true;
    }

    /// <summary>Borrows the next message as values, in place.</summary>
    /// <typeparam name="T">As for <see cref="TryRead{T}(out T)"/>, aligned to at most 8 bytes.</typeparam>
    /// <param name="values">The values, until <see cref="Release"/>; bytes at the end that make no whole value are left out.</param>
    /// <returns>False where none is there.</returns>
    public bool TryBorrow<T>(out ReadOnlySpan<T> values) where T : unmanaged
    {
        bool done = TryBorrow(out ReadOnlySpan<byte> bytes);
        values = MemoryMarshal.Cast<byte, T>(bytes);
        return done;
    }

    /// <summary>Takes the next message through a codec that reads from the ring itself.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="codec">Reads it; what it throws leaves the message where it is.</param>
    /// <param name="value">The value.</param>
    /// <returns>False where none is there.</returns>
    public bool TryRead<T>(IChannelCodec<T> codec, [MaybeNullWhen(false)] out T value)
    {
        value = default;
        if (!TryPeek(out ReadOnlySpan<byte> bytes)) return false;
        value = codec.Read(bytes);
        TakePeeked();
        return true;
    }

    /// <summary>Waits until a message is there.</summary>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns><see cref="ChannelWait.Ready"/>: the next <see cref="TryBorrow(out ReadOnlySpan{byte})"/> gets one.</returns>
    /// <exception cref="Tombolo.Wire.ProtocolException">Somebody at the other side broke the protocol; the session is over.</exception>
    public ChannelWait WaitForMessage(TimeSpan timeout, CancellationToken cancellation = default) => Wait(timeout, cancellation);

    /// <summary>As <see cref="WaitForMessage"/>, without a thread.</summary>
    /// <inheritdoc cref="WaitForMessage"/>
    public ValueTask<ChannelWait> WaitForMessageAsync(TimeSpan timeout, CancellationToken cancellation = default) => WaitAsync(timeout, cancellation);

    /// <summary>Takes messages, each as a new array, until the other end is closed.</summary>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ChannelException">The party at the other end died.</exception>
    public IEnumerable<byte[]> ReadAll(CancellationToken cancellation = default)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();   // a wait would not see it as long as messages come
            if (TryRead(out byte[]? message)) yield return message;
            else if (IsOver(WaitForMessage(Timeout.InfiniteTimeSpan, cancellation))) yield break;
        }
    }

    /// <inheritdoc cref="ReadAll"/>
    public async IAsyncEnumerable<byte[]> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (TryRead(out byte[]? message)) yield return message;
            else if (IsOver(await WaitForMessageAsync(Timeout.InfiniteTimeSpan, cancellation))) yield break;
        }
    }

    /// <summary>Looks at the next message; it is taken only by <see cref="TakePeeked"/>.</summary>
    private protected abstract bool TryPeek(out ReadOnlySpan<byte> message);

    /// <summary>Takes the message just looked at, and every borrowed one before it.</summary>
    private protected abstract void TakePeeked();

    private bool IsOver(ChannelWait wait) => wait switch
    {
        ChannelWait.PeerClosed => true,
        ChannelWait.PeerDied => throw new ChannelException(ChannelFault.PeerDied, $"The party that wrote channel '{Name}' died; everything it sent was read. Read on for its successor, or wait with {nameof(EndOptions.AwaitsSuccessor)}."),
        _ => false,
    };
}
