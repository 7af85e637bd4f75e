// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Ivshmem;

/// <summary>Waits for the messages of a handshake, all together no longer than the client's timeout.</summary>
internal sealed class HandshakeWait : IDisposable
{
    private readonly ServerStream _stream;
    private readonly IvshmemClientOptions _options;
    private readonly Epoll _epoll = new();
    private readonly long _start;

    public HandshakeWait(ServerStream stream, IvshmemClientOptions options)
    {
        (_stream, _options, _start) = (stream, options, options.Time.GetTimestamp());
        _epoll.Add(stream.Socket, EpollEvents.Readable, 0);
    }

    /// <summary>Reads one message.</summary>
    /// <param name="what">What is waited for, for the messages.</param>
    /// <param name="fd">Its descriptor, which the caller owns.</param>
    /// <exception cref="ProtocolException">The server went away or the time ran out.</exception>
    public IvshmemMessage Read(string what, out SafeFd? fd)
    {
        while (true)
        {
            TimeSpan left = Left;
            switch (_stream.TryRead(out IvshmemMessage message, out fd))
            {
                case StreamRead.Message: return message;
                case StreamRead.Closed:
                    throw new ProtocolException(WireFault.TooShort, $"The server at {_stream.Server} closed the connection in the handshake, where {what} must come.");
            }
            if (left <= TimeSpan.Zero)
                throw new ProtocolException(WireFault.TooShort, $"The server at {_stream.Server} did not send {what} within {_options.Timeout.TotalSeconds} s ({_stream.Messages} messages came).");
            Wait(left);
        }
    }

    /// <summary>Reads one message if it comes within the settle time.</summary>
    /// <param name="message">The message.</param>
    /// <param name="fd">Its descriptor, which the caller owns.</param>
    /// <returns>False where the server paused, or went away after a whole handshake.</returns>
    public bool TryReadSettled(out IvshmemMessage message, out SafeFd? fd)
    {
        StreamRead read = _stream.TryRead(out message, out fd);
        if (read == StreamRead.Nothing)
        {
            Wait(_options.SettleTime < Left ? _options.SettleTime : Left);
            read = _stream.TryRead(out message, out fd);
        }
        return read == StreamRead.Message;
    }

    public void Dispose() => _epoll.Dispose();

    private TimeSpan Left => _options.Timeout - _options.Time.GetElapsedTime(_start);

    private void Wait(TimeSpan time)
    {
        Span<EpollReport> reports = stackalloc EpollReport[1];
        _ = _epoll.Wait(reports, time > TimeSpan.Zero ? time : TimeSpan.Zero);
    }
}
