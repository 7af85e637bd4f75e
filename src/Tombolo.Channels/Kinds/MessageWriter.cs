// SPDX-License-Identifier: MIT
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tombolo.Channels;

/// <summary>An end that sends messages: reserve room, fill it in place, commit.</summary>
/// <remarks>One thread at a time. Nothing is allocated per message.</remarks>
public abstract class MessageWriter : ChannelEnd
{
    private protected MessageWriter(EndSeat seat, EndOptions options) : base(seat, options) { }

    /// <summary>The longest message in bytes.</summary>
    public abstract int MaxMessage { get; }

    /// <summary>Messages sent through this end, by this party and earlier ones.</summary>
    public abstract ulong Messages { get; }

    /// <summary>Reserves room for a message and hands it out for filling in place. An earlier reservation that was not committed is given up.</summary>
    /// <param name="lengthBytes">0 to <see cref="MaxMessage"/>; the message may become shorter at commit.</param>
    /// <param name="message">Where to write it; valid until the commit.</param>
    /// <returns>False where there is no room now.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Longer than any message can be.</exception>
    /// <exception cref="Tombolo.Wire.ProtocolException">Somebody at the other side broke the protocol; the session is over.</exception>
    /// <exception cref="ObjectDisposedException">The end is closed.</exception>
    public abstract bool TryReserve(int lengthBytes, out Span<byte> message);

    /// <summary>Commits the reserved message.</summary>
    /// <param name="lengthBytes">How many bytes of the reservation it has.</param>
    /// <param name="publish">False: part of a batch, which <see cref="Publish"/> or a later commit sends as a whole. Until then it is not sent, and lost if this party dies.</param>
    /// <exception cref="InvalidOperationException">Nothing is reserved.</exception>
    public abstract void Commit(int lengthBytes, bool publish = true);

    /// <summary>Sends everything committed, and wakes the other side if it sleeps.</summary>
    public abstract void Publish();

    /// <summary>Sends a copy of some bytes if there is room.</summary>
    /// <param name="message">The message.</param>
    /// <returns>False where there is no room now.</returns>
    public bool TryWrite(ReadOnlySpan<byte> message)
    {
        if (!TryReserve(message.Length, out Span<byte> room)) return false;
        message.CopyTo(room);
        Commit(message.Length);
        return true;
    }

    /// <summary>Waits until a message of some length finds room.</summary>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns><see cref="ChannelWait.Ready"/>: the next <see cref="TryReserve"/> of that length gets it.</returns>
    public ChannelWait WaitForRoom(int lengthBytes, TimeSpan timeout, CancellationToken cancellation = default)
    {
        Need(lengthBytes);
        return Wait(timeout, cancellation);
    }

    /// <summary>As <see cref="WaitForRoom"/>, without a thread.</summary>
    /// <inheritdoc cref="WaitForRoom"/>
    public ValueTask<ChannelWait> WaitForRoomAsync(int lengthBytes, TimeSpan timeout, CancellationToken cancellation = default)
    {
        Need(lengthBytes);
        return WaitAsync(timeout, cancellation);
    }

    /// <summary>Sends a copy of some bytes, and waits for room where there is none.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="ChannelException">The ring is full and the other end was closed, or its party died.</exception>
    public void Write(ReadOnlySpan<byte> message, CancellationToken cancellation = default)
    {
        while (!TryWrite(message)) ThrowUnlessReady(WaitForRoom(message.Length, Timeout.InfiniteTimeSpan, cancellation));
    }

    /// <summary>As <see cref="Write(ReadOnlySpan{byte}, CancellationToken)"/>, without a thread.</summary>
    /// <inheritdoc cref="Write(ReadOnlySpan{byte}, CancellationToken)"/>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation = default) =>
        TryWrite(message.Span) ? default : WriteSlowAsync(message, cancellation);

    /// <summary>Sends a value as it lies in memory, if there is room: no copy but the one into the ring.</summary>
    /// <typeparam name="T">A type without references and with a fixed layout; both sides must have the same.</typeparam>
    /// <param name="value">The value.</param>
    /// <returns>False where there is no room now.</returns>
    public bool TryWrite<T>(in T value) where T : unmanaged
    {
        if (!TryReserve(Unsafe.SizeOf<T>(), out Span<byte> room)) return false;
        MemoryMarshal.Write(room, in value);
        Commit(room.Length);
        return true;
    }

    /// <summary>Reserves room for a value and hands out the place itself.</summary>
    /// <typeparam name="T">A type without references and with a fixed layout, aligned to at most 8 bytes.</typeparam>
    /// <param name="count">How many values, side by side.</param>
    /// <param name="values">Where to write them; what they hold before that is left over. Commit with <see cref="CommitValues{T}"/>.</param>
    /// <returns>False where there is no room now.</returns>
    public bool TryReserve<T>(int count, out Span<T> values) where T : unmanaged
    {
        bool done = TryReserve(checked(count * Unsafe.SizeOf<T>()), out Span<byte> room);
        values = MemoryMarshal.Cast<byte, T>(room);
        return done;
    }

    /// <summary>Commits values that were reserved.</summary>
    /// <typeparam name="T">As reserved.</typeparam>
    /// <param name="count">How many of them.</param>
    /// <param name="publish">As for <see cref="Commit"/>.</param>
    public void CommitValues<T>(int count, bool publish = true) where T : unmanaged => Commit(checked(count * Unsafe.SizeOf<T>()), publish);

    /// <summary>Sends a value through a codec that writes into the ring itself, if there is room.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="value">The value.</param>
    /// <param name="codec">Writes it.</param>
    /// <returns>False where there is no room now.</returns>
    public bool TryWrite<T>(T value, IChannelCodec<T> codec)
    {
        if (!TryReserve(codec.Measure(value), out Span<byte> room)) return false;
        Commit(codec.Write(value, room));
        return true;
    }

    private protected abstract void Need(int lengthBytes);

    private async ValueTask WriteSlowAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        do ThrowUnlessReady(await WaitForRoomAsync(message.Length, Timeout.InfiniteTimeSpan, cancellation));
        while (!TryWrite(message.Span));
    }

    private void ThrowUnlessReady(ChannelWait wait)
    {
        if (wait != ChannelWait.Ready) Throw(wait);
    }

    [DoesNotReturn]
    private void Throw(ChannelWait wait) => throw (wait == ChannelWait.PeerDied
        ? new ChannelException(ChannelFault.PeerDied, $"Channel '{Name}' is full, and the party that read it died; open its end again to go on, or wait with {nameof(EndOptions.AwaitsSuccessor)}.")
        : new ChannelException(ChannelFault.PeerClosed, $"Channel '{Name}' is full, and its reading end was closed."));
}
