// SPDX-License-Identifier: MIT
using System.Globalization;
using Microsoft.Extensions.Logging;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;
using Tombolo.Wire;

namespace Tombolo.Grants;

/// <summary>Talks to the processes: one thread, which owns the book; no process waits for another.</summary>
internal sealed class GrantLoop : IDisposable
{
    private const ulong ListenerToken = 0, CommandToken = 1;
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(5), _look = TimeSpan.FromMilliseconds(50);   // the latter: for deaths of those who are expected

    private readonly GrantServerOptions _options;
    private readonly SafeFd _listener;
    private readonly IGrantObserver? _observer;
    private readonly ILogger _log;
    private readonly GrantBook _book;
    private readonly GrantRequests _requests;
    private readonly Epoll _epoll = new();
    private readonly Dictionary<ulong, GrantSession> _byToken = [];
    private readonly Queue<GrantSession> _strangers = new();   // who has not said yet who it is, in the order of their coming; others may stand there too
    private readonly byte[] _buffer = new byte[GrantMessage.Size + 1];
    private readonly ExpectedProcesses _processes;
    private readonly long _start;
    private ulong _nextToken = CommandToken + 1;
    private bool _isStopping, _isAccepting = true, _isGrace;

    public GrantLoop(GrantServerOptions options, SafeFd listener, bool isGrace, IGrantObserver? observer, ILogger log)
    {
        (_options, _listener, _isGrace, _observer, _log) = (options, listener, isGrace, observer, log);
        _start = options.Time.GetTimestamp();
        _book = new(options.Quotas);
        _requests = new(_book, options.Beside);
        _processes = new(options.SocketPath + ".processes");
        if (isGrace) _processes.Load();
        _epoll.Add(listener, EpollEvents.Readable, ListenerToken);
        _epoll.Add(Commands.Descriptor, EpollEvents.Readable, CommandToken);
    }

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        var reports = new EpollReport[128];
        while (!_isStopping)
        {
            int count = _epoll.Wait(reports, NextTimeout());
            foreach (EpollReport report in reports.AsSpan(0, count)) Dispatch(report);
            if (_isGrace && (GraceLeft == TimeSpan.Zero || _processes.IsNobody)) EndGrace();
            RetryUnsent();
            DropStrangers();
            ListenAgain();
        }
        foreach (GrantSession session in _byToken.Values.ToArray()) Close(session);
    }

    /// <summary>What other threads want done on the loop.</summary>
    public LoopCommands Commands { get; } = new();

    /// <summary>Ends the loop. Call it on the loop.</summary>
    public void Stop() => _isStopping = true;

    /// <summary>What there is. Call it on the loop.</summary>
    public GrantSnapshot Snapshot() => new([.. _book.Present.OrderBy(domain => domain.Value)], [.. _book.Grants()], [.. _book.Ports()]);

    public void Dispose()
    {
        _processes.Delete();
        _book.Dispose();
        Commands.Dispose();
        _epoll.Dispose();
    }

    private TimeSpan GraceLeft => _options.Grace - _options.Time.GetElapsedTime(_start) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    private TimeSpan NextTimeout()
    {
        if (!_isAccepting || _byToken.Values.Any(session => session.Unsent is not null)) return _retry;
        TimeSpan stranger = _strangers.TryPeek(out GrantSession? first) ? HelloLeft(first) : Timeout.InfiniteTimeSpan;
        if (!_isGrace) return stranger;
        TimeSpan look = GraceLeft < _look ? GraceLeft : _look;
        return stranger >= TimeSpan.Zero && stranger < look ? stranger : look;
    }

    private TimeSpan HelloLeft(GrantSession session) => _options.HelloTimeout - _options.Time.GetElapsedTime(session.Since) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    // Who does not say who it is gives its place back.
    private void DropStrangers()
    {
        while (_strangers.TryPeek(out GrantSession? first))
        {
            bool isStranger = first.Member is null && _byToken.ContainsKey(first.Token);
            if (isStranger && HelloLeft(first) > TimeSpan.Zero) return;
            _ = _strangers.Dequeue();
            if (isStranger) Drop(first, $"it did not say within {_options.HelloTimeout.TotalSeconds:0.###} s who it is");
        }
    }

    private void Dispatch(EpollReport report)
    {
        if (report.Token == ListenerToken) AcceptWaiting();
        else if (report.Token == CommandToken) Commands.Run();
        else if (_byToken.TryGetValue(report.Token, out GrantSession? session)) Guard(session, report);
    }

    // One process's fault, or ours about it, ends that process's session alone.
    private void Guard(GrantSession session, EpollReport report)
    {
        try
        {
            if ((report.Events & (EpollEvents.HangUp | EpollEvents.Error | EpollEvents.ReadHangUp)) != 0) Close(session);
            else Read(session);
        }
        catch (ProtocolException exception) { Drop(session, exception.Message); }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Log.ProcessFault(_log, session.Who.ProcessId, exception.ToString());
            Close(session);
        }
    }

    private void AcceptWaiting()
    {
        while (_byToken.Count < _options.MaxProcesses)
        {
            SafeFd? socket = UnixSocket.TryAccept(_listener, out int errno);
            if (socket is null)
            {
                if (errno is Errno.WouldBlock or Errno.ConnectionAborted or Errno.Interrupted) return;
                break;
            }
            GrantSession session = new(socket, UnixSocket.CredentialsOf(socket), _nextToken++, _options.Time.GetTimestamp());
            _byToken.Add(session.Token, session);
            _strangers.Enqueue(session);
            _epoll.Add(socket, EpollEvents.Readable | EpollEvents.ReadHangUp, session.Token);
        }
        _epoll.Remove(_listener);   // no room, or no descriptor: those who wait go on waiting in the socket's queue
        _isAccepting = false;
    }

    private void ListenAgain()
    {
        if (_isAccepting || _byToken.Count >= _options.MaxProcesses) return;
        _epoll.Add(_listener, EpollEvents.Readable, ListenerToken);
        _isAccepting = true;
    }

    // A few requests at a time, so that nobody keeps the loop to itself.
    private void Read(GrantSession session)
    {
        using var inbox = new FdInbox();
        for (int requests = 0; requests < 16 && !session.IsBusy && _byToken.ContainsKey(session.Token); requests++)
        {
            SocketResult result = UnixSocket.Receive(session.Socket, _buffer, inbox);
            if (result.IsWouldBlock) return;
            if (!result.IsMoved)
            {
                Close(session);
                return;
            }
            if (result.Bytes != GrantMessage.Size || !GrantMessage.TryRead(_buffer, out GrantMessage request))
                throw new ProtocolException(WireFault.TooShort, $"a request has {GrantMessage.Size} bytes, and it sent {(result.Bytes > GrantMessage.Size ? "more" : result.Bytes)}");
            if (request.Check() is var fault and not WireFault.None) throw new ProtocolException(fault, $"request {request.Code} is not as it should be: {fault}");
            if (inbox.WasTruncated) Answer(session, new(new((uint)GrantFault.Quota + 1), "The grants' server has no descriptors left."));
            else if (inbox.Count != request.RequestDescriptors) throw new ProtocolException(WireFault.WrongFdCount, $"request {request.Code} comes with {inbox.Count} descriptors, not {request.RequestDescriptors}");
            else Serve(session, request, inbox);
            inbox.Clear();
        }
    }

    private void Serve(GrantSession session, GrantMessage request, FdInbox inbox)
    {
        if (session.Member is not { } member)
        {
            Welcome(session, request);
            return;
        }
        if (_isGrace && request is { Code: (uint)GrantOperation.End, B: 0 })
        {
            Park(session, request);
            return;
        }
        if ((GrantOperation)request.Code == GrantOperation.Declared)
        {
            _processes.HasDeclared(session.Who.ProcessId, member.Domain);
            Answer(session, new(new(0)));
            return;
        }
        GrantAnswer answer;
        try { answer = _requests.Do(member, request, inbox); }
        catch (GrantException exception) when (_isGrace && IsUnsure(request, exception))
        {
            Park(session, request);
            return;
        }
        catch (GrantException exception) { answer = GrantAnswer.Refusal(exception); }
        catch (LinuxException exception) { answer = new(new((uint)GrantFault.Quota + 1), $"The grants' server cannot: {exception.Message}"); }
        Answer(session, answer);
        if (_isGrace && request.Code is >= (uint)GrantOperation.DeclareGrant and <= (uint)GrantOperation.DeclarePort) RetryParked();
    }

    private void Park(GrantSession session, in GrantMessage request)
    {
        session.Parked = request;
        Hear(session, false);
    }

    // While others may still declare what they have, nobody is told that it is not there; nor that nobody has it mapped.
    private static bool IsUnsure(in GrantMessage request, GrantException exception) =>
        (GrantOperation)request.Code is GrantOperation.Map or GrantOperation.BindInterdomain && exception.Fault is GrantFault.BadReference or GrantFault.BadPort;

    private void Welcome(GrantSession session, in GrantMessage request)
    {
        if ((GrantOperation)request.Code != GrantOperation.Hello) throw new ProtocolException(WireFault.OutOfOrder, "it asks for something before it said who it is");
        DomainId? wish = request.B <= DomainId.Highest ? new((ushort)request.B) : request.B == GrantMessage.AnyDomain ? null : throw new ProtocolException(WireFault.ValueOutOfRange, $"there can be no domain {request.B}");
        if (_options.Identify(session.Who, wish) is not { } domain || (wish is { } wished && wished != domain))
        {
            string reason = wish is null ? "it is no domain" : $"it may not be domain {wish}";
            Log.Refused(_log, session.Who.ProcessId, session.Who.UserId, reason);
            Answer(session, new(new((uint)GrantFault.BadDomain + 1), $"The process {session.Who.ProcessId} of user {session.Who.UserId} is refused: {reason}."));
            return;
        }
        session.Member = _book.Join(domain, string.Create(CultureInfo.InvariantCulture, $"process {session.Who.ProcessId}"), out bool isFirst);
        Log.Joined(_log, session.Who.ProcessId, session.Who.UserId, domain.Value);
        _processes.Came(session.Who.ProcessId, domain);
        if (isFirst) _observer?.DomainCame(domain);
        Answer(session, new(new(0, domain.Value)));
    }

    private void Answer(GrantSession session, GrantAnswer answer)
    {
        SocketResult result = answer.Send(session.Socket);
        if (result.IsMoved)
        {
            if (session.Unsent is not null || session.Parked is not null)
            {
                (session.Unsent, session.Parked) = (null, null);
                Hear(session, true);
            }
            return;
        }
        if (!result.IsWouldBlock && result.Errno is not (Errno.TooManyReferences or Errno.NoBuffers or Errno.NoMemory))
        {
            Close(session);
            return;
        }
        session.Parked = null;
        session.Unsent = answer;
        Hear(session, false);
    }

    // Deaf but for its end.
    private void Hear(GrantSession session, bool reads) => _epoll.Change(session.Socket, (reads ? EpollEvents.Readable : EpollEvents.None) | EpollEvents.ReadHangUp, session.Token);

    private void RetryUnsent()
    {
        foreach (GrantSession session in _byToken.Values.Where(session => session.Unsent is not null).ToArray()) Answer(session, session.Unsent!);
    }

    private void RetryParked()
    {
        using var none = new FdInbox();
        foreach (GrantSession session in _byToken.Values.Where(session => session.Parked is not null).ToArray()) Serve(session, session.Parked!.Value, none);
    }

    private void EndGrace()
    {
        _isGrace = false;
        RetryParked();
        _observer?.Settled([.. _book.Present]);
    }

    private void Drop(GrantSession session, string reason)
    {
        Log.Dropped(_log, session.Who.ProcessId, session.Who.UserId, reason);
        Close(session);
    }

    private void Close(GrantSession session)
    {
        if (!_byToken.Remove(session.Token)) return;
        _epoll.Remove(session.Socket);
        session.Socket.Dispose();
        if (session.Member is not { } member) return;
        bool wasLast = _book.Leave(member);
        if (_isStopping) return;
        _processes.Went(session.Who.ProcessId, member.Domain);
        if (wasLast) _observer?.DomainWent(member.Domain);
    }
}
