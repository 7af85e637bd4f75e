// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Regions.Tests.Client;

/// <summary>A region server that is not ours: it holds one scripted conversation after the other, written from the protocol's page, and then listens no more.</summary>
internal sealed class ServerStandIn : IDisposable
{
    private readonly SafeFd _listener;
    private readonly Thread _thread;
    private volatile bool _isOver;
    private Exception? _fault;

    public ServerStandIn(string path, params Action<ServerTalk>[] conversations)
    {
        _listener = UnixSocket.Listen(path, UnixSocketKind.Stream);
        _thread = new(() => Serve(conversations));
        _thread.Start();
    }

    /// <summary>How many conversations began.</summary>
    public int Begun { get; private set; }

    public void Dispose()
    {
        _isOver = true;
        _thread.Join();
        _listener.Dispose();
        if (_fault is not null) throw new InvalidOperationException("The stand-in's script failed.", _fault);
    }

    private void Serve(Action<ServerTalk>[] conversations)
    {
        try
        {
            foreach (Action<ServerTalk> conversation in conversations)
            {
                SafeFd? socket;
                while ((socket = UnixSocket.TryAccept(_listener, out _)) is null)
                {
                    if (_isOver) return;
                    _ = UnixSocket.Wait(_listener, forReading: true, TimeSpan.FromMilliseconds(20));
                }
                Begun++;
                using var talk = new ServerTalk(socket);
                conversation(talk);
            }
        }
        catch (Exception exception) { _fault = exception; }
    }
}

/// <summary>One conversation, from the server's side; it ends when the script does.</summary>
internal sealed class ServerTalk(SafeFd socket) : IDisposable
{
    private readonly FdInbox _inbox = new();

    /// <summary>The client says exactly this.</summary>
    public ServerTalk Hears(string words)
    {
        byte[] said = new byte[words.Length];
        for (int filled = 0; filled < said.Length;)
        {
            SocketResult result = UnixSocket.Receive(socket, said.AsSpan(filled), _inbox);
            if (result.IsClosed) throw new IOException($"The client hung up instead of saying '{words}'.");
            filled += result.Bytes;
            if (!result.IsMoved) _ = UnixSocket.Wait(socket, forReading: true, Watchdog.Limit);
        }
        Encoding.ASCII.GetString(said).ShouldBe(words);
        return this;
    }

    public ServerTalk Says(string words, SafeFd? fd = null)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(words);
        _ = fd is null ? UnixSocket.Send(socket, bytes) : UnixSocket.Send(socket, bytes, fd);
        return this;
    }

    /// <summary>The client closes its end.</summary>
    public void HearsNothingMore()
    {
        Span<byte> one = stackalloc byte[1];
        SocketResult result;
        while (!(result = UnixSocket.Receive(socket, one, _inbox)).IsClosed)
        {
            if (result.IsMoved) throw new IOException($"The client said a byte more, {one[0]}.");
            if (!UnixSocket.Wait(socket, forReading: true, Watchdog.Limit)) throw new TimeoutException("The client does not hang up.");
        }
    }

    public void Dispose()
    {
        _inbox.Dispose();
        socket.Dispose();
    }
}
