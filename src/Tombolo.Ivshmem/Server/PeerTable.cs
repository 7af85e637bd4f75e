// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Whom one can ring, readable from any thread while one loop changes it.</summary>
/// <remarks>The table is replaced, never changed; a reader that still uses the old one finds a closed descriptor there and rings nobody.</remarks>
internal sealed class PeerTable
{
    private volatile KeyValuePair<PeerId, SafeFd[]>[] _sorted = [];

    /// <summary>Everybody, ascending.</summary>
    public IReadOnlyList<PeerId> Ids => Array.ConvertAll(_sorted, entry => entry.Key);

    /// <summary>Replaces, adds or removes a peer. One caller at a time.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="events">Its eventfds by vector, borrowed; null removes it.</param>
    public void Set(PeerId id, SafeFd[]? events)
    {
        KeyValuePair<PeerId, SafeFd[]>[] old = _sorted;
        int at = IndexOf(old, id);
        var next = new List<KeyValuePair<PeerId, SafeFd[]>>(old);
        if (at >= 0) next.RemoveAt(at);
        else at = ~at;
        if (events is not null) next.Insert(at, new(id, events));
        _sorted = [.. next];
    }

    /// <summary>The eventfds of a peer, or null.</summary>
    public SafeFd[]? Find(PeerId id)
    {
        KeyValuePair<PeerId, SafeFd[]>[] table = _sorted;
        int at = IndexOf(table, id);
        return at >= 0 ? table[at].Value : null;
    }

    /// <summary>Rings a vector of a peer.</summary>
    /// <returns>False where there is no such peer or vector.</returns>
    public bool Ring(PeerId id, int vector)
    {
        SafeFd[]? events = Find(id);
        if (events is null || (uint)vector >= (uint)events.Length) return false;
        try
        {
            _ = EventFd.Signal(events[vector]);   // a full counter is a ring that is pending already
            return true;
        }
        catch (ObjectDisposedException) { return false; }   // it left a moment ago
    }

    private static int IndexOf(KeyValuePair<PeerId, SafeFd[]>[] table, PeerId id)
    {
        int low = 0, high = table.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = table[middle].Key.CompareTo(id);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }
        return ~low;
    }
}
