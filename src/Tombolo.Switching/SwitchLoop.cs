// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Switching;

/// <summary>The switch's control loop: it accepts front ends, handles their requests, and owns ports and topologies. Frames are not its business.</summary>
/// <remarks>
/// A front end's fault ends its session and nothing else. Data threads see a change of ports or topologies when they take the next table; they see a ring stop because it is
/// stopped under its gate.
/// </remarks>
internal sealed partial class SwitchLoop : ISwitchCore, IPortOwner, IDisposable
{
    private const ulong CommandToken = 0;
    private const EpollEvents Gone = EpollEvents.HangUp | EpollEvents.ReadHangUp | EpollEvents.Error;

    private readonly SwitchOptions _options;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly Epoll _epoll = new();
    private readonly Acceptor _acceptor = new();
    private readonly Dictionary<string, PortConnection> _ports = new(StringComparer.Ordinal);
    private readonly Dictionary<ulong, PortConnection> _byToken = [];
    private readonly DataThread[] _threads;
    private readonly UnknownMacs _unknown = new();
    private IReadOnlyList<TopologyOptions> _topologies;
    private ForwardingTable _table = new([], []);
    private ulong _nextToken = 1;
    private long _faults = BusErrorGuard.Faults;
    private bool _isStopping;

    public SwitchLoop(SwitchOptions options, ILogger log, TimeProvider time)
    {
        (_options, _log, _time, _topologies) = (options, log, time, options.Topologies);
        Learned = new(options.Ageing, time);
        _threads = [.. Enumerable.Range(0, options.DataThreads).Select(_ => new DataThread(this, options.MaxSpin, time))];
        _epoll.Add(Commands.Descriptor, EpollEvents.Readable, CommandToken);
        try
        {
            foreach (PortOptions port in options.Ports) AddPort(port);
        }
        catch
        {
            Dispose();
            throw;
        }
        Log.Serving(log, options.Name, options.Ports.Count, options.Topologies.Count, options.DataThreads);
    }

    public ForwardingTable Table => Volatile.Read(ref _table);

    public LearnedMacs Learned { get; }

