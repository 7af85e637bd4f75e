// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Switching;

/// <summary>What a data thread needs to know of the switch it works for.</summary>
internal interface ISwitchCore
{
    /// <summary>The present table.</summary>
    ForwardingTable Table { get; }

    LearnedMacs Learned { get; }

    /// <summary>Nobody that the port reaches has this address.</summary>
    void NoteUnknown(Port port, ulong mac);

    /// <summary>A port's driver lied.</summary>
    void NoteFault(VhostPort port, Vring ring, RingFault fault);

    /// <summary>An uplink's descriptor gives nothing any more.</summary>
    void NoteUplinkEnd(UplinkPort port, ulong token, string reason);

    /// <summary>Memory that some front end gave was not there when it was touched.</summary>
    void NoteMemoryFault();

    /// <summary>A port's driver kicks for nothing: its kick shall not be watched any more.</summary>
    void NoteKickStorm(VhostPort port, Vring ring, ulong token);
}

/// <summary>A thread that moves frames: from rings, through the table, into rings.</summary>
/// <remarks>
/// Theory of operation. A ring is awake (looked at in every turn, its driver told not to kick) or asleep (its driver asked to kick). It falls asleep after it gave nothing
/// for the time of a spin; when all are asleep the thread sleeps in epoll, and costs nothing. The spin adapts: it doubles when a sleep was shorter than the longest spin, and
/// halves when it was longer. Kicks of sleeping rings are looked for now and then while others are awake. A turn takes a bounded batch from each ring, so that none delays
/// another. What is received is shown before what was sent is given back: a death in between doubles frames, and loses none.
/// What runs for each frame is compiled in full at its first call (<c>AggressiveOptimization</c>): a busy thread on a core of its own leaves no time for the compiler's tiers.
/// </remarks>
internal sealed partial class DataThread : IDisposable
{
    private const ulong BellToken = ulong.MaxValue;
    private const int TurnsBetweenLooks = 32, SpinsBetweenTurns = 8, MostIdleKicks = 64;
    private static readonly TimeSpan _pollPause = TimeSpan.FromMilliseconds(1);

    private readonly ISwitchCore _core;
    private readonly TimeProvider _time;
    private readonly long[] _counts = new long[SwitchOptions.MaxPorts * PortCounters.Count];
    private readonly Epoll _epoll = new();
    private readonly Doorbell _bell = Doorbell.Create();
    private readonly ConcurrentQueue<Action<DataThread>> _commands = new();
    private readonly Dictionary<ulong, RingPoller> _byToken = [];
    private readonly List<RingPoller> _awake = [];   // what a turn looks at: a ring asleep costs nothing
    private readonly Dictionary<ulong, UplinkPort> _uplinks = [];
    private readonly List<UplinkPort> _stuck = [];   // the end of a frame waits for room
    private readonly EpollReport[] _reports = new EpollReport[64];
    private readonly long _maxSpin;
    private readonly long _leastSpin;
    private long _spin;
    private long _faults = BusErrorGuard.Faults;
    private int _turn;
    private bool _isStopping;
    private Vring? _held;
    private VhostPort? _heldPort;

    public DataThread(ISwitchCore core, TimeSpan maxSpin, TimeProvider time)
    {
        (_core, _time) = (core, time);
        _maxSpin = _spin = (long)(maxSpin.TotalSeconds * time.TimestampFrequency);
        _leastSpin = _maxSpin / 64;
        _epoll.Add(_bell.Descriptor, EpollEvents.Readable, BellToken);
    }

    /// <summary>Buffers of the ring that frames come from.</summary>
    public ChainBuffers TransmitBuffers { get; } = new();

    /// <summary>Buffers of the ring that a frame goes to.</summary>
    public ChainBuffers ReceiveBuffers { get; } = new();

    /// <summary>The chains that one frame goes to.</summary>
    public Chain[] Chains { get; } = new Chain[VhostPort.ChainsPerFrame];

    /// <summary>A whole frame that has to be changed.</summary>
    public PinnedBytes Scratch { get; } = new(Frame.MaxBytes);

    /// <summary>Descriptors that somebody sends where none are wanted; they are closed at once.</summary>
    public FdInbox Strangers { get; } = new();

