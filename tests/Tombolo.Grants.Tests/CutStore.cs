// SPDX-License-Identifier: MIT
using System.Net.Sockets;

namespace Tombolo.Grants.Tests;

/// <summary>Stands between a store and one client, and goes silent for good after so many requests: what a store sees of a client that is killed there.</summary>
internal sealed class CutStore : IDisposable
{
    private readonly string _store;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _serving;
    private int _left;

    public CutStore(string store, string socket, int requests)
    {
        (_store, Socket, _left) = (store, socket, requests);
        File.Delete(socket);
        _listener.Bind(new UnixDomainSocketEndPoint(socket));
        _listener.Listen();
        _serving = ServeAsync();
    }

    public string Socket { get; }

    /// <summary>Ends when the cut came.</summary>
    public TaskCompletionSource Cut { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsCut => Cut.Task.IsCompleted;

    public void Dispose()
    {
        _ending.Cancel();
        _listener.Dispose();
        _serving.Wait(Watchdog.Limit).ShouldBeTrue();
        _ending.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            using Socket client = await _listener.AcceptAsync(_ending.Token);
            using Socket server = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_store), _ending.Token);
            Task back = CopyAsync(server, client);
            byte[] header = new byte[16];
            while (await FillAsync(client, header))
            {
                if (--_left < 0)
                {
                    server.Close();   // the store hears of the death, the client of nothing
                    Cut.SetResult();
                    await Task.Delay(Timeout.Infinite, _ending.Token);
                }
                byte[] payload = new byte[BitConverter.ToInt32(header, 12)];
                if (!await FillAsync(client, payload)) break;
                _ = await server.SendAsync(header);
                if (payload.Length > 0) _ = await server.SendAsync(payload);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException) { }
    }

    private async Task<bool> FillAsync(Socket socket, Memory<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int count = await socket.ReceiveAsync(buffer, _ending.Token);
            if (count == 0) return false;
            buffer = buffer[count..];
        }
        return true;
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[8192];
        try
        {
            for (int count; (count = await from.ReceiveAsync(buffer, _ending.Token)) > 0;) _ = await to.SendAsync(buffer.AsMemory(0, count));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException) { }
    }
}
