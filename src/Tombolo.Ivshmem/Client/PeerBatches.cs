// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Ivshmem;

/// <summary>The eventfds of every other peer, gathered batch by batch, and owned.</summary>
/// <remarks>
/// Theory of operation. A newcomer is announced by its ID, once per vector, and nothing marks the end. A batch counts as complete when it is as long as our own,
/// when a message about somebody else follows, or when the server has nothing more to say for now. Vectors that come later still are added to the peer without a second notice.
/// The table that <see cref="Ring"/> reads is replaced when a batch is complete, not per vector: N peers of V vectors cost N replacements, not N·V.
/// </remarks>
internal sealed class PeerBatches(string server) : IDisposable
{
    private readonly Dictionary<PeerId, List<SafeFd>> _all = [];
    private readonly PeerTable _table = new();
    private PeerId? _open;
    private bool _isNew;

    /// <summary>A peer's first batch is complete.</summary>
    public Action<PeerId>? Joined { get; set; }

    /// <summary>A peer is gone.</summary>
    public Action<PeerId>? Left { get; set; }

    /// <summary>Everybody, ascending.</summary>
    public IReadOnlyList<PeerId> Ids => _table.Ids;

    /// <summary>How many vectors of a peer can be rung; 0 where it is not there.</summary>
    public int VectorsOf(PeerId peer) => _table.Find(peer)?.Length ?? 0;

    /// <summary>Rings a peer; from any thread.</summary>
    public bool Ring(PeerId peer, int vector) => _table.Ring(peer, vector);

    /// <summary>Takes one more vector of a peer.</summary>
    /// <param name="peer">Whose.</param>
    /// <param name="fd">The eventfd; owned here from now on, also on a fault.</param>
    /// <param name="usualLength">The length at which a batch counts as complete.</param>
    public void Add(PeerId peer, SafeFd fd, int usualLength)
    {
        if (_open != peer) Close();
        if (!_all.TryGetValue(peer, out List<SafeFd>? list))
        {
            _all[peer] = list = [];
            _isNew = true;
        }
        list.Add(fd);
        _open = peer;
        if (list.Count > DoorbellServerOptions.MaxVectors)
            throw new ProtocolException(WireFault.WrongFdCount, $"The server at {server} sent more than {DoorbellServerOptions.MaxVectors} vectors for peer {peer}; a device has no more.");
        if (list.Count == usualLength) Close();
    }

    /// <summary>Ends the batch that is being gathered, if there is one.</summary>
    public void Close()
    {
        if (_open is not { } peer) return;
        bool isNew = _isNew;
        (_open, _isNew) = (null, false);
        _table.Set(peer, [.. _all[peer]]);
        if (isNew) Joined?.Invoke(peer);
    }

    /// <summary>Forgets a peer; one that is not there is no fault, for it may have left before its batch came.</summary>
    public void Remove(PeerId peer)
    {
        Close();
        if (!_all.Remove(peer, out List<SafeFd>? list)) return;
        _table.Set(peer, null);
        foreach (SafeFd fd in list) fd.Dispose();
        Left?.Invoke(peer);
    }

    /// <summary>Closes every descriptor; rings find nobody from now on.</summary>
    public void Dispose()
    {
        foreach (SafeFd fd in _all.Values.SelectMany(static list => list)) fd.Dispose();
        _all.Clear();
    }
}