    public IReadOnlyList<DataThread> Threads => _threads;

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        var reports = new EpollReport[64];
        while (!_isStopping)
        {
            int count = _epoll.Wait(reports, NextTimeout());
            for (int i = 0; i < count; i++) Dispatch(reports[i]);
            ConnectDue();
            EndWithoutMemory();
        }
    }

    /// <summary>What is ready now, without waiting. For tests that are their own loop.</summary>
    public void RunOnce()
    {
        var reports = new EpollReport[64];
        int count = _epoll.Wait(reports, TimeSpan.Zero);
        for (int i = 0; i < count; i++) Dispatch(reports[i]);
        ConnectDue();
        EndWithoutMemory();
    }

    /// <summary>What other threads want done on the loop.</summary>
    public LoopCommands Commands { get; } = new();

    /// <summary>Ends the loop. Call it on the loop.</summary>
    public void Stop() => _isStopping = true;

    public void NoteUnknown(Port port, ulong mac)
    {
        if (!_unknown.IsNew(mac, out bool isLast)) return;
        Log.UnknownDestination(_log, port.Name, new MacAddress(mac).ToString());
        if (isLast) Log.TooManyUnknown(_log, UnknownMacs.Most);
    }

    public void NoteFault(VhostPort port, Vring ring, RingFault fault)
    {
        if (port.Fault is not null) return;
        Commands.Post(() =>
        {
            if (port.Fault is not null || ring.Queue?.Fault != fault) return;
            string reason = $"its driver lied in ring {ring.Index}: {fault}.";
            port.Stop(reason);
            Log.PortStopped(_log, port.Name, reason);
        });
    }

    public void NoteMemoryFault() => Commands.Post(EndWithoutMemory);

    public void NoteKickStorm(VhostPort port, Vring ring, ulong token) => Commands.Post(() =>
    {
        if (!_ports.TryGetValue(port.Name, out PortConnection? connection) || !connection.Pollers.TryGetValue(ring.Index, out (DataThread Thread, ulong Token) poller) || poller.Token != token) return;
        if (ring.Kick is { } kick) poller.Thread.Unwatch(kick);
        Log.KickStorm(_log, port.Name, ring.Index);
    });

    /// <summary>Closes everything; the threads have ended.</summary>
    public void Dispose()
    {
        foreach (PortConnection connection in _ports.Values)
        {
            EndCapture(connection.Port);
            connection.Port.Leave();
            connection.Dispose();
        }
        _ports.Clear();
        foreach (DataThread thread in _threads) thread.Dispose();
        _acceptor.Dispose();
        Commands.Dispose();
        _epoll.Dispose();
    }

    private TimeSpan NextTimeout()
    {
        TimeSpan least = Timeout.InfiniteTimeSpan;
        foreach (PortConnection connection in _ports.Values)
        {
            if (connection.ConnectAt is not { } at) continue;
            TimeSpan left = _time.GetElapsedTime(_time.GetTimestamp(), at);
            if (left < TimeSpan.Zero) left = TimeSpan.Zero;
            if (least == Timeout.InfiniteTimeSpan || left < least) least = left;
        }
        return least;
    }

    private void Dispatch(EpollReport report)
    {
        if (report.Token == CommandToken) Commands.Run();
        else if (_byToken.TryGetValue(report.Token, out PortConnection? connection))
        {
            if (report.Token == connection.ListenerToken) _acceptor.Accept(connection.Listener!, 1, socket => Admit(connection, socket), socket => Refuse(connection, socket));
            else Serve(connection, report);
        }
    }

    private void Serve(PortConnection connection, EpollReport report)
    {
        if (connection.Session is not { } session) return;
        string? end = null;
        bool isOurs = false;
        try
        {
            bool goesOn = (report.Events & EpollEvents.Readable) == 0 || session.Serve((request, reason) => Refuse(connection, request, reason));
            if (!goesOn || ((report.Events & Gone) != 0 && (report.Events & EpollEvents.Readable) == 0)) end = "";
        }
        catch (ProtocolException exception) { end = exception.Message; }
        catch (LinuxException exception) { end = exception.Message; }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            (end, isOurs) = (exception.ToString(), true);
        }
        if (end is null) return;
        if (isOurs) Log.SessionFault(_log, connection.Port.Name, end);
        else if (end.Length > 0) Log.SessionEnded(_log, connection.Port.Name, end);
        else Log.Detached(_log, connection.Port.Name);
        EndSession(connection, end.Length > 0 ? end : "The front end hung up.");
    }

    private void Refuse(PortConnection connection, VhostRequest request, string reason)
    {
        connection.Refusal = $"{request} was refused: {reason}";
        Log.Refused(_log, connection.Port.Name, request.ToString(), reason);
    }

    private void Refuse(PortConnection connection, SafeFd socket)
    {
        Log.NoDescriptor(_log, connection.Port.Name, UnixSocket.CredentialsOf(socket).ProcessId);
        socket.Dispose();
    }

    private void Admit(PortConnection connection, SafeFd socket)
    {
        PeerCredentials who = UnixSocket.CredentialsOf(socket);
        if (connection.Vhost is null && (!connection.Port.IsUp || HasHungUp(connection)))
        {
            if (connection.Port.IsUp) EndUplink(connection, "The other end hung up.");
            AttachUplink(connection, socket, isStream: true);
            return;
        }
        if (connection.Session is { } old && UnixSocket.Wait(old.Socket, forReading: true, TimeSpan.Zero)) Serve(connection, new(EpollEvents.Readable, connection.SessionToken));   // it may have hung up already
        if (connection.Session is null && connection.Vhost is not null)
        {
            Attach(connection, socket, who);
            return;
        }
        Log.SecondFrontEnd(_log, connection.Port.Name, who.ProcessId);
        socket.Dispose();
    }

    private void Attach(PortConnection connection, SafeFd socket, PeerCredentials who)
    {
        connection.Session = new(socket, who, connection.Vhost!.Device);
        connection.SessionToken = Register(connection, socket, EpollEvents.Readable | EpollEvents.ReadHangUp);
        (connection.ConnectAt, connection.Refusal) = (null, null);
        Log.Attached(_log, connection.Port.Name, who.ProcessId, who.UserId);
    }

    private void EndSession(PortConnection connection, string reason)
    {
        if (connection.Session is not { } session) return;
        _ = _byToken.Remove(connection.SessionToken);
        _epoll.Remove(session.Socket);
        session.Dispose();
        (connection.Session, connection.LastEnd) = (null, reason);
        if (connection.Port.Options.IsClient) connection.ConnectAt = Soon();
    }

    private void ConnectDue()
    {
        foreach (PortConnection connection in _ports.Values)
        {
            if (connection.ConnectAt is not { } at || at > _time.GetTimestamp()) continue;
            try { Connect(connection); }
            catch (TomboloException) { connection.ConnectAt = Soon(); }
        }
    }

    private void Connect(PortConnection connection)
    {
        if (connection.Port.Options.Uplink is TapUplink)
        {
            OpenUplink(connection);
            return;
        }
        // A listener whose queue is full is tried again later: other ports' front ends wait for this loop.
        SafeFd socket = UnixSocket.Connect(connection.Port.Options.SocketPath, UnixSocketKind.Stream, TimeSpan.FromMilliseconds(1));
        if (connection.Vhost is null) AttachUplink(connection, socket, isStream: true);
        else Attach(connection, socket, UnixSocket.CredentialsOf(socket));
    }

    // Whoever takes memory back that we have mapped (see BusErrorGuard) is served no longer.
    private void EndWithoutMemory()
    {
        if (BusErrorGuard.Faults == _faults) return;
        _faults = BusErrorGuard.Faults;
        foreach (PortConnection connection in _ports.Values)
        {
            if (connection.Session is null || !connection.Vhost!.Device.IsMemoryLost) continue;
            const string Reason = "The front end took memory back that it had given: it was gone when it was touched.";
            Log.SessionEnded(_log, connection.Port.Name, Reason);
            EndSession(connection, Reason);
        }
    }

    private ulong Register(PortConnection connection, SafeFd fd, EpollEvents events)
    {
        ulong token = _nextToken++;
        _byToken.Add(token, connection);
        _epoll.Add(fd, events, token);
        return token;
    }
}
