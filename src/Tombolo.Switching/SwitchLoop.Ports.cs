// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;

namespace Tombolo.Switching;

internal sealed partial class SwitchLoop
{
    // Ports and topologies come, go and change; rings find their data thread.

    public void AddPort(PortOptions options, IReadOnlyList<TopologyOptions>? topologies = null)
    {
        PortOptions[] all = [.. _ports.Values.Select(static other => other.Port.Options), options];
        ThrowIfAny(options.Problems().Concat(SwitchOptions.PortsTogether(all)).Concat(topologies is null ? [] : (_options with { Ports = all, Topologies = topologies }).Problems()).Distinct());
        if (_ports.Count >= SwitchOptions.MaxPorts) throw new SwitchException($"Switch '{_options.Name}' has {_ports.Count} ports already, the most there may be.");
        int index = Enumerable.Range(0, SwitchOptions.MaxPorts).First(free => _ports.Values.All(other => other.Port.Index != free));
        Port port = options.Uplink is null ? new VhostPort(options, index, _time, this) : new UplinkPort(options, index, _time);
        port.CountersBefore = Sum(index);
        var connection = new PortConnection(port);
        if (options is { HasSocket: true, IsClient: false }) Listen(connection);
        _ports.Add(options.Name, connection);
        IReadOnlyList<TopologyOptions> before = _topologies;
        _topologies = topologies ?? before;
        Rebuild();
        if (options is { HasSocket: true, IsClient: true }) connection.ConnectAt = _time.GetTimestamp();
        if (options.HasSocket) return;
        try { OpenUplink(connection); }   // last: its frames come at once
        catch
        {
            RemovePort(options.Name);
            _topologies = before;
            Rebuild();
            throw;
        }
    }

    public void RemovePort(string name)
    {
        PortConnection connection = Find(name);
        if (connection.Vhost is null) EndUplink(connection, "The port was removed.");
        EndSession(connection, "The port was removed.");
        _ = _ports.Remove(name);
        if (connection.Listener is { } listener)
        {
            _ = _byToken.Remove(connection.ListenerToken);
            _epoll.Remove(listener);
        }
        EndCapture(connection.Port);
        connection.Port.Leave();
        connection.Dispose();
        _topologies = [.. _topologies.Select(topology => Without(topology, name))];
        Rebuild();
        Learned.Forget(connection.Port.Index);
    }

    public void ChangePort(PortOptions options)
    {
        ThrowIfAny(options.Problems());
        Port port = Find(options.Name).Port;
        PortOptions old = port.Options;
        if (options with { Macs = old.Macs, AllowsAnySource = old.AllowsAnySource, Learns = old.Learns, MostLearned = old.MostLearned, Mtu = old.Mtu, ToGuest = old.ToGuest, FromGuest = old.FromGuest } != old)
            throw new SwitchException($"Port '{options.Name}' is in use: its socket, queues, features and backlog cannot change; remove it and add it again.");
        port.Change(options);
        if (!options.Learns) Learned.Forget(port.Index);
        Rebuild();
    }

    public void SetTopologies(IReadOnlyList<TopologyOptions> topologies)
    {
        ThrowIfAny((_options with { Ports = [.. _ports.Values.Select(static connection => connection.Port.Options)], Topologies = topologies }).Problems());
        _topologies = topologies;
        Rebuild();
    }

    public SwitchSnapshot Snapshot()
    {
        var names = _ports.Values.ToDictionary(static connection => connection.Port.Index, static connection => connection.Port.Name);
        return new(
            [.. _ports.Values.Select(Snapshot).OrderBy(static port => port.Options.Name, StringComparer.Ordinal)],
            _topologies,
            [.. Learned.Snapshot(_time.GetTimestamp()).Where(entry => names.ContainsKey(entry.Port)).Select(entry => new LearnedMac(entry.Mac, names[entry.Port], entry.Age))]);
    }

    public void RingStarted(VhostPort port, Vring ring)
    {
        DataThread thread = ThreadOf(port, ring);
        ulong token = _nextToken++;
        Find(port.Name).Pollers[ring.Index] = (thread, token);
        if (ring.Kick is { } kick) thread.Watch(kick, token);
        thread.Post(data => data.Add(new(port, ring, token)));
        if (!port.Device.Memory.Regions.All(static region => region.IsSizeSealed) && ring.Index == 0) Log.MemoryNotSealed(_log, port.Name);
    }

