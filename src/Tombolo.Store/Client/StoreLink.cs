// SPDX-License-Identifier: MIT
using System.Net.Sockets;

namespace Tombolo.Store;

/// <summary>One connection of a client: requests go out as they come, many at once in one call; a loop takes replies and events in.</summary>
/// <remarks>Requests may come from any thread. The first fault ends the link: everything that waits fails with it.</remarks>
internal sealed class StoreLink : IDisposable
{
    private const int LeastRoom = 4096 + 16;
    private readonly Socket _socket;
    private readonly Action<string, string> _onEvent;
    private readonly Lock _gate = new();   // guards everything below but the socket
    private readonly Dictionary<uint, PendingRequest> _waiting = [];
    private readonly Stack<PendingRequest> _spare = new();
    private byte[] _collecting = new byte[64 << 10], _sending = new byte[64 << 10];
    private int _collected;
    private bool _isSending;
    private uint _lastRequest;
    private Exception? _fault;

    private StoreLink(Socket socket, Action<string, string> onEvent) => (_socket, _onEvent) = (socket, onEvent);

    /// <summary>Ends when the link does.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>Nothing can be asked any more.</summary>
    public bool IsDead
    {
        get
        {
            lock (_gate) return _fault is not null;
        }
    }

    public static async Task<StoreLink> ConnectAsync(string path, Action<string, string> onEvent, CancellationToken cancel)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try { await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel); }
        catch
        {
            socket.Dispose();
            throw;
        }
        StoreLink link = new(socket, onEvent);
        link.Ended = link.ReceiveAsync();
        return link;
    }

    /// <summary>Sends a request; the payload is its parts, each with a zero behind it where it is a text.</summary>
    public ValueTask<byte[]> Ask(StoreOperation operation, uint transaction, string first, ReadOnlySpan<byte> rest)
    {
        PendingRequest pending;
        ValueTask<byte[]> task;
        lock (_gate)
        {
            int text = System.Text.Encoding.UTF8.GetByteCount(first), length = text + 1 + rest.Length;
            if (length > StoreHeader.MaxPayload)
                return ValueTask.FromException<byte[]>(new StoreException($"A request of {length} bytes about '{first}' does not fit into a message of {StoreHeader.MaxPayload} bytes; make the value or the path shorter.", StoreError.E2BIG));
            if (_fault is not null) return ValueTask.FromException<byte[]>(_fault);
            pending = _spare.TryPop(out PendingRequest? used) ? used : new(GiveBack);
            (pending.Operation, pending.Subject) = (operation, first);
            do _lastRequest++;
            while (_lastRequest == 0 || _waiting.ContainsKey(_lastRequest));
            _waiting.Add(_lastRequest, pending);
            Span<byte> room = Room(16 + length);
            new StoreHeader(operation, _lastRequest, transaction, (uint)length).Write(room);
            _ = System.Text.Encoding.UTF8.GetBytes(first, room[16..]);
            room[16 + text] = 0;
            rest.CopyTo(room[(17 + text)..]);
            _collected += 16 + length;
            task = pending.Task;
            if (_isSending) return task;
            _isSending = true;
        }
        _ = SendAsync();
        return task;
    }

    public void Dispose()
    {
        Fail(new ObjectDisposedException(nameof(StoreClient), "The store's client was closed."));
        _socket.Dispose();
    }

    private Span<byte> Room(int bytes)
    {
        if (_collecting.Length - _collected < bytes) Array.Resize(ref _collecting, Math.Max(_collecting.Length * 2, _collected + bytes));
        return _collecting.AsSpan(_collected);
    }

    private void GiveBack(PendingRequest request)
    {
        lock (_gate) if (_spare.Count < 256) _spare.Push(request);
    }

    // One at a time: what is asked meanwhile is collected, and goes out together.
    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                int count;
                lock (_gate)
                {
                    if (_collected == 0 || _fault is not null)
                    {
                        _isSending = false;
                        return;
                    }
                    (_sending, _collecting) = (_collecting, _sending);
                    count = _collected;
                    _collected = 0;
                }
                for (int at = 0; at < count;) at += await _socket.SendAsync(_sending.AsMemory(at, count - at));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException) { Fail(Lost(exception)); }
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[64 << 10];
        int held = 0;
        try
        {
            while (true)
            {
                int got = await _socket.ReceiveAsync(buffer.AsMemory(held));
                if (got == 0) throw new StoreException("The store's server closed the connection.");
                held += got;
                int at = 0;
                while (StoreHeader.TryRead(buffer.AsSpan(at, held - at), out StoreHeader header))
                {
                    if (header.Check() is var fault && fault != Wire.WireFault.None) throw new Wire.ProtocolException(fault, $"The store's server sent a message of type {(uint)header.Operation} and {header.Length} bytes; the longest is {StoreHeader.MaxPayload}.");
                    if (held - at - 16 < header.Length) break;
                    Take(header, buffer.AsSpan(at + 16, (int)header.Length));
                    at += 16 + (int)header.Length;
                }
                buffer.AsSpan(at, held - at).CopyTo(buffer);
                held -= at;
            }
        }
        catch (Exception exception) { Fail(Lost(exception)); }
    }

    private void Take(in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Operation == StoreOperation.WatchEvent)
        {
            if (StoreText.TryTake(ref payload, out ReadOnlySpan<byte> path) && StoreText.TryTake(ref payload, out ReadOnlySpan<byte> token)) _onEvent(StoreText.ToText(path), StoreText.ToText(token));
            return;
        }
        PendingRequest? pending;
        lock (_gate) if (!_waiting.Remove(header.RequestId, out pending)) return;
        if (header.Operation == pending.Operation) pending.SetResult(payload.Length == 0 ? [] : payload.ToArray());
        else if (header.Operation == StoreOperation.Error) pending.SetException(Refused(pending, payload));
        else pending.SetException(new StoreException($"The store's server answered {pending.Operation} with {header.Operation}."));
    }

    private static StoreException Refused(PendingRequest pending, ReadOnlySpan<byte> payload)
    {
        StoreError error = StoreErrors.Parse(payload, out string detail);
        string subject = pending.Subject.Length > 0 ? $" of '{pending.Subject}'" : "";
        return new($"{pending.Operation}{subject} failed: {error}{(detail.Length > 0 ? $". {detail}" : ".")}", error);
    }

    private static Exception Lost(Exception exception) => exception as StoreException ?? exception as Wire.ProtocolException as Exception ?? new StoreException($"The connection to the store was lost: {exception.Message}.");

    private void Fail(Exception exception)
    {
        PendingRequest[] waiting;
        lock (_gate)
        {
            _fault ??= exception;
            waiting = [.. _waiting.Values];
            _waiting.Clear();
            _collected = 0;
        }
        foreach (PendingRequest pending in waiting) pending.SetException(_fault);
        _socket.Dispose();
    }
}
