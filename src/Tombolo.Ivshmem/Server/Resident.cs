// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>The server's own part in the fabric: a peer without a connection.</summary>
internal sealed class Resident : IParticipant
{
    private readonly Doorbell _news = Doorbell.Create();
    private readonly ConcurrentQueue<(PeerId Id, bool IsJoin)> _changes = new();
    private readonly PeerTable _peers;

    public Resident(Member self, Window window, PeerTable peers)
    {
        (Id, Vectors, Window) = (self.Id, self.Events, window);
        _peers = peers;
    }

    public PeerId Id { get; }
    public Window Window { get; }
    public IReadOnlyList<SafeFd> Vectors { get; }
    public SafeFd Control => _news.Descriptor;
    public IReadOnlyList<PeerId> Peers => _peers.Ids;
    public event Action<PeerId>? Joined;
    public event Action<PeerId>? Left;

    public bool ProcessControl()
    {
        _ = _news.TryTake();
        while (_changes.TryDequeue(out (PeerId Id, bool IsJoin) change))
        {
            if (change.IsJoin) Joined?.Invoke(change.Id);
            else Left?.Invoke(change.Id);
        }
        return true;
    }

    public bool Ring(PeerId peer, int vector) => _peers.Ring(peer, vector);

    // Called on the server's loop.
    public void Tell(PeerId id, bool isJoin)
    {
        _changes.Enqueue((id, isJoin));
        _ = _news.Ring();
    }

    // Vectors and window belong to the server.
    public void Dispose() => _news.Dispose();
}