    /// <summary>A part of one.</summary>
    public PinnedBytes Part { get; } = new(Frame.MaxBytes);

    /// <summary>How often the thread has slept.</summary>
    public long Sleeps { get; private set; }

    public void Count(int port, PortCounter counter, long by = 1) => _counts[(port * PortCounters.Count) + (int)counter] += by;

    /// <summary>Adds this thread's counters of a port to a list of all. From any thread.</summary>
    public void AddTo(long[] sums, int port)
    {
        for (int i = 0; i < sums.Length; i++) sums[i] += Volatile.Read(ref _counts[(port * PortCounters.Count) + i]);
    }

    /// <summary>Says once that a ring's driver lied. The ring's gate is held.</summary>
    public void Report(VhostPort port, Vring ring, RingFault fault)
    {
        if (ring.IsFaultTold) return;
        ring.IsFaultTold = true;
        _core.NoteFault(port, ring, fault);
    }

    /// <summary>Has the thread do something; from any thread.</summary>
    public void Post(Action<DataThread> command)
    {
        _commands.Enqueue(command);
        _ = _bell.Ring();
    }

    /// <summary>Starts to watch a kick. From the control loop, which ends the watch before the descriptor is closed.</summary>
    public void Watch(SafeFd kick, ulong token) => _epoll.Add(kick, EpollEvents.Readable, token);

    public void Unwatch(SafeFd kick) => _epoll.Remove(kick);

    /// <summary>Looks after a ring from now on. On the thread.</summary>
    public void Add(RingPoller poller)
    {
        if (!_byToken.TryAdd(poller.Token, poller)) poller = _byToken[poller.Token];   // it was disabled, and is looked after already
        Wake(poller);
    }

    public void Remove(ulong token)
    {
        if (_byToken.Remove(token, out RingPoller? poller)) _ = _awake.Remove(poller);
    }

    /// <summary>Takes an uplink's frames from now on. On the thread.</summary>
    public void Add(UplinkPort port, ulong token) => _uplinks[token] = port;

    public void RemoveUplink(ulong token) => _ = _uplinks.Remove(token);

    /// <summary>The end of a frame waits for an uplink to have room.</summary>
    public void NoteStuck(UplinkPort port)
    {
        if (!_stuck.Contains(port)) _stuck.Add(port);
    }

