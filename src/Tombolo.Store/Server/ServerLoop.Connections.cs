// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Store;

internal sealed partial class ServerLoop
{
    // Who comes, who goes, who holds their sockets.

    private void Admit(SafeFd socket)
    {
        PeerCredentials who = UnixSocket.CredentialsOf(socket);
        if (_options.Identify(who) is not { } domain) Refuse(socket, "it is not among the users that may connect");
        else if (!_freeSlots.TryPop(out int slot)) Refuse(socket, $"{_memory.SlotCount} connections are open, as many as there may be");
        else
        {
            // The keeper first: once it holds the connection, this server's death no longer cuts the client off.
            _persistence.Keeper?.Store(StoreParts.NameOf(slot, isRing: false), socket);
            Prepare(slot, domain, (0, 0));
            _memory[slot].State = SlotState.Socket;
            Attach(new SocketConnection(_memory, slot, socket, who, domain, _options.Quotas.Events));
        }
    }

    private void RefuseLast(SafeFd socket) => Refuse(socket, "no descriptor is left");

    private void Refuse(SafeFd socket, string reason)
    {
        PeerCredentials who = UnixSocket.CredentialsOf(socket);
        socket.Dispose();
        _counters.Refused++;
        Log.Refused(_log, who.ProcessId, who.UserId, reason);
    }

    private void Prepare(int slot, DomainId domain, (uint Received, uint Sent) start)
    {
        _memory.ForgetCall();
        ref Slot mine = ref _memory[slot];
        mine.Domain = domain.Value;
        mine.Connection = _memory.NextConnection++;
        mine.Received = mine.InOrigin = start.Received;
        mine.Sent = mine.OutOrigin = start.Sent;
        mine.Progress = start.Received | ((ulong)start.Sent << 32);
        mine.Flags = 0;
    }

    private void Attach(Connection connection)
    {
        connection.Token = _nextToken++;
        connection.Touched = Touch;
        if (_engine.Domains.TryGetValue(connection.Domain, out StoreDomain? known)) connection.Target = known.Target;
        _connections.Add(connection.Token, connection);
        if (connection is RingConnection ring) _rings[connection.Domain] = ring;
        _counters.Joins++;
        _epoll.Add(connection.Descriptor, connection is RingConnection ? EpollEvents.Readable : Wanted(connection), connection.Token);
        MarkDirty(connection);   // a successor may have something to send,
        Enqueue(connection);     // and requests to answer
    }

    private void Drop(Connection connection, string reason, uint ringError)
    {
        if (connection is RingConnection ring)
        {
            if (!ring.IsBroken) Log.Dropped(_log, NameOf(connection), reason);
            ring.Break(ringError);
            return;
        }
        if (ringError == 3) Log.Dropped(_log, NameOf(connection), reason);
        Close(connection);
    }

    private void Close(Connection connection)
    {
        if (connection.IsClosed) return;
        connection.IsClosed = true;
        if (connection.IsTouched)
        {
            connection.IsTouched = false;
            _ = _touched.Remove(connection);
        }
        _persistence.Keeper?.Remove(StoreParts.NameOf(connection.Slot, connection is RingConnection), connection is RingConnection ? 3 : 1);
        _memory[connection.Slot].State = SlotState.Free;
        _freeSlots.Push(connection.Slot);
        _engine.Forget(connection);
        _ = _connections.Remove(connection.Token);
        if (connection is RingConnection ring && _rings.GetValueOrDefault(connection.Domain) == ring) _ = _rings.Remove(connection.Domain);
        _epoll.Remove(connection.Descriptor);
        connection.Close();
        _counters.Leaves++;
    }

    /// <summary>Connects a domain's ring. Call it on the loop.</summary>
    /// <param name="domain">The domain; a ring that it has is closed.</param>
    /// <param name="ring">Owned from now on.</param>
    /// <returns>False where there is no place for it.</returns>
    public bool TryConnect(DomainId domain, StoreRing ring)
    {
        Disconnect(domain);
        if (!_freeSlots.TryPop(out int slot)) return false;
        _persistence.Keeper?.Store(StoreParts.NameOf(slot, isRing: true), ring.Memory, ring.ToServer, ring.ToDomain);
        Prepare(slot, domain, RingConnection.Indices(ring));
        _memory[slot].RingOffset = ring.OffsetBytes;
        _memory[slot].State = SlotState.Ring;
        Attach(new RingConnection(_memory, slot, ring, domain, _options.Quotas.Events));
        return true;
    }

    // The domain begins its ring anew, as a kernel does that was loaded by another (kexec).
    private void Reconnect(RingConnection ring)
    {
        StoreRing same = ring.Ring.Duplicate();
        ring.Empty();
        if (TryConnect(ring.Domain, same)) _rings[ring.Domain].SayItIsAnew();   // it is told last: until then it asks again, also a successor
        else Log.Dropped(_log, NameOf(ring), "there is no place for its ring");
    }

    private void Disconnect(DomainId domain)
    {
        if (_rings.GetValueOrDefault(domain) is { } ring) Close(ring);
    }

