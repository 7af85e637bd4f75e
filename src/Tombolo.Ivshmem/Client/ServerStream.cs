// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Ivshmem;

/// <summary>What one look at the server's stream gave.</summary>
internal enum StreamRead
{
    /// <summary>A whole message.</summary>
    Message,
    /// <summary>Nothing more for now, perhaps in the middle of a message.</summary>
    Nothing,
    /// <summary>The server is gone.</summary>
    Closed,
}

/// <summary>A server's messages as they come: each number with the descriptor that belongs to it. It knows no meaning.</summary>
/// <remarks>It never reads past the message it is in, so a descriptor that arrives belongs to that message, whichever of its eight bytes carried it.</remarks>
internal sealed class ServerStream(SafeFd socket, string server) : IDisposable
{
    private readonly FdInbox _inbox = new();
    private readonly byte[] _bytes = new byte[IvshmemMessage.Size];
    private int _filled;

    /// <summary>The socket, borrowed.</summary>
    public SafeFd Socket { get; } = socket;

    /// <summary>The server's name in messages.</summary>
    public string Server { get; } = server;

    /// <summary>Whole messages so far.</summary>
    public long Messages { get; private set; }

    /// <summary>Reads one message, without waiting.</summary>
    /// <param name="message">The message.</param>
    /// <param name="fd">Its descriptor, which the caller owns, or null.</param>
    /// <exception cref="ProtocolException">More than one descriptor came with it, one was lost, or the stream ended inside it.</exception>
    public StreamRead TryRead(out IvshmemMessage message, out SafeFd? fd)
    {
        (message, fd) = (default, null);
        while (_filled < _bytes.Length)
        {
            SocketResult result = UnixSocket.Receive(Socket, _bytes.AsSpan(_filled), _inbox);
            if (result.IsMoved) _filled += result.Bytes;
            else if (result.IsWouldBlock) return StreamRead.Nothing;
            else if (_filled == 0) return StreamRead.Closed;
            else throw new ProtocolException(WireFault.TooShort, $"The server at {Server} went away after {_filled} of the {_bytes.Length} bytes of a message.");
        }
        _filled = 0;
        Messages++;
        _ = IvshmemMessage.TryRead(_bytes, out message);
        if (_inbox.WasTruncated)
            throw new ProtocolException(WireFault.WrongFdCount, $"A descriptor from the server at {Server} was lost on the way: this process has as many open as it may; raise its limit (ulimit -n).");
        if (_inbox.Count > 1)
            throw new ProtocolException(WireFault.WrongFdCount, $"The server at {Server} sent {_inbox.Count} descriptors with the message {message.Value}; the protocol allows one.");
        _ = _inbox.TryTake(out fd);
        return StreamRead.Message;
    }

    /// <summary>Closes the descriptors that nobody took, and the socket.</summary>
    public void Dispose()
    {
        _inbox.Dispose();
        Socket.Dispose();
    }
}
