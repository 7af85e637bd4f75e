// SPDX-License-Identifier: MIT
using System.Text;
using Microsoft.Extensions.Logging;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>What a client gets of a region. Borrowed.</summary>
/// <param name="Index">The region's index.</param>
/// <param name="FromGuest">The eventfd of guest-to-host rings.</param>
/// <param name="ToGuest">The eventfd of host-to-guest rings; for readers one that nobody hears.</param>
/// <param name="Window">The window; for readers opened read-only.</param>
/// <param name="IsReader">Whether it may only read.</param>
internal sealed record RegionGrant(int Index, SafeFd FromGuest, SafeFd ToGuest, SafeFd Window, bool IsReader);

/// <summary>Talks to host clients: one thread, no client waits for another.</summary>
/// <remarks>Each client has a deadline for each step, and the same time for all, so those who wait stand in the order of their deadlines.</remarks>
internal sealed class ClientLoop : IDisposable
{
    private const ulong ListenerToken = ulong.MaxValue, CommandToken = ulong.MaxValue - 1;
    private const EpollEvents Gone = EpollEvents.HangUp | EpollEvents.Error;
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(10);

    private readonly RegionServerOptions _options;
    private readonly SafeFd _listener;
    private readonly Func<PeerCredentials, string, RegionGrant?> _grant;
    private readonly Sweeper _sweeper;
    private readonly OwnedWords _owned;
    private readonly ILogger _log;
    private readonly Epoll _epoll = new();
    private readonly Dictionary<ulong, ClientSession> _byToken = [];
    private readonly LinkedList<ClientSession> _waiting = new();
    private readonly List<ClientSession> _later = [];
    private ulong _nextToken = Sweeper.Tokens;   // below: the doorbells that the sweeper hears
    private bool _isStopping, _isAccepting = true;
    private RegionCounters _counters = new();

