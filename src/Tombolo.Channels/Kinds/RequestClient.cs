// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Channels;

/// <summary>What became of a call.</summary>
public enum CallResult
{
    /// <summary>The reply is there.</summary>
    Replied,
    /// <summary>No reply came in time. If it comes later, it is thrown away.</summary>
    TimedOut,
    /// <summary>The server closed its end.</summary>
    ServerClosed,
    /// <summary>The server's party died. Its successor finds the request if that one had not taken it.</summary>
    ServerDied,
}

/// <summary>A client's end of a request channel: sends requests and gets the replies that belong to them.</summary>
/// <remarks>
/// One call at a time; open one end for each thread that calls. Every request carries a number that its reply repeats; numbers begin with the end's epoch, so that nobody gets a predecessor's
/// replies. A server handles a request at least once: one that dies with a request in hand leaves it to its successor.
/// </remarks>
public sealed class RequestClient : ChannelEnd
{
    internal const int NumberBytes = sizeof(ulong);

    private readonly RingWriter _requests;
    private readonly RingReader _replies;
    private readonly EndWords _server;
    private readonly PeerSight _sight;
    private uint _last;
    private ulong? _wantedTail;

    internal RequestClient(EndSeat seat, EndOptions options) : base(seat, options)
    {
        int lane = seat.Index - 1;
        _requests = new(seat.Window, seat.RingOffset(2 * lane), seat.Capacity, repairs: true);
        _replies = new(seat.Window, seat.RingOffset((2 * lane) + 1), seat.Capacity, repairs: true);
        _server = seat.End(EndSeat.Hub);
        _sight = new(seat.Party, _server, WakeSelf);
    }

    /// <summary>The longest request or reply in bytes.</summary>
    public int MaxMessage => _requests.MaxMessage - NumberBytes;

    /// <summary>How it stands with the server.</summary>
    public PeerState Server => Look(_sight);

    /// <summary>Replies that came too late, and were thrown away.</summary>
    public long Late { get; private set; }

    /// <summary>Sends a request and waits for its reply on this thread.</summary>
    /// <param name="request">0 to <see cref="MaxMessage"/> bytes.</param>
    /// <param name="reply">Receives the reply.</param>
    /// <param name="replyBytes">How long the reply is; where it is longer than the buffer, the rest is cut off.</param>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public CallResult Call(ReadOnlySpan<byte> request, Span<byte> reply, out int replyBytes, TimeSpan timeout, CancellationToken cancellation = default)
    {
        replyBytes = 0;
        long start = Clock.GetTimestamp();
        ulong number = NextNumber();
        while (!TrySend(number, request))
            if (AsResult(Wait(Left(timeout, start), cancellation)) is { } result) return result;
        while (true)
        {
            if (TryTakeReply(number, out ReadOnlySpan<byte> found))
            {
                replyBytes = found.Length;
                found[..Math.Min(found.Length, reply.Length)].CopyTo(reply);
                Release();
                return CallResult.Replied;
            }
            if (AsResult(Wait(Left(timeout, start), cancellation)) is { } result) return result;
        }
    }

    /// <summary>Sends a request and waits for its reply without a thread.</summary>
    /// <param name="request">0 to <see cref="MaxMessage"/> bytes.</param>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The reply, as a new array.</returns>
    /// <exception cref="TimeoutException">No reply came in time.</exception>
    /// <exception cref="ChannelException">The server closed its end, or died.</exception>
    public async ValueTask<byte[]> CallAsync(ReadOnlyMemory<byte> request, TimeSpan timeout, CancellationToken cancellation = default)
    {
        long start = Clock.GetTimestamp();
        ulong number = NextNumber();
        while (!TrySend(number, request.Span))
            if (AsResult(await WaitAsync(Left(timeout, start), cancellation)) is { } result) throw Failure(result, timeout);
        while (true)
        {
            if (TryTakeReply(number) is { } reply) return reply;
            if (AsResult(await WaitAsync(Left(timeout, start), cancellation)) is { } result) throw Failure(result, timeout);
        }
    }

    private protected override bool IsReady()
    {
        if (_wantedTail is { } tail) return _requests.HasReaderReached(tail);
        if (_replies.HasMessage()) return true;
        if (_replies.TakeSkipped()) Wake(_server, ulong.MaxValue / 2);
        return false;
    }

    private protected override ChannelWait? Outcome() => _sight.Outcome(AwaitsSuccessor);

    private protected override void WakeAll() => Rouse(_server);

    private protected override void Forget() => _sight.Dispose();

    private ulong NextNumber()
    {
        ThrowIfDisposed();
        return ((ulong)Epoch << 32) | ++_last;
    }

    private bool TrySend(ulong number, ReadOnlySpan<byte> request)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Length, MaxMessage, nameof(request));
        bool fits = _requests.TryReserve(NumberBytes + request.Length, out Span<byte> room);
        _wantedTail = fits ? null : _requests.WantedTail;
        if (fits)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(room, number);
            request.CopyTo(room[NumberBytes..]);
            _requests.Commit(room.Length);
        }
        WakeAnyway(_server);   // the server waits for any client: it has no position
        return fits;
    }

    private byte[]? TryTakeReply(ulong number)
    {
        if (!TryTakeReply(number, out ReadOnlySpan<byte> found)) return null;
        byte[] reply = found.ToArray();
        Release();
        return reply;
    }

    // The reply with that number; others before it belong to calls that were given up.
    private bool TryTakeReply(ulong number, out ReadOnlySpan<byte> reply)
    {
        while (_replies.TryBorrow(out ReadOnlySpan<byte> message))
        {
            if (message.Length >= NumberBytes && BinaryPrimitives.ReadUInt64LittleEndian(message) == number)
            {
                reply = message[NumberBytes..];
                return true;
            }
            Late++;
            Release();
        }
        if (_replies.TakeSkipped()) WakeAnyway(_server);
        reply = default;
        return false;
    }

    private void Release()
    {
        _replies.Release();
        WakeAnyway(_server);
    }

    private TimeSpan Left(TimeSpan timeout, long start)
    {
        if (timeout == Timeout.InfiniteTimeSpan) return timeout;
        TimeSpan left = timeout - Clock.GetElapsedTime(start);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private static CallResult? AsResult(ChannelWait wait) => wait switch
    {
        ChannelWait.TimedOut => CallResult.TimedOut,
        ChannelWait.PeerClosed => CallResult.ServerClosed,
        ChannelWait.PeerDied => CallResult.ServerDied,
        _ => null,
    };

    private Exception Failure(CallResult result, TimeSpan timeout) => result switch
    {
        CallResult.TimedOut => new TimeoutException($"No reply came on channel '{Name}' within {timeout.TotalSeconds} s."),
        CallResult.ServerDied => new ChannelException(ChannelFault.PeerDied, $"The server of channel '{Name}' died before it replied."),
        _ => new ChannelException(ChannelFault.PeerClosed, $"The server of channel '{Name}' closed before it replied."),
    };
}
