// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Channels;

/// <summary>A request as a server holds it, until the next is taken.</summary>
public readonly ref struct Request
{
    internal Request(int client, ulong number, ReadOnlySpan<byte> bytes)
    {
        (Client, Number) = (client, number);
        Bytes = bytes;
    }

    /// <summary>Which client sent it: 0 to the number of spokes, less one.</summary>
    public int Client { get; }

    /// <summary>The number that its reply repeats.</summary>
    public ulong Number { get; }

    /// <summary>What it says. Another party's memory: copy what is judged.</summary>
    public ReadOnlySpan<byte> Bytes { get; }
}

/// <summary>Handles a request.</summary>
/// <param name="request">What it says. Another party's memory: copy what is judged.</param>
/// <param name="reply">Where the reply goes: room for the longest there can be.</param>
/// <returns>How many bytes the reply has.</returns>
public delegate int RequestHandler(ReadOnlySpan<byte> request, Span<byte> reply);

/// <summary>The server's end of a request channel.</summary>
/// <remarks>
/// One thread at a time. A request is taken when its reply is sent; a server that dies before that leaves it to its successor. A client whose replies find no room, because it does not take
/// them, loses them; nobody waits for it. A client that lies ends its own session only.
/// </remarks>
public sealed class RequestServer : ChannelEnd
{
    private readonly Lanes _lanes;
    private readonly RingWriter?[] _replies;   // taken on with the first reply to a client, and anew after one that lied
    private readonly byte[] _scratch;

    internal RequestServer(EndSeat seat, EndOptions options) : base(seat, options)
    {
        _lanes = new(seat, static index => 2 * index, WakeSelf) { Skipped = lane => Wake(lane.Sight.Words, lane.Ring!.Released) };
        _replies = new RingWriter?[seat.Spokes];
        _scratch = new byte[MaxMessage];
    }

    /// <summary>The longest request or reply in bytes.</summary>
    public int MaxMessage => Seat.Capacity - Frame.HeaderBytes - RequestClient.NumberBytes;

    /// <summary>Requests that were answered.</summary>
    public long Answered { get; private set; }

    /// <summary>Replies that found no room.</summary>
    public long Dropped { get; private set; }

    /// <summary>How many clients died with their end open, as far as this end noticed.</summary>
    public long Deaths => _lanes.Deaths;

    /// <summary>How many clients broke the protocol; each ended its own session only.</summary>
    public long Faults => _lanes.Faults;

    /// <summary>Looks at the next request. It stays the next until <see cref="Reply"/> or <see cref="Refuse"/> takes it.</summary>
    /// <param name="request">The request.</param>
    /// <returns>False where none is there.</returns>
    public bool TryTake(out Request request)
    {
        ThrowIfDisposed();
        while (_lanes.TryPeek(out ReadOnlySpan<byte> message))
        {
            if (message.Length >= RequestClient.NumberBytes)
            {
                request = new(_lanes.Current, BinaryPrimitives.ReadUInt64LittleEndian(message), message[RequestClient.NumberBytes..]);
                return true;
            }
            _lanes.End(_lanes[_lanes.Current], new(WireFault.TooShort, $"Client {_lanes.Current} of channel '{Name}' sent a request of {message.Length} bytes, too short for its number: its session is over."));
        }
        request = default;
        return false;
    }

    /// <summary>Replies to the request that was taken last.</summary>
    /// <param name="request">The request.</param>
    /// <param name="reply">0 to <see cref="MaxMessage"/> bytes.</param>
    /// <returns>False where the client has no room for it, or has broken the protocol: the reply is lost.</returns>
    public bool Reply(in Request request, ReadOnlySpan<byte> reply)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reply.Length, MaxMessage, nameof(reply));
        bool isSent = TrySend(request, reply);
        if (isSent) Answered++;
        else Dropped++;
        TakeRequest(request.Client);
        return isSent;
    }

    /// <summary>Takes the request that was taken last without a reply; its client runs into its timeout.</summary>
    /// <param name="request">The request.</param>
    public void Refuse(in Request request)
    {
        ThrowIfDisposed();
        TakeRequest(request.Client);
    }

    /// <summary>Waits until a request is there.</summary>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public ChannelWait WaitForRequest(TimeSpan timeout, CancellationToken cancellation = default) => Wait(timeout, cancellation);

    /// <summary>As <see cref="WaitForRequest"/>, without a thread.</summary>
    /// <inheritdoc cref="WaitForRequest"/>
    public ValueTask<ChannelWait> WaitForRequestAsync(TimeSpan timeout, CancellationToken cancellation = default) => WaitAsync(timeout, cancellation);

    /// <summary>Serves until it is cancelled; a request in hand is answered first.</summary>
    /// <param name="handler">Handles each request; what it throws ends the serving, and the request stays for whoever serves next.</param>
    /// <param name="cancellation">Ends it.</param>
    public void Serve(RequestHandler handler, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            while (!cancellation.IsCancellationRequested && TryTake(out Request request)) _ = Reply(request, _scratch.AsSpan(0, handler(request.Bytes, _scratch)));
            try { _ = WaitForRequest(Timeout.InfiniteTimeSpan, cancellation); }
            catch (OperationCanceledException) { return; }
        }
    }

    private protected override bool IsReady() => _lanes.HasMessage();

    private protected override ChannelWait? Outcome()
    {
        _lanes.Tidy();
        return null;
    }

    private protected override void WakeAll()
    {
        for (int lane = 0; lane < _lanes.Count; lane++) Rouse(_lanes[lane].Sight.Words);
    }

    private protected override void Forget() => _lanes.Forget();

    private bool TrySend(in Request request, ReadOnlySpan<byte> reply)
    {
        try
        {
            RingWriter ring = _replies[request.Client] ??= new(Seat.Window, Seat.RingOffset((2 * request.Client) + 1), Seat.Capacity, repairs: true);
            if (!ring.TryReserve(RequestClient.NumberBytes + reply.Length, out Span<byte> room)) return false;
            BinaryPrimitives.WriteUInt64LittleEndian(room, request.Number);
            reply.CopyTo(room[RequestClient.NumberBytes..]);
            ring.Commit(room.Length);
            return true;
        }
        catch (ProtocolException fault)
        {
            _replies[request.Client] = null;
            _lanes.End(_lanes[request.Client], fault);
            return false;
        }
    }

    private void TakeRequest(int client)
    {
        Lane lane = _lanes[client];
        if (lane.Ring is { HasPeeked: true } ring && client == _lanes.Current)   // not so if its session ended while it was in hand
        {
            _lanes.TakePeeked();
            ring.Release();
        }
        WakeAnyway(lane.Sight.Words);
    }
}
