// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Text;

namespace Tombolo.Store.Tests;

/// <summary>A client written from the protocol's page alone: it sends bytes, and waits for bytes.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Queue<string> _events = new();

    public RawClient(string path)
    {
        _socket.Connect(new UnixDomainSocketEndPoint(path));
        _socket.ReceiveTimeout = _socket.SendTimeout = (int)Testing.Watchdog.Limit.TotalMilliseconds;
    }

    public Socket Socket => _socket;

    /// <summary>Sends a request; zeros are written as '|'.</summary>
    public void Send(StoreOperation operation, string payload, uint request = 0, uint transaction = 0) => SendBytes(Message(operation, payload, request, transaction));

    public void SendBytes(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[_socket.Send(bytes)..];
    }

    public static byte[] Message(StoreOperation operation, string payload, uint request = 0, uint transaction = 0)
    {
        byte[] text = Encoding.Latin1.GetBytes(payload.Replace('|', '\0')), bytes = new byte[16 + text.Length];
        new StoreHeader(operation, request, transaction, (uint)text.Length).Write(bytes);
        text.CopyTo(bytes, 16);
        return bytes;
    }

    /// <summary>The next message that is no event; null where the server closed.</summary>
    public (StoreHeader Header, string Text)? Next()
    {
        while (Any() is { } message)
        {
            if (message.Header.Operation != StoreOperation.WatchEvent) return message;
            _events.Enqueue(message.Text);
        }
        return null;
    }

    /// <summary>The next event: "path|token".</summary>
    public string Event()
    {
        while (_events.Count == 0)
        {
            (StoreHeader header, string text) = Any() ?? throw new EndOfStreamException("the server closed");
            header.Operation.ShouldBe(StoreOperation.WatchEvent);
            _events.Enqueue(text);
        }
        return _events.Dequeue();
    }

    public string Ask(StoreOperation operation, string payload, uint transaction = 0)
    {
        Send(operation, payload, 0, transaction);
        (StoreHeader header, string text) = Next() ?? throw new EndOfStreamException("the server closed");
        return header.Operation == StoreOperation.Error ? "!" + text : text;
    }

    public string Read(string path) => Ask(StoreOperation.Read, path + "|");

    public string Write(string path, string value) => Ask(StoreOperation.Write, $"{path}|{value}");

    /// <summary>Whether the server closes; bytes before that are thrown away.</summary>
    public bool IsClosedByServer()
    {
        try { while (Any() is not null) { } }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset) { }
        return true;
    }

    public void Dispose() => _socket.Dispose();

    private (StoreHeader Header, string Text)? Any()
    {
        byte[] header = new byte[16];
        if (!Fill(header)) return null;
        _ = StoreHeader.TryRead(header, out StoreHeader read);
        read.Check().ShouldBe(Wire.WireFault.None);
        byte[] payload = new byte[read.Length];
        if (!Fill(payload)) return null;
        string text = Encoding.Latin1.GetString(payload);
        return (read, (text.EndsWith('\0') ? text[..^1] : text).Replace('\0', '|'));
    }

    private bool Fill(byte[] buffer)
    {
        for (int at = 0; at < buffer.Length;)
        {
            int got = _socket.Receive(buffer.AsSpan(at));
            if (got == 0) return false;
            at += got;
        }
        return true;
    }
}
