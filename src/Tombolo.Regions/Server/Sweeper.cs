// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>The receiver of last resort: takes what the guest signals where nobody else does.</summary>
/// <remarks>
/// A client that may only read cannot take signals; with such clients alone, the guest's first signal would stay in the table, and the guest would never ring again. So once a reader was served,
/// the server looks a little after each ring: a signalled word that still stands is nobody's, and is taken. Clients that can take signals do so at once, and the server finds nothing.
/// Belongs to the clients' loop.
/// </remarks>
internal sealed class Sweeper(RegionLayout layout, Window window, IReadOnlyList<SafeFd> fromGuest, IReadOnlyList<SafeFd> toGuest, TimeProvider time)
{
    /// <summary>Tokens below this are the sweeper's: a region's index each.</summary>
    public const ulong Tokens = RegionLayout.MaxRegions;

    private static readonly TimeSpan _grace = TimeSpan.FromMilliseconds(20);
    private readonly Queue<(int Region, long Due)> _due = new();
    private readonly HashSet<int> _isDue = [];
    private readonly OwedSignals[] _owed = [.. layout.Regions.Select(region => new OwedSignals(region.HostToGuest.Slots))];   // by region
    private bool _isWatching;

    /// <summary>When there is something to do; null: not before the next ring.</summary>
    public long? NextDue => _due.TryPeek(out (int Region, long Due) next) ? next.Due : null;

    /// <summary>Starts to hear the guest's rings. It sees each ring and takes none: whoever reads the doorbell still finds it.</summary>
    public void Watch(Epoll epoll)
    {
        if (_isWatching) return;
        _isWatching = true;
        for (int region = 0; region < fromGuest.Count; region++) epoll.Add(fromGuest[region], EpollEvents.Readable | EpollEvents.EdgeTriggered, (ulong)region);
    }

    /// <summary>The guest rang.</summary>
    public void Heard(int region, long now)
    {
        if (_isDue.Add(region)) _due.Enqueue((region, now + (long)(_grace.TotalSeconds * time.TimestampFrequency)));
    }

    /// <summary>Takes what is due.</summary>
    public void Sweep(long now)
    {
        while (_due.TryPeek(out (int Region, long Due) next) && next.Due <= now)
        {
            _ = _due.Dequeue();
            _ = _isDue.Remove(next.Region);
            if (Take(next.Region) || !_owed[next.Region].IsEmpty) Heard(next.Region, now);   // what came meanwhile rang nobody
        }
    }

    // Whether there may be more.
    private bool Take(int index)
    {
        RegionDescriptor region = layout.Regions[index];
        OwedSignals owed = _owed[index];
        bool wasFull = owed.IsFull;   // then some may have stayed in their slots
        owed.Pay(offset =>
        {
            var back = new RegionGround(window, region, region.HostToGuest, toGuest[index]);
            return SignalProtocol.TrySend(ref back, offset);
        });
        var ground = new RegionGround(window, region, region.GuestToHost, fromGuest[index], owed);
        return (wasFull || ground.ReadSignalled() != 0) && SignalProtocol.Receive(ref ground, region.LengthBytes);
    }
}
