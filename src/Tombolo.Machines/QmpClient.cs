// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using System.Threading.Channels;

namespace Tombolo.Machines;

/// <summary>Something that QEMU reports by itself.</summary>
/// <param name="Name">Its word: SHUTDOWN, RESET, POWERDOWN, GUEST_PANICKED, …</param>
/// <param name="Reason">Its <c>data.reason</c>, where it has one.</param>
/// <param name="ByGuest">Its <c>data.guest</c>, where it has one.</param>
public sealed record QmpEvent(string Name, string? Reason, bool? ByGuest);

/// <summary>A connection to QEMU's control socket.</summary>
/// <remarks>
/// Theory of operation: JSON objects, one a line, in both directions. QEMU greets; the client says <c>qmp_capabilities</c>; then each command with an <c>id</c> gets one answer with that id,
/// and events come in between. One loop reads; <see cref="ExecuteAsync"/> may be called from anywhere. Source: QEMU docs/interop/qmp-spec.
/// </remarks>
public sealed class QmpClient : IAsyncDisposable
{
    private const int MostLineBytes = 1 << 20;   // answers to the commands used here are under 4 KiB; a peer that sends more without a line end is not QEMU

    private readonly Socket _socket;
    private readonly Lock _lock = new();   // guards _waiting and _isClosed
    private readonly Dictionary<long, TaskCompletionSource<JsonElement>> _waiting = [];
    private readonly Channel<QmpEvent> _events = Channel.CreateBounded<QmpEvent>(new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest, SingleWriter = true });
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly TaskCompletionSource _greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _path;
    private Task _loop = Task.CompletedTask;
    private long _lastId;
    private bool _isClosed;

    private QmpClient(Socket socket, string path) => (_socket, _path) = (socket, path);

    /// <summary>What QEMU reports by itself; ends with the connection. The oldest are dropped where nobody reads.</summary>
    public ChannelReader<QmpEvent> Events => _events.Reader;

    /// <summary>Connects and says hello. QEMU serves one client at a time: where another is there, this waits for it to go.</summary>
    /// <param name="path">The control socket.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="MachineException">Nobody listens there, or what answers is not QEMU.</exception>
    public static async Task<QmpClient> ConnectAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var client = new QmpClient(socket, path);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            client._loop = client.ReadLoopAsync();
            await client._greeted.Task.WaitAsync(cancel);
            _ = await client.ExecuteAsync("qmp_capabilities", cancel);
            return client;
        }
        catch (SocketException exception)
        {
            await client.DisposeAsync();
            throw new MachineException($"The control socket {path} cannot be reached: {exception.Message}.", exception);
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Executes a command without arguments.</summary>
    /// <param name="command">QEMU's word.</param>
    /// <param name="cancel">Ends the wait for the answer; the command was sent all the same.</param>
    /// <returns>The answer's <c>return</c>.</returns>
    /// <exception cref="MachineException">QEMU refuses the command, or the connection is gone.</exception>
    public async Task<JsonElement> ExecuteAsync(string command, CancellationToken cancel)
    {
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        long id;
        lock (_lock)
        {
            if (_isClosed) throw Gone();
            id = ++_lastId;
            _waiting[id] = answer;
        }
        byte[] line = Encoding.UTF8.GetBytes($"{{\"execute\":\"{JsonEncodedText.Encode(command)}\",\"id\":{id}}}\n");
        await _writing.WaitAsync(cancel);
        try { _ = await _socket.SendAsync(line, SocketFlags.None, CancellationToken.None); }   // half a line would spoil the connection: never cancelled
        catch (SocketException exception) { throw new MachineException($"QEMU at {_path} takes no command any more: {exception.Message}.", exception); }
        catch (ObjectDisposedException) { throw Gone(); }
        finally { _ = _writing.Release(); }
        return await answer.Task.WaitAsync(cancel);
    }

    /// <summary>Hangs up.</summary>
    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _writing.Dispose();
    }

    private MachineException Gone() => new($"The connection to QEMU at {_path} is gone.");

    private async Task ReadLoopAsync()
    {
        byte[] buffer = new byte[4096];
        int filled = 0;
        try
        {
            while (true)
            {
                if (filled == buffer.Length)
                {
                    if (filled >= MostLineBytes) break;
                    Array.Resize(ref buffer, buffer.Length * 2);
                }
                int count = await _socket.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None);
                if (count == 0) break;
                filled = TakeLines(buffer, filled + count);
            }
        }
        catch (SocketException) { }   // gone: the waiting hear of it below
        catch (ObjectDisposedException) { }
        catch (JsonException) { }   // what speaks there is not QEMU
        catch (InvalidOperationException) { }   // nor is what sends half a surrogate pair: System.Text.Json finds that out when the text is asked for
        Close();
    }

    private int TakeLines(byte[] buffer, int filled)
    {
        int start = 0, length;
        while ((length = buffer.AsSpan(start, filled - start).IndexOf((byte)'\n')) >= 0)
        {
            Take(buffer.AsMemory(start, length));
            start += length + 1;
        }
        buffer.AsSpan(start, filled - start).CopyTo(buffer);
        return filled - start;
    }

    private void Take(ReadOnlyMemory<byte> line)
    {
        if (line.Span.Trim(" \t\r"u8).IsEmpty) return;
        if (!Utf8.IsValid(line.Span)) throw new JsonException("Not UTF-8.");   // the parser does not look into strings
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object) throw new JsonException("Not an object.");
        if (root.TryGetProperty("QMP", out _)) _ = _greeted.TrySetResult();
        else if (root.TryGetProperty("event", out JsonElement name) && name.ValueKind == JsonValueKind.String) _ = _events.Writer.TryWrite(ToEvent(name.GetString()!, root));
        else if (root.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.Number && id.TryGetInt64(out long number)) Answer(number, root);
    }

    private void Answer(long id, JsonElement root)
    {
        // Read first, then take who waits: reading may fail, and the waiter must still be there to hear of it.
        bool isDone = root.TryGetProperty("return", out JsonElement value);
        string reason = !isDone && root.TryGetProperty("error", out JsonElement error) ? error.GetRawText() : "no reason given";
        TaskCompletionSource<JsonElement>? waiting;
        lock (_lock) { if (!_waiting.Remove(id, out waiting)) return; }
        if (isDone) waiting.SetResult(value.Clone());
        else waiting.SetException(new MachineException($"QEMU at {_path} refused a command: {reason}."));
    }

    private static QmpEvent ToEvent(string name, JsonElement root)
    {
        string? reason = null;
        bool? byGuest = null;
        if (root.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Object)
        {
            if (data.TryGetProperty("reason", out JsonElement why) && why.ValueKind == JsonValueKind.String) reason = why.GetString();
            if (data.TryGetProperty("guest", out JsonElement guest) && guest.ValueKind is JsonValueKind.True or JsonValueKind.False) byGuest = guest.GetBoolean();
        }
        return new(name, reason, byGuest);
    }

    private void Close()
    {
        List<TaskCompletionSource<JsonElement>> left;
        lock (_lock)
        {
            _isClosed = true;
            left = [.. _waiting.Values];
            _waiting.Clear();
        }
        foreach (TaskCompletionSource<JsonElement> waiting in left) waiting.SetException(Gone());
        _ = _greeted.TrySetException(new MachineException($"What answers at {_path} is not QEMU, or it hung up."));
        _events.Writer.Complete();
    }
}
