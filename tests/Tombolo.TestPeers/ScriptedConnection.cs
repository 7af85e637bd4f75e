// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>One end of a connection, byte by byte. It reads only when told to: not reading is a way to misbehave.</summary>
public class ScriptedConnection(SafeFd socket) : IDisposable
{
    private readonly FdInbox _inbox = new();

    /// <summary>The socket, borrowed.</summary>
    public SafeFd Socket { get; } = socket;

    /// <summary>Sends one whole message.</summary>
    public void Send(long value, SafeFd? fd = null)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        SendBytes(bytes, fd is null ? [] : [fd]);
    }

    /// <summary>Sends any bytes, with any descriptors on the first of them; waits where the other end does not read.</summary>
    public void SendBytes(ReadOnlySpan<byte> bytes, params ReadOnlySpan<SafeFd> fds)
    {
        while (bytes.Length > 0)
        {
            SocketResult result = UnixSocket.Send(Socket, bytes, fds);
            if (result.IsMoved)
            {
                bytes = bytes[result.Bytes..];
                fds = [];   // they went with the first byte
                continue;
            }
            if (!result.IsWouldBlock) throw new IOException($"The other end is gone (error {result.Errno}).");
            if (!Watchdog.Wait(Socket, EpollEvents.Writable, Watchdog.Limit)) throw new TimeoutException("The other end does not read.");
        }
    }

    /// <summary>Sends bytes nobody asked for.</summary>
    public void SendGarbage(ReadOnlySpan<byte> bytes) => SendBytes(bytes);

    /// <summary>Reads one message and insists that it comes.</summary>
    /// <exception cref="TimeoutException">Nothing came.</exception>
    /// <exception cref="EndOfStreamException">The other end closed, in the middle of a message or not.</exception>
    public ScriptedMessage ReadMessage(TimeSpan? watchdog = null) =>
        TryReadMessage(watchdog ?? Watchdog.Limit) ?? throw new TimeoutException("No message came.");

    /// <summary>Reads one message if one begins within a time.</summary>
    /// <returns>Null where nothing came.</returns>
    public ScriptedMessage? TryReadMessage(TimeSpan timeout)
    {
        Span<byte> bytes = stackalloc byte[8];
        for (int filled = 0; filled < bytes.Length;)
        {
            SocketResult result = UnixSocket.Receive(Socket, bytes[filled..], _inbox);
            if (result.IsMoved) filled += result.Bytes;
            else if (!result.IsWouldBlock) throw new EndOfStreamException($"The other end closed after {filled} bytes of a message.");
            else if (!Watchdog.Wait(Socket, EpollEvents.Readable, filled == 0 ? timeout : Watchdog.Limit))
                return filled == 0 ? null : throw new TimeoutException($"Only {filled} bytes of a message came.");
        }
        bool has = _inbox.TryTake(out SafeFd? fd);
        if (_inbox.Count > 0) throw new InvalidDataException($"{_inbox.Count + 1} descriptors came with one message; the protocol allows one.");
        return new(BinaryPrimitives.ReadInt64LittleEndian(bytes), has ? fd : null);
    }

    /// <summary>Insists that the other end closes, with nothing more to read.</summary>
    public void ReadEnd()
    {
        try
        {
            using ScriptedMessage message = ReadMessage();
            throw new InvalidDataException($"The other end should have closed, but sent {message.Value}.");
        }
        catch (EndOfStreamException) { }
    }

    /// <summary>Closes this end: in the middle of whatever was being said.</summary>
    public void Dispose()
    {
        _inbox.Dispose();
        Socket.Dispose();
        GC.SuppressFinalize(this);
    }
}
