// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>The server's one loop: it accepts, listens for hang-ups, and sends, and owns everything that changes.</summary>
/// <remarks>
/// Theory of operation. Each client has a queue of notices; the loop sends a few messages to each client that can take some, in turn, and goes back to epoll between rounds, so no client
/// delays another. A client that cannot take more is left until epoll says that it can. Whatever is told to whom is in the ledger before and after it is told.
/// </remarks>
internal sealed class ServerLoop : IDisposable
{
    private const ulong ListenerToken = ulong.MaxValue, CommandToken = ulong.MaxValue - 1, KeeperToken = ulong.MaxValue - 2;
    private const int MessagesPerTurn = 32, AcceptsPerTurn = 64;
    private const EpollEvents Gone = EpollEvents.HangUp | EpollEvents.ReadHangUp | EpollEvents.Error;
    private const long IgnoredBytesLimit = 64 * 1024;
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(10), _keeperRetry = TimeSpan.FromSeconds(1);

    private readonly DoorbellServerOptions _options;
    private readonly IDoorbellObserver? _observer;
    private readonly ILogger _log;
    private readonly ServerParts _parts;
    private readonly Membership _membership;
    private readonly Courier _courier;
    private readonly Epoll _epoll = new();
    private readonly Doorbell _commandBell = Doorbell.Create();
    private readonly ConcurrentQueue<Action> _commands = new();
    private readonly Dictionary<ulong, Session> _byToken = [];
    private readonly PeerTable _table = new();
    private readonly Resident? _resident;
    private readonly Action _step;
    private readonly List<Session> _later = [];
    private readonly Queue<Session> _ready = new();
    private SafeFd _spare = EventFd.Create();
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
        _epoll.Add(_commandBell.Descriptor, EpollEvents.Readable, CommandToken);
        if (parts.Keeper is { } keeper) _epoll.Add(keeper.Socket, EpollEvents.Readable, KeeperToken);
        foreach (Member member in _membership.Present) _table.Set(member.Id, member.Slot == 0 ? null : member.Events);
        if (_membership.At(0) is { } self) _resident = new(self, parts.Window, _table);
    }

    public Resident? Resident => _resident;

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

    /// <summary>Has the loop do something; from any thread.</summary>
    public void Post(Action command)
    {
        _commands.Enqueue(command);
        _ = _commandBell.Ring();
    }

    /// <summary>Ends the loop in order: nobody is accepted any more, handshakes are finished, everything is closed. Call it on the loop.</summary>
    public void Stop()
    {
        if (_isStopping) return;
        _isStopping = true;
        _stopDeadline = Environment.TickCount64 + (long)_options.StopGrace.TotalMilliseconds;
        File.Delete(_options.SocketPath);
        AcceptWaiting(int.MaxValue);   // who waits already is refused in words, not cut off
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
        _spare.Dispose();
        _commandBell.Dispose();
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
                AcceptWaiting(AcceptsPerTurn);
                break;
            case CommandToken:
                _ = _commandBell.TryTake();
                while (_commands.TryDequeue(out Action? command)) command();
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

    private void AcceptWaiting(int most)
    {
        for (int i = 0; i < most; i++)
        {
            SafeFd? socket = UnixSocket.TryAccept(_parts.Listener, out int errno);
            if (socket is not null) Admit(socket);
            else if (errno is Errno.TooManyOpenFiles or Errno.FileTableFull)
            {
                _spare.Dispose();
                if (UnixSocket.TryAccept(_parts.Listener, out _) is { } last) Refuse(last, "no descriptor is left", isFull: true);
                _spare = EventFd.Create();
            }
            else if (errno != Errno.ConnectionAborted) return;
        }
    }

    private void Admit(SafeFd socket)
    {
        PeerCredentials who = UnixSocket.CredentialsOf(socket);
        if (_isStopping) Refuse(socket, "the server is stopping", isFull: true);
        else if (!IsAllowed(who)) Refuse(socket, "it is not among the users and groups that may connect", isFull: false);
        else if (!_membership.TryPlace(_options.PreferredId?.Invoke(who), out Member? member, out string reason)
            && (!CloseHungUp() || !_membership.TryPlace(_options.PreferredId?.Invoke(who), out member, out reason))) Refuse(socket, reason, isFull: true);
        else Join(socket, who, member!);
    }

    // A place is free as soon as its client hung up, also if that was not reported yet: who comes back at once shall find it.
    private bool CloseHungUp()
    {
        int before = _membership.Sessions.Count;
        var reports = new EpollReport[128];
        for (int left = (before / reports.Length) + 1; left > 0; left--)
        {
            int count = _epoll.Wait(reports, TimeSpan.Zero);
            foreach (EpollReport report in reports.AsSpan(0, count))
                if ((report.Events & Gone) != 0 && _byToken.TryGetValue(report.Token, out Session? session)) Close(session);
        }
        return _membership.Sessions.Count < before;
    }

    private bool IsAllowed(PeerCredentials who) =>
        (_options.AllowedUsers.Count == 0 && _options.AllowedGroups.Count == 0)
        || _options.AllowedUsers.Contains(who.UserId) || _options.AllowedGroups.Contains(who.GroupId);

    private void Refuse(SafeFd socket, string reason, bool isFull)
    {
        Span<byte> bytes = stackalloc byte[IvshmemMessage.Size];
        new IvshmemMessage(IvshmemMessage.Refused).Write(bytes);
        _ = UnixSocket.Send(socket, bytes);
        PeerCredentials who = UnixSocket.CredentialsOf(socket);
        socket.Dispose();
        Log.Refused(_log, who.ProcessId, who.UserId, reason);
        _counters = isFull ? _counters with { RefusedFull = _counters.RefusedFull + 1 } : _counters with { RefusedUser = _counters.RefusedUser + 1 };
    }

    private void Join(SafeFd socket, PeerCredentials who, Member member)
    {
        long sequence = ++_parts.Ledger.Sequence;
        // The keeper first: once it holds the connection, this server's death no longer cuts the client off.
        _parts.Keep(ServerParts.ConnectionName(member.Slot), socket);
        if (!_membership.IsSticky) _parts.Keep(ServerParts.EventsName(member.Slot), member.Events);
        _step();
        _parts.Ledger.ForgetTold(member.Slot);
        _parts.Ledger.Write(member.Slot, member.Id, member.Events.Length, who, sequence);
        _step();
        Begin(new(socket, who, member, sequence));
    }

    private void Begin(Session session)
    {
        _counters = _counters with { Joins = _counters.Joins + 1 };
        _membership.Add(session);
        Guard(session, () => _observer?.Joining(session.Member.Id, session.Who));
        _membership.EnqueueHandshake(session);
        Attach(session);
        if (_membership.IsSticky) return;
        _table.Set(session.Member.Id, session.Member.Events);
        _resident?.Tell(session.Member.Id, isJoin: true);
        foreach (Session other in _membership.Sessions.ToArray())
            if (other != session) Tell(other, NoticeKind.Join, session.Member);
    }

    // Takes up what a dead server left.
    private void GoOn(Recovery found)
    {
        foreach (Session session in _membership.Sessions.ToArray()) Resume(session);
        foreach (Member member in found.HalfGone) FinishLeave(member);
        foreach (SafeFd orphan in found.Orphans) Admit(orphan);
        var used = _membership.Sessions.SelectMany(session => new[] { ServerParts.ConnectionName(session.Member.Slot), ServerParts.EventsName(session.Member.Slot) }).ToHashSet();
        foreach ((string name, int count) in found.Unclaimed)
            if (!used.Contains(name)) _parts.Forget(name, count);
    }

    private void Resume(Session session)
    {
        _counters = _counters with { Kept = _counters.Kept + 1 };
        Guard(session, () => _observer?.Kept(session.Member.Id, session.Who));
        Attach(session);
    }

    // It left, and the last server died before everybody was told.
    private void FinishLeave(Member member)
    {
        _observer?.Left(member.Id);
        if (member.LeavesToTell == 0) _membership.Free(member);
    }

    private void Attach(Session session)
    {
        ulong token = _nextToken++;
        session.Token = token;
        _byToken.Add(token, session);
        _epoll.Add(session.Socket, Wanted(session), token);
        if (session.IsUnsettled) _later.Add(session);
        else Schedule(session);
    }

    private void Tell(Session session, NoticeKind kind, Member about)
    {
        if (session.IsClosed) return;
        if (session.IsLive && session.Waiting >= _options.QueueNotices)
        {
            session.Compact();
            if (session.Waiting >= _options.QueueNotices)
            {
                Log.DroppedSlow(_log, session.Member.Id, session.Waiting);
                _counters = _counters with { DroppedSlow = _counters.DroppedSlow + 1 };
                Close(session);
                return;
            }
        }
        session.Enqueue(kind, about);
        Schedule(session);
    }

    private void Schedule(Session session)
    {
        if (session.IsScheduled || session.IsClosed || session.AwaitsWritable || session.IsUnsettled) return;
        session.IsScheduled = true;
        _ready.Enqueue(session);
    }

    private void SendRound()
    {
        for (int turn = _ready.Count; turn > 0; turn--)
        {
            Session session = _ready.Dequeue();
            session.IsScheduled = false;
            if (session.IsClosed) continue;
            try { SendSome(session); }
            catch (Exception exception) when (exception is not OutOfMemoryException) { Fail(session, exception); }
        }
    }

    private void SendSome(Session session)
    {
        for (int i = 0; i < MessagesPerTurn; i++)
        {
            if (!session.TryPeek(out Notice notice) && session.Rest.IsEmpty) return;
            if (session.Rest.IsEmpty && IsOver(session, notice))
            {
                Complete(session, notice);
                continue;
            }
            switch (_courier.Send(session, notice))
            {
                case Delivery.Full:
                    session.AwaitsWritable = true;
                    Watch(session);
                    return;
                case Delivery.Later:
                    _counters = _counters with { WaitsInFlight = _counters.WaitsInFlight + 1 };
                    _later.Add(session);
                    return;
                case Delivery.Gone:
                    Close(session);
                    return;
            }
            if (session.Rest.IsEmpty && session.TryPeek(out Notice sent) && IsSent(session, sent)) Complete(session, sent);
        }
        Schedule(session);
    }

    // Told already (found so after a restart), or who joined has left again meanwhile.
    private bool IsOver(Session session, Notice notice) => (notice.Kind == NoticeKind.Join && !notice.Member.IsPresent) || IsSent(session, notice);

    private bool IsSent(Session session, Notice notice) => notice.Kind switch
    {
        NoticeKind.Greeting => _parts.Ledger.Read(session.Member.Slot).HeaderSteps >= 1,
        NoticeKind.Memory => _parts.Ledger.Read(session.Member.Slot).HeaderSteps >= 2,
        NoticeKind.Join => _parts.Ledger.Told(session.Member.Slot, notice.Member.Slot) >= notice.Member.Events.Length,
        _ => _parts.Ledger.Told(session.Member.Slot, notice.Member.Slot) == 0,
    };

    private void Complete(Session session, Notice notice)
    {
        session.Dequeue();
        if (notice.Kind == NoticeKind.Leave)
        {
            var freed = new List<Member>();
            Membership.CountTold(notice.Member, freed);
            FreeRows(freed);
        }
        else if (notice.Kind == NoticeKind.Join && notice.Member == session.Member && !session.IsLive)
        {
            session.IsLive = true;
            _parts.Ledger.SetLive(session.Member.Slot);
            _step();
            Log.Joined(_log, session.Member.Id, session.Who.ProcessId, session.Who.UserId, session.Member.Events.Length);
            _observer?.Joined(session.Member.Id);
        }
    }

    private void RetryLater()
    {
        if (_later.Count == 0) return;
        Session[] waiting = [.. _later];
        _later.Clear();
        foreach (Session session in waiting)
        {
            if (session.IsClosed) continue;
            if (session.IsUnsettled && !_parts.TrySettle(session)) _later.Add(session);
            else Schedule(session);
        }
    }

    private void Close(Session session)
    {
        if (session.IsClosed) return;
        session.IsClosed = true;
        int row = session.Member.Slot;
        _step();
        if (!_membership.IsSticky) _parts.Ledger.SetState(row, RowState.Leaving);
        _step();
        _parts.Forget(ServerParts.ConnectionName(row));
        _ = _byToken.Remove(session.Token);
        _epoll.Remove(session.Socket);
        session.Socket.Dispose();
        _step();
        _counters = _counters with { Leaves = _counters.Leaves + 1 };
        Log.Left(_log, session.Member.Id);
        Guard(session, () => _observer?.Left(session.Member.Id));
        var toTell = new List<Session>();
        var freed = new List<Member>();
        _membership.Remove(session, toTell, freed);
        if (_membership.IsSticky) Vacate(session.Member);
        else Retire(session.Member);
        foreach (Session other in toTell) Schedule(other);
        FreeRows(freed);
    }

    // A sticky slot is empty again: rings that nobody took are thrown away, so that the next one there is not woken for them.
    private void Vacate(Member slot)
    {
        foreach (SafeFd fd in slot.Events) _ = EventFd.TryRead(fd, out _);
        _parts.Ledger.Write(slot.Slot, slot.Id, slot.Events.Length, default, 0);
        _parts.Ledger.ForgetTold(slot.Slot);
    }

    private void Retire(Member member)
    {
        _table.Set(member.Id, null);
        _resident?.Tell(member.Id, isJoin: false);
        _parts.Forget(ServerParts.EventsName(member.Slot), member.Events.Length);
        member.CloseEvents();
    }

    private void FreeRows(List<Member> freed)
    {
        foreach (Member member in freed) _membership.Free(member);
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

    private void ReplaceKeeper()
    {
        if (_parts.Keeper is { } dead) _epoll.Remove(dead.Socket);
        if (_isStopping) return;
        Log.KeeperGone(_log);
        _parts.DropKeeper();
        _ = Task.Factory.StartNew(LaunchKeeperAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    // On a thread of its own: a process takes a while to start, and nobody shall wait for it.
    private async Task LaunchKeeperAsync()
    {
        for (; !_isStopping; await Task.Delay(_keeperRetry))
        {
            try
            {
                KeeperLink keeper = KeeperLink.Launch(_options.KeeperCommand, _options.KeeperPath);
                Post(() =>
                {
                    _parts.UseKeeper(keeper);
                    _epoll.Add(keeper.Socket, EpollEvents.Readable, KeeperToken);
                });
                return;
            }
            catch (TomboloException exception) { Log.KeeperFailed(_log, exception.Message); }
        }
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
