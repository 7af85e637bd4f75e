// SPDX-License-Identifier: MIT
using System.Net.Sockets;

namespace Tombolo.Store;

/// <summary>A server's UNIX socket.</summary>
internal sealed class SocketStream : IStoreStream
{
    private readonly Socket _socket;

    private SocketStream(Socket socket) => _socket = socket;

    public int MostBytes => StoreHeader.Size + (int)StoreHeader.MaxPayload;

    public static async Task<SocketStream> ConnectAsync(string path, CancellationToken cancel)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try { await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel); }
        catch
        {
            socket.Dispose();
            throw;
        }
        return new(socket);
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> messages, Action<StoreHeader, int> refused)
    {
        for (int at = 0; at < messages.Length;) at += await _socket.SendAsync(messages[at..]);
    }

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer) => _socket.ReceiveAsync(buffer);

    public void Dispose() => _socket.Dispose();
}
