// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>The server's one loop: it accepts, listens for hang-ups, and sends, and owns everything that changes.</summary>
/// <remarks>
/// Theory of operation. Each client has a queue of notices; the loop sends a few messages to each client that can take some, in turn, and goes back to epoll between rounds, so no client
/// delays another. A client that cannot take more is left until epoll says that it can. Whatever is told to whom is in the ledger before and after it is told.
/// </remarks>
internal sealed partial class ServerLoop : IDisposable
{
    private const ulong ListenerToken = ulong.MaxValue, CommandToken = ulong.MaxValue - 1, KeeperToken = ulong.MaxValue - 2;
    private const int MessagesPerTurn = 32, AcceptsPerTurn = 64;
    private const EpollEvents Gone = EpollEvents.HangUp | EpollEvents.ReadHangUp | EpollEvents.Error;
    private const long IgnoredBytesLimit = 64 * 1024;
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(10);

    private readonly DoorbellServerOptions _options;
    private readonly IDoorbellObserver? _observer;
    private readonly ILogger _log;
    private readonly ServerParts _parts;
    private readonly Membership _membership;
    private readonly Courier _courier;
    private readonly Epoll _epoll = new();
    private readonly Acceptor _acceptor = new();
    private readonly Dictionary<ulong, Session> _byToken = [];
    private readonly PeerTable _table = new();
    private readonly Resident? _resident;
    private readonly Action _step;
    private readonly List<Session> _later = [];
    private readonly Queue<Session> _ready = new();
    private ulong _nextToken;
    private volatile bool _isStopping;
    private long _stopDeadline;
    private DoorbellCounters _counters = new();

    public ServerLoop(DoorbellServerOptions options, ServerParts parts, IDoorbellObserver? observer, ILogger log, Action step)
    {
        (_options, _parts, _observer, _log, _step) = (options, parts, observer, log, step);
        _membership = parts.Membership;
        _courier = new(parts.Ledger, parts.Memory.Descriptor, parts.PipeReader, parts.PipeWriter, step);
        _epoll.Add(parts.Listener, EpollEvents.Readable, ListenerToken);
        _epoll.Add(Commands.Descriptor, EpollEvents.Readable, CommandToken);
        if (parts.Keeper is { } keeper) _epoll.Add(keeper.Socket, EpollEvents.Readable, KeeperToken);
        foreach (Member member in _membership.Present) _table.Set(member.Id, member.Slot == 0 ? null : member.Events);
        if (_membership.At(0) is { } self) _resident = new(self, parts.Window, _table);
    }

    public Resident? Resident => _resident;

    /// <summary>The eventfds of a client or slot; from any thread.</summary>
    public IReadOnlyList<SafeFd>? EventsOf(PeerId id) => _table.Find(id);

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        if (_parts.Found is { } found) GoOn(found);
        var reports = new EpollReport[128];
        while (!IsStopped())
        {
            int count = _epoll.Wait(reports, NextTimeout());
            foreach (EpollReport report in reports.AsSpan(0, count)) Dispatch(report);
            RetryLater();
            SendRound();
        }
        CloseAll();
    }

    /// <summary>What other threads want done on the loop.</summary>
    public LoopCommands Commands { get; } = new();

    /// <summary>Ends the loop in order: nobody is accepted any more, handshakes are finished, everything is closed. Call it on the loop.</summary>
    public void Stop()
    {
        if (_isStopping) return;
        _isStopping = true;
        _stopDeadline = Environment.TickCount64 + (long)_options.StopGrace.TotalMilliseconds;
        File.Delete(_options.SocketPath);
        _acceptor.Accept(_parts.Listener, int.MaxValue, Admit, RefuseLast);   // who waits already is refused in words, not cut off
        _epoll.Remove(_parts.Listener);
    }

    /// <summary>The present state. Call it on the loop.</summary>
    public DoorbellSnapshot Snapshot() => new(
        [.. _membership.Sessions.Select(session => new PeerSnapshot(session.Member.Id, session.Who, session.Member.Events.Length, session.IsLive, session.Waiting)).OrderBy(peer => peer.Id)],
        _counters with { Messages = _courier.Messages },
        _parts.Keeper is { IsAlive: true });

    public void Dispose()
    {
        _resident?.Dispose();
        _acceptor.Dispose();
        Commands.Dispose();
        _epoll.Dispose();
    }

    private TimeSpan NextTimeout()
    {
        if (_ready.Count > 0) return TimeSpan.Zero;
        if (_later.Count > 0) return _retry;
        return _isStopping ? TimeSpan.FromMilliseconds(Math.Max(0, _stopDeadline - Environment.TickCount64)) : Timeout.InfiniteTimeSpan;
    }

    private bool IsStopped() => _isStopping && (_membership.Sessions.All(session => session.IsLive) || Environment.TickCount64 >= _stopDeadline);

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
                if (_byToken.TryGetValue(report.Token, out Session? session)) Guard(session, () => Serve(session, report));
                break;
        }
    }

    private void Serve(Session session, EpollReport report)
    {
        if ((report.Events & EpollEvents.Readable) != 0 && !IgnoreInput(session)) return;
        if ((report.Events & Gone) != 0)
        {
            Close(session);
            return;
        }
        if ((report.Events & EpollEvents.Writable) != 0)
        {
            session.AwaitsWritable = false;
            Watch(session);
            Schedule(session);
        }
    }

    // The protocol has no message from client to server: what comes is thrown away, descriptors included, and after a while not even read.
    private bool IgnoreInput(Session session)
    {
        using var inbox = new FdInbox();
        Span<byte> bytes = stackalloc byte[4096];
        SocketResult result = UnixSocket.Receive(session.Socket, bytes, inbox);
        if (result.IsClosed)
        {
            Close(session);
            return false;
        }
        session.IgnoredBytes += result.Bytes;
        _counters = _counters with { IgnoredBytes = _counters.IgnoredBytes + result.Bytes };
        if (session.IgnoredBytes > IgnoredBytesLimit && session.IgnoredBytes - result.Bytes <= IgnoredBytesLimit)
        {
            Log.StoppedReading(_log, session.Member.Id);
            Watch(session);
        }
        return true;
    }

    private void Watch(Session session)
    {
        if (!session.IsClosed) _epoll.Change(session.Socket, Wanted(session), session.Token);
    }

    private static EpollEvents Wanted(Session session) =>
        EpollEvents.ReadHangUp
        | (session.IgnoredBytes > IgnoredBytesLimit ? EpollEvents.None : EpollEvents.Readable)
        | (session.AwaitsWritable ? EpollEvents.Writable : EpollEvents.None);

    // One session's fault, ours or an observer's, ends that session alone.
    private void Guard(Session session, Action action)
    {
        try { action(); }
        catch (Exception exception) when (exception is not OutOfMemoryException) { Fail(session, exception); }
    }

    private void Fail(Session session, Exception exception)
    {
        Log.SessionFault(_log, session.Member.Id, exception.ToString());
        Close(session);
    }

    private void CloseAll()
    {
        foreach (Session session in _membership.Sessions.ToArray())
        {
            if (!session.IsLive) Log.CutOff(_log, session.Member.Id);
            session.Socket.Dispose();
        }
        foreach (Member member in _membership.Present) member.CloseEvents();
    }
}