    public void RingStopping(VhostPort port, Vring ring)
    {
        if (!_ports.TryGetValue(port.Name, out PortConnection? connection) || !connection.Pollers.Remove(ring.Index, out (DataThread Thread, ulong Token) poller)) return;
        if (ring.Kick is { } kick) poller.Thread.Unwatch(kick);
        poller.Thread.Post(data => data.Remove(poller.Token));
    }

    public void RingEnabled(VhostPort port, Vring ring)
    {
        if (!ring.IsUsable || !_ports.TryGetValue(port.Name, out PortConnection? connection) || !connection.Pollers.TryGetValue(ring.Index, out (DataThread Thread, ulong Token) poller)) return;
        poller.Thread.Post(data => data.Add(new(port, ring, poller.Token)));   // what came while it was disabled is looked at now
    }

    // A reverse ARP request for the guest's own address, from it to everybody: switches learn where it is. Source: RFC 903; QEMU's announce.
    public void Announce(VhostPort port, MacAddress address)
    {
        byte[] frame = new byte[60];
        MacAddress.Broadcast.Write(frame);
        address.Write(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x8035);   // RARP
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(14), 1);        // Ethernet
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(16), 0x0800);   // IPv4
        (frame[18], frame[19]) = (6, 4);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(20), 3);        // reverse request
        address.Write(frame.AsSpan(22));
        address.Write(frame.AsSpan(32));
        _threads[port.Index % _threads.Length].Post(thread => thread.Inject(port, frame));
    }

    private PortSnapshot Snapshot(PortConnection connection)
    {
        Port port = connection.Port;
        long[] counters = Sum(port.Index);
        for (int i = 0; i < counters.Length; i++) counters[i] -= port.CountersBefore[i];
        int rings = 0;
        foreach (Vring ring in connection.Vhost is { } vhost ? vhost.Device.Rings : [])
            if (ring.IsUsable) rings++;
        return new(port.Options, connection.Session?.Who.ProcessId, port.IsUp, connection.Vhost?.Features ?? VirtioFeatures.None, rings, connection.Vhost?.Fault, connection.LastEnd, counters) { Refusal = connection.Session is null ? null : connection.Refusal };
    }

    private DataThread ThreadOf(VhostPort port, Vring ring) => _threads[(port.Index + (ring.Index / 2)) % _threads.Length];

    private long[] Sum(int port)
    {
        long[] sums = new long[PortCounters.Count];
        foreach (DataThread thread in _threads) thread.AddTo(sums, port);
        return sums;
    }

    internal PortConnection Find(string name) => _ports.TryGetValue(name, out PortConnection? connection) ? connection : throw new SwitchException($"Switch '{_options.Name}' has no port '{name}'.");

    private void Listen(PortConnection connection)
    {
        PortOptions options = connection.Port.Options;
        FileLock claim = FileLock.TryTake(options.SocketPath + ".lock", out int owner) ?? throw new SwitchException($"Process {owner} serves '{options.SocketPath}' already; stop it, or choose another path.");
        try
        {
            switch (UnixSocket.ClearStale(options.SocketPath, UnixSocketKind.Stream, out owner))
            {
                case SocketPlace.Served: throw new SwitchException($"Process {owner} serves '{options.SocketPath}' already; stop it, or choose another path.");
                case SocketPlace.Other: throw new SwitchException($"'{options.SocketPath}' exists and is not a socket; move it away or choose another path.");
                case SocketPlace.Stale: Log.StaleSocket(_log, options.Name, options.SocketPath); break;
                default: break;
            }
            connection.Listener = UnixSocket.Listen(options.SocketPath, UnixSocketKind.Stream, options.SocketMode);
            connection.Claim = claim;
        }
        catch
        {
            claim.Dispose();
            throw;
        }
        connection.ListenerToken = Register(connection, connection.Listener, EpollEvents.Readable);
    }

    private void Rebuild() => Volatile.Write(ref _table, new([.. _ports.Values.Select(static connection => connection.Port)], _topologies));

    private static TopologyOptions Without(TopologyOptions topology, string name) => topology with
    {
        Members = [.. topology.Members.Where(member => member != name)],
        Partitions = [.. topology.Partitions.Select(part => (IReadOnlyList<string>)[.. part.Where(member => member != name)])],
        Cut = [.. topology.Cut.Where(pair => pair.One != name && pair.Other != name)],
    };

    private static void ThrowIfAny(IEnumerable<string> problems)
    {
        string all = string.Join(' ', problems);
        if (all.Length > 0) throw new SwitchException(all);
    }
}
