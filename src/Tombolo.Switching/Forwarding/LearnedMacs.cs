// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>Addresses that were seen to send, where, and when. Of a fixed size; what is not heard of for a while makes room.</summary>
/// <remarks>
/// Buckets of eight; address and port of an entry are one word, so that readers need no lock. Writers take one (<see cref="_write"/> guards what is written), but only
/// for an address that is new, moved, or was last noted a second ago. Which bucket is an address's follows from a number that nobody is told: a sender cannot choose addresses that
/// leave no room for another's.
/// </remarks>
internal sealed class LearnedMacs(TimeSpan ageing, TimeProvider time)
{
    private const int BucketBits = 10, Buckets = 1 << BucketBits, Ways = 8, PortShift = 48;
    private const ulong MacMask = (1UL << PortShift) - 1;
    private readonly ulong _factor = (ulong)Random.Shared.NextInt64() | 1;
    private readonly Lock _write = new();
    private readonly ulong[] _entries = new ulong[Buckets * Ways];   // port + 1 above the address; 0 for none
    private readonly long[] _seen = new long[Buckets * Ways];
    private readonly int[] _perPort = new int[SwitchOptions.MaxPorts];
    private readonly long _ageing = (long)(ageing.TotalSeconds * time.TimestampFrequency);

    /// <summary>The port behind which an address was seen, among those that one reaches.</summary>
    public int Find(ForwardingTable table, int from, ulong mac, long now)
    {
        int bucket = Bucket(mac);
        for (int i = bucket; i < bucket + Ways; i++)
        {
            ulong entry = Volatile.Read(ref _entries[i]);
            if ((entry & MacMask) != mac || entry == 0 || now - Volatile.Read(ref _seen[i]) > _ageing) continue;
            int port = (int)(entry >> PortShift) - 1;
            if (port == from || table.Reaches(from, port)) return port;
        }
        return -1;
    }

    /// <summary>Notes that an address sent.</summary>
    public void Learn(ForwardingTable table, int port, ulong mac, int most, long now)
    {
        int bucket = Bucket(mac);
        ulong wanted = ((ulong)(port + 1) << PortShift) | mac;
        for (int i = bucket; i < bucket + Ways; i++)
            if (Volatile.Read(ref _entries[i]) == wanted)
            {
                if (now - Volatile.Read(ref _seen[i]) > time.TimestampFrequency) Volatile.Write(ref _seen[i], now);
                return;
            }
        lock (_write) Insert(table, port, mac, most, now, bucket, wanted);
    }

    /// <summary>Forgets all that was learned of a port.</summary>
    public void Forget(int port)
    {
        lock (_write)
            for (int i = 0; i < _entries.Length; i++)
                if ((int)(_entries[i] >> PortShift) - 1 == port) Remove(i);
    }

    /// <summary>What is known now.</summary>
    public IReadOnlyList<(MacAddress Mac, int Port, TimeSpan Age)> Snapshot(long now)
    {
        var all = new List<(MacAddress, int, TimeSpan)>();
        lock (_write)
            for (int i = 0; i < _entries.Length; i++)
                if (_entries[i] != 0 && now - _seen[i] <= _ageing)
                    all.Add((new(_entries[i] & MacMask), (int)(_entries[i] >> PortShift) - 1, TimeSpan.FromSeconds((now - _seen[i]) / (double)time.TimestampFrequency)));
        return all;
    }

    private void Insert(ForwardingTable table, int port, ulong mac, int most, long now, int bucket, ulong wanted)
    {
        int free = -1;
        for (int i = bucket; i < bucket + Ways; i++)
        {
            ulong entry = _entries[i];
            if (entry != 0 && now - _seen[i] > _ageing) Remove(i);
            else if (entry != 0 && (entry & MacMask) == mac && table.Reaches(port, (int)(entry >> PortShift) - 1)) Remove(i);   // it moved
            if (_entries[i] == 0) free = i;
        }
        if (free < 0 || _perPort[port] >= most) return;
        _perPort[port]++;
        Volatile.Write(ref _seen[free], now);
        Volatile.Write(ref _entries[free], wanted);
    }

    private void Remove(int at)
    {
        _perPort[(int)(_entries[at] >> PortShift) - 1]--;
        Volatile.Write(ref _entries[at], 0);
    }

    // Multiply and shift: two addresses share a bucket for at most 2 in 1024 factors.
    private int Bucket(ulong mac) => (int)((mac * _factor) >> (64 - BucketBits)) * Ways;
}