    /// <summary>Makes a domain known, with a home of its own, and with a ring or without. Call it on the loop.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="ring">Owned from now on.</param>
    /// <param name="keepsHome">It was there before: what is in its home is its own.</param>
    public bool TryIntroduce(DomainId domain, StoreRing? ring, bool keepsHome = false)
    {
        bool isKnown = _persistence.HasRoom(32) && TryMakeHome(domain, keepsHome || _engine.Domains.ContainsKey(domain)) && (ring is null || TryConnect(domain, ring));
        if (isKnown) _engine.Introduce(domain);
        Commit(null);
        return isKnown;
    }

    // As Xen's tool stack makes it: the domain reads its number there, and writes below data.
    private bool TryMakeHome(DomainId domain, bool keeps)
    {
        if (HomeOf(domain, out bool isOurs) is not { } home) return true;
        bool isThere = StoreTree.Find(_engine.Root, home) is not null;
        if (isThere && (keeps || !isOurs)) return true;
        byte[] data = [.. home, .. "/data"u8], number = [.. home, .. "/domid"u8];
        StorePermissions readable = new(new(default, StoreAccess.None), new(domain, StoreAccess.Read)), own = new(new StorePermission(domain, StoreAccess.None));
        return (!isThere || _engine.TryChange(new(ChangeKind.Remove, home, default, [], null)))
            && _engine.TryChange(new(ChangeKind.Make, home, default, [], null))
            && _engine.TryChange(new(ChangeKind.Permissions, home, default, [], readable))
            && _engine.TryChange(new(ChangeKind.Write, number, default, Encoding.ASCII.GetBytes(domain.ToString()), null))   // with its parent's permissions
            && _engine.TryChange(new(ChangeKind.Make, data, default, [], null))
            && _engine.TryChange(new(ChangeKind.Permissions, data, default, [], own));
    }

    // Null: it is declared, and not ours to make or to take away. One that somebody else wrote is not ours either: it has no number in it.
    private byte[]? HomeOf(DomainId domain, out bool isOurs)
    {
        string home = StorePath.HomeOf(domain);
        isOurs = StoreTree.Find(_engine.Root, Encoding.ASCII.GetBytes($"{home}/domid")) is not null;
        bool isDeclared = _options.Keys.Any(key => key.Path == home || key.Path.StartsWith(home + "/", StringComparison.Ordinal));
        return domain.Value == 0 || isDeclared ? null : Encoding.ASCII.GetBytes(home);
    }

    /// <summary>Makes sure that a domain is known, with its ring; one that was taken over goes on. Call it on the loop.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="ring">Owned from now on.</param>
    public bool TryResume(DomainId domain, StoreRing ring)
    {
        if (_rings.TryGetValue(domain, out RingConnection? there) && there.IsFor(ring))
        {
            foreach (SafeFd fd in (SafeFd[])[ring.Memory, ring.ToServer, ring.ToDomain]) fd.Dispose();
            return true;
        }
        if (!TryIntroduce(domain, ring, keepsHome: true)) return false;
        _rings[domain].Break(1);
        return true;
    }

    /// <summary>Where INTRODUCE looks for rings. Only on the loop.</summary>
    public List<IRingFinder> RingFinders { get; } = [];

    // For INTRODUCE: a ring that is there already goes on; a domain that nobody has a ring page of has none.
    private bool TryConnectKnown(DomainId domain, ulong frame)
    {
        if (RingFinders.Find(finder => finder.Has(domain)) is not { } finder) return frame == 0;
        if (finder.Find(domain, frame) is not { } ring) return false;
        try { return _rings.ContainsKey(domain) || TryConnect(domain, ring.Duplicate()); }
        catch (ObjectDisposedException) { return false; }   // it left in this moment
    }

    /// <summary>Forgets a domain. Call it on the loop.</summary>
    public bool TryRelease(DomainId domain)
    {
        byte[]? home = HomeOf(domain, out bool isOurs);
        if (!_engine.Domains.ContainsKey(domain) || !_engine.TryRelease(domain, isOurs ? home : null)) return false;
        Commit(null);
        return true;
    }

    private void MakeKeys()
    {
        foreach (StoreKey key in _options.Keys)
        {
            byte[] path = Encoding.UTF8.GetBytes(key.Path);
            if (StoreTree.Find(_engine.Root, path) is not null) continue;
            if (!_engine.TryChange(new(ChangeKind.Write, path, default, Encoding.UTF8.GetBytes(key.Value), null))) return;
            if (key.Permissions is not null) _ = _engine.TryChange(new(ChangeKind.Permissions, path, default, [], key.Permissions));
            Commit(null);
        }
    }

    private void ReplaceKeeper()
    {
        if (_persistence.Keeper is not { } dead) return;
        _epoll.Remove(dead.Socket);
        dead.Dispose();
        _persistence.Keeper = null;
        Log.KeeperGone(_log);
        KeeperLink.Replace(_options.KeeperCommand, _options.KeeperPath, () => _isStopping, keeper => Commands.Post(() =>
        {
            _parts.Entrust(keeper, _connections.Values);
            _epoll.Add(keeper.Socket, EpollEvents.Readable, KeeperToken);
        }), reason => Log.KeeperFailed(_log, reason));
    }
}