    public void Stop() => _isStopping = true;

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        while (!_isStopping) Turn(mayWait: true);
    }

    /// <summary>One turn: what can be done now, then a look at the kicks, and where there is nothing to do and it may wait, sleep.</summary>
    public bool Turn(bool mayWait)
    {
        long now = _time.GetTimestamp();
        bool didWork = Due(now);
        int unkicked = 0;   // rings awake because nobody would wake them
        for (int i = _awake.Count - 1; i >= 0; i--)
        {
            RingPoller poller = _awake[i];
            int moved = poller.Ring.IsTransmit ? Poll(poller, now) : Drain(poller);
            didWork |= moved > 0;
            if (moved > 0) (poller.LastWork, poller.IdleKicks) = (now, 0);
            if (poller.IsMuted || poller.Ring.Kick is null) unkicked += now - poller.LastWork >= _spin ? 1 : 0;
            else if (moved == 0 && now - poller.LastWork >= _spin && FallsAsleep(poller)) _awake.RemoveAt(i);
        }
        for (int i = _stuck.Count - 1; i >= 0; i--)
        {
            _stuck[i].Flush();
            if (!_stuck[i].IsStuck) _stuck.RemoveAt(i);
        }
        if (BusErrorGuard.Faults != _faults)
        {
            _faults = BusErrorGuard.Faults;
            _core.NoteMemoryFault();
        }
        if (_awake.Count > unkicked)
        {
            if (!didWork) Thread.SpinWait(SpinsBetweenTurns);
            if (++_turn % TurnsBetweenLooks == 0) _ = Look(TimeSpan.Zero);
        }
        else if (mayWait) Sleep(unkicked > 0 || _stuck.Count > 0);
        else _ = Look(TimeSpan.Zero);
        return didWork;
    }

    public void Dispose()
    {
        Strangers.Dispose();
        _bell.Dispose();
        _epoll.Dispose();
    }

    private void Sleep(bool mustPoll)
    {
        TimeSpan timeout = mustPoll ? _pollPause : Timeout.InfiniteTimeSpan;
        if (_line.NextDue is { } due)
        {
            TimeSpan left = _time.GetElapsedTime(_time.GetTimestamp(), due);
            if (left < TimeSpan.Zero) left = TimeSpan.Zero;
            if (timeout == Timeout.InfiniteTimeSpan || left < timeout) timeout = left;
        }
        long before = _time.GetTimestamp();
        Sleeps++;
        if (Look(timeout) == 0 && mustPoll) return;   // that says nothing about how soon work comes
        _spin = _time.GetTimestamp() - before <= _maxSpin ? Math.Min(_maxSpin, Math.Max(_spin * 2, _leastSpin)) : Math.Max(_spin / 2, _leastSpin);
    }

    private int Look(TimeSpan timeout)
    {
        int count = _epoll.Wait(_reports, timeout);
        for (int i = 0; i < count; i++)
        {
            ulong token = _reports[i].Token;
            if (token == BellToken) RunCommands();
            else if (_byToken.TryGetValue(token, out RingPoller? poller)) Kicked(poller);
            else if (_uplinks.TryGetValue(token, out UplinkPort? uplink)) Serve(uplink, token);
        }
        return count;
    }

    private void Serve(UplinkPort uplink, ulong token)
    {
        _table = _core.Table;
        string? end = uplink.Serve(this, _time.GetTimestamp());
        Release();
        if (end is null) return;
        _ = _uplinks.Remove(token);
        _core.NoteUplinkEnd(uplink, token, end);
    }

    private void RunCommands()
    {
        _ = _bell.TryTake();
        while (_commands.TryDequeue(out Action<DataThread>? command)) command(this);
    }

    // The gate keeps the descriptor from being closed while it is read.
    private void Kicked(RingPoller poller)
    {
        Vring ring = poller.Ring;
        if (!ring.Gate.TryEnter()) return;   // it is reported again
        bool isKicked = ring.Queue is not null && ring.Kick is { } kick && EventFd.TryRead(kick, out _);
        if (isKicked && ring.IsTransmit) ring.Queue!.DisableKicks();   // it is looked at in every turn now
        ring.Gate.Exit();
        if (!isKicked) return;
        Count(poller.Port.Index, PortCounter.Kicks);
        if (poller.IsMuted) return;
        // A driver that has sent nothing since its last kick has no reason for another; an honest one does so now and then, when a kick comes late.
        if (++poller.IdleKicks > MostIdleKicks) Mute(poller);
        Wake(poller);
    }

    // From now on the ring is looked at by the clock.
    private void Mute(RingPoller poller)
    {
        poller.IsMuted = true;
        if (!_awake.Contains(poller)) _awake.Add(poller);
        _core.NoteKickStorm(poller.Port, poller.Ring, poller.Token);
    }

    private int Drain(RingPoller poller)
    {
        Hold(poller.Port, poller.Ring);
        int before = poller.Port.Waiting(poller.Ring);
        _ = before > 0 && poller.Port.Drain(poller.Ring, this);
        int moved = before - poller.Port.Waiting(poller.Ring);
        Release();
        return moved;
    }

    private void Wake(RingPoller poller)
    {
        if (!poller.Ring.IsTransmit)
        {
            if (Drain(poller) > 0) poller.IdleKicks = 0;
            return;
        }
        if (!_awake.Contains(poller)) _awake.Add(poller);
        poller.LastWork = _time.GetTimestamp();
    }

    private static bool FallsAsleep(RingPoller poller)
    {
        if (poller.Ring.Kick is null && poller.Ring.Queue is not null) return false;   // nobody would wake it
        if (!poller.Ring.Gate.TryEnter()) return false;
        bool came = poller.Ring is { IsUsable: true, Queue: { } queue } && (queue.EnableKicks() || queue.HasWork);   // what was seen and is not taken yet: nobody kicks for that again
        if (came) poller.Ring.Queue!.DisableKicks();
        poller.Ring.Gate.Exit();
        return !came;
    }
}
