// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Regions;

/// <summary>One connected host client, from accept to close. Belongs to the clients' loop.</summary>
internal sealed class ClientSession(SafeFd socket, PeerCredentials who, ulong token, Func<string, bool> isRegion)
{
    private readonly Queue<(byte[] Bytes, SafeFd? Fd)> _out = new();

    public SafeFd Socket { get; } = socket;
    public PeerCredentials Who { get; } = who;
    public ulong Token { get; } = token;
    public ClientDialogue Dialogue { get; } = new(isRegion);
    /// <summary>When its present step must be done.</summary>
    public long Deadline { get; set; }
    /// <summary>Its place among those who wait.</summary>
    public LinkedListNode<ClientSession>? Place { get; set; }
    /// <summary>Everything was said: close once it is out.</summary>
    public bool IsAnswered { get; set; }
    /// <summary>What epoll reports of it, beside its end.</summary>
    public EpollEvents Watched { get; set; } = EpollEvents.Readable;
    /// <summary>The owner word that it has; it says nothing more until it gives it back.</summary>
    public OwnedWord? Owned { get; set; }
    /// <summary>The region that it gets, for the log; null until then.</summary>
    public string? Granted { get; set; }
    public bool IsEmpty => _out.Count == 0;

    public void Say(byte[] bytes, SafeFd? fd = null) => _out.Enqueue((bytes, fd));

    /// <summary>Sends what can be sent.</summary>
    /// <returns>What stopped it; a success where all is out.</returns>
    public SocketResult Send()
    {
        while (_out.TryPeek(out (byte[] Bytes, SafeFd? Fd) next))
        {
            SocketResult result = next.Fd is null ? UnixSocket.Send(Socket, next.Bytes) : UnixSocket.Send(Socket, next.Bytes, next.Fd);
            if (!result.IsMoved) return result;
            _ = _out.Dequeue();
            if (result.Bytes == next.Bytes.Length) continue;
            (byte[], SafeFd?)[] rest = [.. _out];
            _out.Clear();
            _out.Enqueue((next.Bytes[result.Bytes..], null));   // the descriptor went with the first byte
            foreach ((byte[], SafeFd?) later in rest) _out.Enqueue(later);
        }
        return new(1, 0);
    }
}
