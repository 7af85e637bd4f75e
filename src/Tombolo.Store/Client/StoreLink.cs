// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>One connection of a client: requests go out as they come, many at once in one call; a loop takes replies and events in.</summary>
/// <remarks>Requests may come from any thread. The first fault ends the link: everything that waits fails with it.</remarks>
internal sealed class StoreLink : IDisposable
{
    private const int LeastRoom = 4096 + 16;
    private readonly IStoreStream _stream;
    private readonly Action<string, string> _onEvent;
    private readonly Action<StoreHeader, int> _notSent;   // made once, so that sending allocates nothing
    private readonly Lock _gate = new();   // guards everything below but the stream
    private readonly Dictionary<uint, PendingRequest> _waiting = [];
    private readonly Stack<PendingRequest> _spare = new();
    private byte[] _collecting = new byte[64 << 10], _sending = new byte[64 << 10];
    private int _collected;
    private bool _isSending;
    private uint _lastRequest;
    private Exception? _fault;

    private StoreLink(IStoreStream stream, Action<string, string> onEvent) => (_stream, _onEvent, _notSent) = (stream, onEvent, NotSent);

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
        StoreLink link = new(await OpenAsync(path, cancel), onEvent);
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
            if (length > _stream.MostBytes - StoreHeader.Size)
                return ValueTask.FromException<byte[]>(new StoreException($"A request of {length} bytes about '{first}' does not fit into a message of {_stream.MostBytes - StoreHeader.Size} bytes; make the value or the path shorter.", StoreError.E2BIG));
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
        _stream.Dispose();
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
                await _stream.SendAsync(_sending.AsMemory(0, count), _notSent);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or StoreException) { Fail(Lost(exception)); }
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[64 << 10];
        int held = 0;
        try
        {
            while (true)
            {
                int got = await _stream.ReceiveAsync(buffer.AsMemory(held));
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

    // As the C library has it: what is a socket is connected to, anything else is a device.
    private static async Task<IStoreStream> OpenAsync(string path, CancellationToken cancel)
    {
        try { return await SocketStream.ConnectAsync(path, cancel); }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            try { return DeviceStream.Open(path); }
            catch (LinuxException refusal) when (refusal.Errno is Errno.NoSuchAddress or Errno.NotPermitted) { }   // a socket that nobody listens on; a plain file
            throw;
        }
    }

    private void NotSent(StoreHeader header, int errno)
    {
        PendingRequest? pending;
        lock (_gate) if (!_waiting.Remove(header.RequestId, out pending)) return;
        StoreError error = Enum.IsDefined((StoreError)errno) ? (StoreError)errno : StoreError.Unknown;
        pending.SetException(new StoreException($"{pending.Operation} of '{pending.Subject}' failed: {StoreErrors.Explain(error)}.", error));
    }

    private static StoreException Refused(PendingRequest pending, ReadOnlySpan<byte> payload)
    {
        StoreError error = StoreErrors.Parse(payload, out string detail);
        string subject = pending.Subject.Length > 0 ? $" of '{pending.Subject}'" : "";
        return new($"{pending.Operation}{subject} failed: {(detail.Length > 0 ? $"{error}. {detail}" : $"{StoreErrors.Explain(error)}.")}", error);
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
        _stream.Dispose();
    }
}
