// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Store;

/// <summary>The server's one loop: it accepts, pulls requests, has the engine answer them, commits, and pushes replies; it owns everything that changes.</summary>
/// <remarks>
/// Theory of operation. In each turn, every connection with something to say is pulled once and up to 64 of its requests are answered; what they and the watchers are to be told waits in their
/// output until all were served, and then leaves in one call for each. A connection whose other side takes nothing is not pulled until it does, so nothing grows and nobody waits for it.
/// A request counts from the moment it is committed: then it is taken from the input, its reply stands in the output, the journal has its changes, all at once.
/// </remarks>
internal sealed partial class ServerLoop : IDisposable
{
    private const ulong ListenerToken = ulong.MaxValue, CommandToken = ulong.MaxValue - 1, KeeperToken = ulong.MaxValue - 2;
    private const int RequestsPerTurn = 64, AcceptsPerTurn = 64;
    private const EpollEvents Gone = EpollEvents.HangUp | EpollEvents.ReadHangUp | EpollEvents.Error;

    private readonly StoreServerOptions _options;
    private readonly ILogger _log;
    private readonly StoreParts _parts;
    private readonly StoreMemory _memory;
    private readonly StoreEngine _engine;
    private readonly Persistence _persistence;
    private readonly Epoll _epoll = new();
    private readonly Acceptor _acceptor = new();
    private readonly Dictionary<ulong, Connection> _connections = [];
    private readonly Dictionary<DomainId, RingConnection> _rings = [];
    private readonly List<Connection> _touched = [], _dirty = [];
    private readonly Queue<Connection> _queue = new();
    private readonly Stack<int> _freeSlots = new();
    private readonly long _spinTicks;
    private ulong _nextToken;
    private volatile bool _isStopping;
    private StoreCounters _counters;

