// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Grants;

/// <summary>An answer that came. The descriptors belong to whoever has it.</summary>
internal readonly record struct LinkAnswer(GrantMessage Message, string Text, SafeFd? First, SafeFd? Second)
{
    public GrantException Refusal => new(Message.Code <= (uint)GrantFault.Lost + 1 ? (GrantFault)(Message.Code - 1) : GrantFault.Lost, Text.Length > 0 ? Text : $"The grants' server refused (code {Message.Code}).");
}

/// <summary>One connection to a grants' server: a request, an answer.</summary>
internal sealed class ServerLink : IDisposable
{
    private readonly GrantClientOptions _options;
    private readonly FdInbox _inbox = new();
    private readonly byte[] _buffer = new byte[GrantMessage.MaxBytes];

    private ServerLink(GrantClientOptions options, SafeFd socket) => (_options, Socket) = (options, socket);

    public SafeFd Socket { get; }

    /// <summary>Whether the other end is gone. While no answer is awaited, there is nothing to read but the end.</summary>
    public bool IsOver => UnixSocket.Wait(Socket, forReading: true, TimeSpan.Zero);

    public static ServerLink Connect(GrantClientOptions options)
    {
        try { return new(options, UnixSocket.Connect(options.SocketPath, UnixSocketKind.SequencedPacket, options.Patience)); }
        catch (LinuxException exception) { throw new GrantException(GrantFault.Lost, $"No grants' server can be reached at '{options.SocketPath}': {exception.Message}", exception); }
    }

    public static GrantException Nonsense(string what) => new(GrantFault.Lost, $"The grants' server answered with {what}, which cannot be.");

    /// <summary>Asks, and waits for the answer.</summary>
    /// <returns>False where the server hung up.</returns>
    /// <exception cref="GrantException">The server does not answer in time, or not as it should.</exception>
    public bool TryAsk(in GrantMessage request, ReadOnlySpan<SafeFd> fds, out LinkAnswer answer)
    {
        answer = default;
        Span<byte> bytes = stackalloc byte[GrantMessage.Size];
        request.Write(bytes);
        long start = _options.Time.GetTimestamp();
        while (true)
        {
            SocketResult sent = UnixSocket.Send(Socket, bytes, fds);
            if (sent.IsMoved) break;
            if (!sent.IsWouldBlock && sent.Errno != Errno.TooManyReferences) return false;
            Await(forReading: false, start);
        }
        while (true)
        {
            SocketResult came = UnixSocket.Receive(Socket, _buffer, _inbox);
            if (came.IsMoved) return Read(request, _buffer.AsSpan(0, came.Bytes), out answer);
            if (!came.IsWouldBlock) return false;
            Await(forReading: true, start);
        }
    }

    public void Dispose()
    {
        _inbox.Dispose();
        Socket.Dispose();
    }

    private bool Read(in GrantMessage request, ReadOnlySpan<byte> bytes, out LinkAnswer answer)
    {
        try
        {
            if (!GrantMessage.TryRead(bytes, out GrantMessage message)) throw Nonsense($"{bytes.Length} bytes");
            if (_inbox.WasTruncated) throw new GrantException(GrantFault.Quota, "This process has as many descriptors as it may; raise the limit (ulimit -n).");
            if (_inbox.Count != (message.Code == 0 ? request.AnswerDescriptors : 0)) throw Nonsense($"{_inbox.Count} descriptors to request {request.Code}");
            _ = _inbox.TryTake(out SafeFd? first);
            _ = _inbox.TryTake(out SafeFd? second);
            answer = new(message, Encoding.UTF8.GetString(bytes[GrantMessage.Size..]), first, second);
            return true;
        }
        finally { _inbox.Clear(); }
    }

    private void Await(bool forReading, long start)
    {
        TimeSpan left = _options.Patience - _options.Time.GetElapsedTime(start);
        if (left <= TimeSpan.Zero) throw new GrantException(GrantFault.Lost, $"The grants' server at '{_options.SocketPath}' does not answer within {_options.Patience.TotalSeconds:0.###} s.");
        _ = UnixSocket.Wait(Socket, forReading, left);
    }
}