    public ClientLoop(RegionServerOptions options, SafeFd listener, Func<PeerCredentials, string, RegionGrant?> grant, Sweeper sweeper, OwnedWords owned, ILogger log)
    {
        (_options, _listener, _grant, _sweeper, _owned, _log) = (options, listener, grant, sweeper, owned, log);
        _epoll.Add(listener, EpollEvents.Readable, ListenerToken);
        _epoll.Add(Commands.Descriptor, EpollEvents.Readable, CommandToken);
        foreach ((OwnedWord word, SafeFd socket) in owned.TakeOver())
        {
            ClientSession session = Add(socket);
            session.Owned = word;
        }
    }

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        var reports = new EpollReport[128];
        while (!_isStopping)
        {
            int count = _epoll.Wait(reports, NextTimeout());
            foreach (EpollReport report in reports.AsSpan(0, count)) Dispatch(report);
            RetryLater();
            DropLate();
            _sweeper.Sweep(Now);
            ListenAgain();
        }
        foreach (ClientSession session in _byToken.Values.ToArray())
        {
            session.Owned = null;   // what it owns stays its own
            Close(session);
        }
    }

    /// <summary>What other threads want done on the loop.</summary>
    public LoopCommands Commands { get; } = new();

    /// <summary>Ends the loop. Call it on the loop.</summary>
    public void Stop() => _isStopping = true;

    /// <summary>What happened so far. Call it on the loop.</summary>
    public RegionCounters Counters => _counters with { Talking = Conversations, Owners = _owned.Count };

    /// <summary>From now on the sweeper hears the guest's doorbells, for there are readers. Call it on the loop.</summary>
    public void WatchForReaders() => _sweeper.Watch(_epoll);

    public void Dispose()
    {
        Commands.Dispose();
        _epoll.Dispose();
    }

    // Those who own a word are there, but do not talk.
    private int Conversations => _byToken.Count - _owned.Count;

    private long Now => _options.Time.GetTimestamp();

    private TimeSpan NextTimeout()
    {
        TimeSpan wait = _waiting.First is { } first ? Until(first.Value.Deadline) : Timeout.InfiniteTimeSpan;
        if (_later.Count > 0 || !_isAccepting) wait = Sooner(wait, _retry);
        return _sweeper.NextDue is { } due ? Sooner(wait, Until(due)) : wait;
    }

    private TimeSpan Until(long timestamp) => _options.Time.GetElapsedTime(Now, timestamp) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    private static TimeSpan Sooner(TimeSpan one, TimeSpan other) => one == Timeout.InfiniteTimeSpan || other < one ? other : one;

    private void Dispatch(EpollReport report)
    {
        if (report.Token == ListenerToken) AcceptWaiting();
        else if (report.Token == CommandToken) Commands.Run();
        else if (report.Token < Sweeper.Tokens) _sweeper.Heard((int)report.Token, Now);
        else if (_byToken.TryGetValue(report.Token, out ClientSession? session)) Guard(session, report);
    }

    // One client's fault, or ours about it, ends that client alone.
    private void Guard(ClientSession session, EpollReport report)
    {
        try { Serve(session, report); }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Log.ClientFault(_log, session.Who.ProcessId, exception.ToString());
            Close(session);
        }
    }

    private void AcceptWaiting()
    {
        while (Conversations < _options.MaxConversations)
        {
            SafeFd? socket = UnixSocket.TryAccept(_listener, out int errno);
            if (socket is null && errno == Errno.ConnectionAborted) continue;
            if (socket is null && !(errno is Errno.TooManyOpenFiles or Errno.FileTableFull)) return;
            if (socket is null) break;
            Renew(Add(socket));
        }
        _epoll.Remove(_listener);   // no room, or no descriptor: those who wait go on waiting in the socket's queue
        _isAccepting = false;
    }

    private ClientSession Add(SafeFd socket)
    {
        var session = new ClientSession(socket, UnixSocket.CredentialsOf(socket), _nextToken++, name => _options.Layout.IndexOf(name) >= 0);
        _byToken.Add(session.Token, session);
        _epoll.Add(socket, session.Watched, session.Token);
        return session;
    }

    private void ListenAgain()
    {
        if (_isAccepting || Conversations >= _options.MaxConversations) return;
        _epoll.Add(_listener, EpollEvents.Readable, ListenerToken);
        _isAccepting = true;
    }

    private void Serve(ClientSession session, EpollReport report)
    {
        if (session.Owned is not null) GiveBack(session);
        else if ((report.Events & EpollEvents.Readable) != 0 && !session.IsAnswered) Read(session);
        else if ((report.Events & Gone) != 0) HangUp(session);
        else if ((report.Events & EpollEvents.Writable) != 0) Pump(session);
    }

    private void Read(ClientSession session)
    {
        using var inbox = new FdInbox();   // whoever sends descriptors sends them for nothing
        while (!session.IsAnswered && session.Owned is null && _byToken.ContainsKey(session.Token))
        {
            SocketResult result = UnixSocket.Receive(session.Socket, session.Dialogue.Free, inbox);
            if (result.IsClosed) HangUp(session);
            if (!result.IsMoved) return;
            Step(session, session.Dialogue.Take(result.Bytes));
        }
    }

    private void Step(ClientSession session, DialogueStep step)
    {
        switch (step)
        {
            case DialogueStep.TellVersion:
                session.Say(Encoding.ASCII.GetBytes(ClientProtocol.VersionOf(_options.Dialect)));
                Renew(session);
                Pump(session);
                break;
            case DialogueStep.TookLength:
                Renew(session);
                break;
            case DialogueStep.Asked when !SaysMore(session):
                Answer(session, session.Dialogue.Name);
                break;
            case DialogueStep.Owning when !SaysMore(session):
                Own(session, new(_options.Layout.IndexOf(session.Dialogue.Name), session.Dialogue.OwnerOffset, session.Dialogue.OwnedValue));
                break;
            case DialogueStep.Asked or DialogueStep.Owning or DialogueStep.Nonsense:
                Drop(session, "it says what the protocol does not have");
                break;
        }
    }

    private static bool SaysMore(ClientSession session)
    {
        using var inbox = new FdInbox();
        Span<byte> more = stackalloc byte[1];
        return UnixSocket.Receive(session.Socket, more, inbox).IsMoved;
    }

    private void Answer(ClientSession session, string name)
    {
        session.IsAnswered = true;
        RegionGrant? grant = _options.Layout.IndexOf(name) < 0 ? null : _grant(session.Who, name);
        if (grant is null)
        {
            Count(counters => counters with { NotFound = counters.NotFound + 1 });
            Log.NoSuchRegion(_log, session.Who.ProcessId, session.Who.UserId, _options.Layout.IndexOf(name) < 0 ? "a region that there is not" : $"region {name}, which it may not have");
            session.Say(Encoding.ASCII.GetBytes(ClientProtocol.NotFound));
        }
        else
        {
            RegionDescriptor region = _options.Layout.Regions[grant.Index];
            session.Granted = name;
            session.Say(ClientProtocol.Number(region.BeginOffset));
            session.Say(ClientProtocol.Number(region.EndOffset));
            foreach (SafeFd fd in (SafeFd[])[grant.FromGuest, grant.ToGuest, grant.Window]) session.Say([ClientProtocol.FdByte], fd);
            if (grant.IsReader) WatchForReaders();
        }
        Renew(session);
        Pump(session);
    }

    // Ten bytes into an empty socket: they go out at once, or the client has gone.
    private void Own(ClientSession session, OwnedWord word)
    {
        bool isAllowed = word.FitsInto(_options.Layout) && _grant(session.Who, session.Dialogue.Name) is { IsReader: false };
        if (isAllowed && _owned.TryClaim(word, session.Socket))
        {
            session.Owned = word;
            if (session.Place is { } place) _waiting.Remove(place);
            session.Place = null;
            session.Say(ClientProtocol.Number(ClientProtocol.Claimed));
            if (!session.Send().IsMoved) GiveBack(session);
            return;
        }
        session.IsAnswered = true;
        session.Say(isAllowed ? ClientProtocol.Number(ClientProtocol.Busy) : Encoding.ASCII.GetBytes(ClientProtocol.NotFound));
        Renew(session);
        Pump(session);
    }

    // It says a byte, or has gone; where it has, nobody hears the answer.
    private void GiveBack(ClientSession session)
    {
        _owned.GiveBack(session.Owned!.Value);
        session.Owned = null;
        session.Say(ClientProtocol.Number(ClientProtocol.Claimed));
        _ = session.Send();
        Close(session);
    }

    // Epoll reports what is there again and again, so a session asks only for what it would act on.
    private void Pump(ClientSession session)
    {
        SocketResult result = session.Send();
        if (session.IsEmpty && session.IsAnswered) Finish(session);
        else if (session.IsEmpty) Watch(session, EpollEvents.Readable);
        else if (result.IsWouldBlock) Watch(session, session.IsAnswered ? EpollEvents.Writable : EpollEvents.Readable | EpollEvents.Writable);
        else if (result.Errno is Errno.TooManyReferences or Errno.NoBuffers or Errno.NoMemory)
        {
            _later.Add(session);
            Watch(session, EpollEvents.None);
        }
        else HangUp(session);
    }

    private void Finish(ClientSession session)
    {
        if (session.Granted is { } name)
        {
            Count(counters => counters with { Served = counters.Served + 1 });
            Log.Served(_log, session.Who.ProcessId, session.Who.UserId, name);
        }
        Close(session);
    }

    // It went before it had everything.
    private void HangUp(ClientSession session)
    {
        Count(counters => counters with { Dropped = counters.Dropped + 1 });
        Close(session);
    }

    private void Watch(ClientSession session, EpollEvents events)
    {
        if (session.Watched == events) return;
        session.Watched = events;
        _epoll.Change(session.Socket, events, session.Token);
    }

    private void RetryLater()
    {
        if (_later.Count == 0) return;
        ClientSession[] again = [.. _later];
        _later.Clear();
        foreach (ClientSession session in again)
            if (_byToken.ContainsKey(session.Token)) Pump(session);
    }

    private void Renew(ClientSession session)
    {
        if (session.Place is { } old) _waiting.Remove(old);
        session.Deadline = Now + (long)(_options.StepTimeout.TotalSeconds * _options.Time.TimestampFrequency);
        session.Place = _waiting.AddLast(session);
    }

    private void DropLate()
    {
        while (_waiting.First?.Value is { } late && Until(late.Deadline) == TimeSpan.Zero)
        {
            if (late.Dialogue.IsAtUnknownName && !late.IsAnswered) Answer(late, "");   // it waits for "there is none"
            else Drop(late, $"it did not do its part within {_options.StepTimeout.TotalSeconds:0.###} s");
        }
    }

    private void Drop(ClientSession session, string reason)
    {
        Log.Dropped(_log, session.Who.ProcessId, session.Who.UserId, reason);
        Count(counters => counters with { Dropped = counters.Dropped + 1 });
        Close(session);
    }

    private void Close(ClientSession session)
    {
        if (!_byToken.Remove(session.Token)) return;
        if (session.Owned is { } word) _owned.GiveBack(word);
        if (session.Place is { } place) _waiting.Remove(place);
        _epoll.Remove(session.Socket);
        session.Socket.Dispose();
    }

    private void Count(Func<RegionCounters, RegionCounters> change) => _counters = change(_counters);
}