    public ServerLoop(StoreServerOptions options, StoreParts parts, ILogger log)
    {
        (_options, _parts, _log, _memory, _engine, _persistence) = (options, parts, log, parts.Memory, parts.Engine, parts.Persistence);
        _spinTicks = (long)(options.Spin.TotalSeconds * Stopwatch.Frequency);
        _persistence.Connections = () => _connections.Values;
        _engine.Connect = TryConnectKnown;
        _engine.Disconnect = Disconnect;
        _engine.TargetChanged = (domain, target) =>
        {
            foreach (Connection connection in _connections.Values)
                if (connection.Domain == domain) connection.Target = target;
        };
        HashSet<int> used = [.. parts.Found.Select(connection => connection.Slot)];
        for (int slot = _memory.SlotCount - 1; slot >= 0; slot--)
            if (!used.Contains(slot)) _freeSlots.Push(slot);
        _epoll.Add(parts.Listener, EpollEvents.Readable, ListenerToken);
        _epoll.Add(Commands.Descriptor, EpollEvents.Readable, CommandToken);
        if (_persistence.Keeper is { } keeper) _epoll.Add(keeper.Socket, EpollEvents.Readable, KeeperToken);
    }

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        MakeKeys();
        foreach (Connection connection in _parts.Found) Attach(connection);
        foreach (SafeFd orphan in _parts.Orphans) Admit(orphan);
        var reports = new EpollReport[256];
        while (!_isStopping)
        {
            int count = _epoll.Wait(reports, _queue.Count > 0 ? TimeSpan.Zero : Timeout.InfiniteTimeSpan);
            foreach (EpollReport report in reports.AsSpan(0, count)) Dispatch(report);
            WorkQueue();
            Flush();
            if (_spinTicks > 0 && count > 0) Spin(reports);
        }
        foreach (Connection connection in _connections.Values) connection.Close();
    }

    /// <summary>What other threads want done on the loop.</summary>
    public LoopCommands Commands { get; } = new();

    /// <summary>Ends the loop. Call it on the loop.</summary>
    public void Stop() => _isStopping = true;

    /// <summary>The present state. Call it on the loop.</summary>
    public StoreSnapshot Snapshot() => new(
        _engine.Counts.All.Sum(pair => pair.Value), _connections.Count, _connections.Values.Sum(connection => connection.Watches.Count), _connections.Values.Sum(connection => connection.TransactionCount),
        [.. _engine.Domains.Keys.OrderBy(domain => domain.Value)], _counters with { QuotaHits = _persistence.QuotaHits }, _persistence.Keeper is { IsAlive: true });

    public void Dispose()
    {
        _acceptor.Dispose();
        Commands.Dispose();
        _epoll.Dispose();
    }

    private void Spin(EpollReport[] reports)
    {
        long until = Stopwatch.GetTimestamp() + _spinTicks;
        while (!_isStopping && Stopwatch.GetTimestamp() < until)
        {
            int count = _epoll.Wait(reports, TimeSpan.Zero);
            if (count == 0) continue;
            foreach (EpollReport report in reports.AsSpan(0, count)) Dispatch(report);
            WorkQueue();
            Flush();
            until = Stopwatch.GetTimestamp() + _spinTicks;
        }
    }

    private void Dispatch(EpollReport report)
    {
        switch (report.Token)
        {
            case ListenerToken:
                _acceptor.Accept(_parts.Listener, AcceptsPerTurn, Admit, RefuseLast);
                break;
            case CommandToken:
                Commands.Run();
                break;
            case KeeperToken:
                ReplaceKeeper();
                break;
            default:
                if (_connections.TryGetValue(report.Token, out Connection? connection)) Guard(connection, report.Events);
                break;
        }
    }

    // One session's fault, ours or its own, ends that session alone.
    private void Guard(Connection connection, EpollEvents events)
    {
        try { Serve(connection, events); }
        catch (Exception exception) when (exception is not OutOfMemoryException) { Fail(connection, exception); }
    }

    private void Fail(Connection connection, Exception exception)
    {
        Log.SessionFault(_log, NameOf(connection), exception.ToString());
        Close(connection);
    }

    private void Serve(Connection connection, EpollEvents events)
    {
        if (connection is RingConnection ring)
        {
            ring.Answer();
            if (ring.AsksAnew)
            {
                Reconnect(ring);
                return;
            }
            if (ring.IsBroken) return;
            MarkDirty(connection);   // room may have come
        }
        else if ((events & EpollEvents.Writable) != 0) MarkDirty(connection);
        if ((events & (EpollEvents.Readable | Gone)) == 0 || connection.IsBlocked)
        {
            if ((events & (EpollEvents.HangUp | EpollEvents.Error)) != 0) Close(connection);
            return;
        }
        Transfer came = connection.Pull();
        Work(connection);
        if (came == Transfer.Gone) Drop(connection, "it hung up or broke the rules of its ring", 2);
        else if (came == Transfer.Moved && connection is RingConnection) Enqueue(connection);   // a doorbell is rung once: look again until nothing is left
    }

    // Answers requests that are there.
    private void Work(Connection connection)
    {
        for (int i = 0; !connection.IsClosed && connection.HasRoom; i++)
        {
            if (i == RequestsPerTurn)
            {
                Enqueue(connection);
                return;
            }
            if (!connection.TryTake(out StoreHeader header, out ReadOnlySpan<byte> payload, out bool isFault))
            {
                if (isFault) Drop(connection, $"it announced a message of {header.Length} bytes, where {StoreHeader.MaxPayload} is the most", 3);
                return;
            }
            _ = _persistence.HasRoom(0);
            _engine.Handle(connection, header, payload);
            Commit(connection);
        }
    }

    private void Commit(Connection? connection)
    {
        if (connection is { IsTouched: false }) Touch(connection);
        _counters.Requests++;
        foreach (Connection one in _touched)
        {
            if (one.HasOverdue || one == connection) one.SaveFlags();
        }
        _persistence.Commit(_touched);
        foreach (Connection one in _touched)
        {
            one.IsTouched = false;
            MarkDirty(one);
        }
        _touched.Clear();
    }

    private void Touch(Connection connection)
    {
        connection.IsTouched = true;
        _touched.Add(connection);
    }

    private void MarkDirty(Connection connection)
    {
        if (connection.IsDirty || connection.IsClosed) return;
        connection.IsDirty = true;
        _dirty.Add(connection);
    }

    private void Enqueue(Connection connection)
    {
        if (connection.IsQueued || connection.IsClosed) return;
        connection.IsQueued = true;
        _queue.Enqueue(connection);
    }

    private void WorkQueue()
    {
        for (int turn = _queue.Count; turn > 0; turn--)
        {
            Connection connection = _queue.Dequeue();
            connection.IsQueued = false;
            if (!connection.IsClosed) Guard(connection, EpollEvents.Readable);
        }
    }

    private void Flush()
    {
        for (int i = 0; i < _dirty.Count; i++)
        {
            Connection connection = _dirty[i];
            connection.IsDirty = false;
            if (connection.IsClosed) continue;
            try { Flush(connection); }
            catch (Exception exception) when (exception is not OutOfMemoryException) { Fail(connection, exception); }
        }
        _dirty.Clear();
    }

    private void Flush(Connection connection)
    {
        while (connection.Unsent > 0)
        {
            Transfer went = connection.Push();
            if (went == Transfer.Moved) continue;
            if (went == Transfer.Gone) Drop(connection, "it hung up or broke the rules of its ring", 2);
            else Block(connection, isBlocked: true);
            return;
        }
        bool wasBlocked = connection.IsBlocked;
        Block(connection, isBlocked: false);
        if (connection.HasOverdue)
        {
            StoreEngine.CatchUp(connection);
            if (connection.IsTouched) Commit(connection);
        }
        if (wasBlocked) Enqueue(connection);
    }

    private void Block(Connection connection, bool isBlocked)
    {
        if (connection.IsBlocked == isBlocked) return;
        connection.IsBlocked = isBlocked;
        if (connection is SocketConnection) _epoll.Change(connection.Descriptor, Wanted(connection), connection.Token);
    }

    private static EpollEvents Wanted(Connection connection) => connection.IsBlocked ? EpollEvents.Writable : EpollEvents.Readable | EpollEvents.ReadHangUp;

    private static string NameOf(Connection connection) => connection is SocketConnection socket
        ? $"a client of process {socket.Who.ProcessId}, user {socket.Who.UserId}, domain {connection.Domain}" : $"the ring of domain {connection.Domain}";
}
