// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;

namespace Tombolo.Mailbox;

/// <summary>The own slot, which holds one message at a time, and the queue in front of it.</summary>
/// <remarks>
/// Theory of operation.
/// <code>queued --slot free--> in flight (published, receiver rung) --length 0--> Delivered
///                              |-- deadline --> withdrawn or left --> TimedOut (Delivered, if the receiver was faster)
///                              '-- peer left --> withdrawn --> NoSuchPeer</code>
/// There is no doorbell for an acknowledgement, so somebody must look. <see cref="Pump"/> moves everything that can be moved; whoever sends pumps for a moment on its own thread,
/// which is when a running receiver answers, and then leaves it to the endpoint's loop. All state is guarded by <see cref="_gate"/>; the slot's memory is touched under it too,
/// but for <see cref="LooksTaken"/>, whose callers are counted so that the memory outlives them.
/// </remarks>
internal sealed class SlotSender(IParticipant self, MailboxSlots slots, MailboxEndpointOptions options)
{
    private static readonly TimeSpan _ringAgain = TimeSpan.FromMilliseconds(50);
    private readonly Lock _gate = new();                 // guards everything below
    private readonly Queue<Dispatch> _queue = new();
    private readonly Stack<Dispatch> _spare = new();
    private Dispatch? _flight;
    private long _publishedAt;
    private long _rungAt;
    private bool _isClosed;
    private long _sent, _acknowledged, _timeouts;
    private volatile bool _isBusy;
    private int _watchers;

    /// <summary>Something is in flight or queued: somebody must pump.</summary>
    public bool IsBusy => _isBusy;

    /// <summary>Messages that wait for the slot.</summary>
    public int Queued { get { lock (_gate) return _queue.Count; } }

    public (long Sent, long Acknowledged, long Timeouts) Counts { get { lock (_gate) return (_sent, _acknowledged, _timeouts); } }

    /// <summary>At the start: throws away what an earlier owner of this ID left in the slot, or goes on waiting for its receiver.</summary>
    public void Adopt()
    {
        lock (_gate)
        {
            if (!options.KeepsOwnSlot) { _ = slots.Withdraw(self.Id); return; }
            ulong to = slots.ResponderOf(self.Id);
            if (slots.LengthOf(self.Id) == 0) return;
            _flight = new();
            _flight.Begin(new((ushort)Math.Min(to, ushort.MaxValue)), options.SendTimeout, isDetached: true);
            _publishedAt = options.Time.GetTimestamp();
            _isBusy = true;
        }
    }

    /// <summary>Puts a message into the slot, or into the queue behind others.</summary>
    public Dispatch Submit(PeerId to, ReadOnlySpan<byte> message, TimeSpan timeout, bool isDetached)
    {
        lock (_gate)
        {
            if (!_spare.TryPop(out Dispatch? dispatch)) dispatch = new() { Fetched = Recycle };
            dispatch.Begin(to, timeout, isDetached);
            if (_isClosed) { dispatch.Complete(SendResult.Closed); return dispatch; }
            PumpLocked();
            if (_flight is null && _queue.Count == 0)
            {
                Publish(dispatch, message);
            }
            else
            {
                dispatch.Store(message);
                _queue.Enqueue(dispatch);
            }
            _isBusy = _flight is not null;
            return dispatch;
        }
    }

    /// <summary>Settles what is settled and publishes what comes next.</summary>
    public void Pump()
    {
        if (!_isBusy) return;
        lock (_gate) if (!_isClosed) PumpLocked();
    }

    /// <summary>Looks for the acknowledgement until a message is done or some time has passed.</summary>
    public void Watch(Dispatch dispatch, TimeSpan time)
    {
        lock (_gate)
        {
            if (_isClosed) return;
            _watchers++;   // Close waits for us before the memory goes
        }
        long start = options.Time.GetTimestamp();
        for (int i = 0; !dispatch.IsDone && !Volatile.Read(ref _isClosed); i++)
        {
            if (LooksTaken) Pump();
            if (options.Time.GetElapsedTime(start) >= time) break;
            if ((i & 7) == 7) _ = Thread.Yield();   // the receiver may need this very processor
            else Thread.SpinWait(10);
        }
        _ = Interlocked.Decrement(ref _watchers);
    }

    /// <summary>The slot is free, as far as one look can tell. The caller is the loop, or inside <see cref="Watch"/>.</summary>
    public bool LooksTaken => slots.LengthOf(self.Id) == 0;

    /// <summary>How long the message in flight has been in the slot.</summary>
    public TimeSpan SincePublished => options.Time.GetElapsedTime(Volatile.Read(ref _publishedAt));

    /// <summary>How long to wait before the next look: ever longer, but never long enough to be felt.</summary>
    public TimeSpan NextLook() => TimeSpan.FromMicroseconds(Math.Clamp(SincePublished.TotalMicroseconds / 8, 50, 1999));

    /// <summary>A peer left: nothing waits for it any longer.</summary>
    public void PeerLeft(PeerId peer)
    {
        lock (_gate)
        {
            if (_isClosed || _flight is not { } flight || flight.To != peer) return;
            Settle(slots.Withdraw(self.Id) ? SendResult.NoSuchPeer : SendResult.Delivered);
            PumpLocked();
        }
    }

    /// <summary>Ends: what is in flight is withdrawn, everybody who waits is told. Nothing touches the memory afterwards.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_isClosed) return;
            _isClosed = true;
            if (_flight is not null) Settle(slots.Withdraw(self.Id) ? SendResult.Closed : SendResult.Delivered);
            while (_queue.TryDequeue(out Dispatch? dispatch)) dispatch.Complete(SendResult.Closed);
            _isBusy = false;
        }
        var wait = new SpinWait();
        while (Volatile.Read(ref _watchers) > 0) wait.SpinOnce(-1);   // at most a few instructions long
    }

    /// <summary>Does something with the memory while it is certainly there.</summary>
    /// <returns>False where the endpoint has ended.</returns>
    public bool TryUse(Action<MailboxSlots> use)
    {
        lock (_gate)
        {
            if (_isClosed) return false;
            use(slots);
            return true;
        }
    }

    private void PumpLocked()
    {
        while (true)
        {
            if (_flight is { } flight)
            {
                if (slots.LengthOf(self.Id) == 0) Settle(SendResult.Delivered);
                else if (options.Time.GetElapsedTime(_publishedAt) >= flight.Timeout) GiveUp();
                else if (flight.NeedsRing || (!self.KnowsPeers && options.Time.GetElapsedTime(_rungAt) >= _ringAgain)) { Ring(flight); break; }
                else break;
            }
            if (!_queue.TryDequeue(out Dispatch? next)) break;
            Publish(next, next.Bytes);
        }
        _isBusy = _flight is not null;
    }

    private void Publish(Dispatch dispatch, ReadOnlySpan<byte> message)
    {
        if (dispatch.To == self.Id || !slots.Geometry.HasSlot(dispatch.To)) { dispatch.Complete(SendResult.NoSuchPeer); return; }
        if (slots.LengthOf(self.Id) != 0) _ = slots.Withdraw(self.Id);   // left there by UntakenMail.Leave, or written by somebody else
        options.Trace?.Invoke(true, dispatch.To, message);   // before it can be answered
        slots.Publish(self.Id, dispatch.To, message);
        Ring(dispatch);
        if (dispatch.NeedsRing && !IsPeer(dispatch.To))
        {
            _ = slots.Withdraw(self.Id);
            dispatch.Complete(SendResult.NoSuchPeer);
            return;
        }
        _flight = dispatch;
        Volatile.Write(ref _publishedAt, options.Time.GetTimestamp());
        _sent++;
    }

    // What is refused is tried again: the peer is joining, and its last doorbells are still on their way to us. In a guest nothing is refused, but it may be just so in its QEMU.
    private void Ring(Dispatch dispatch)
    {
        dispatch.NeedsRing = !self.Ring(dispatch.To, self.Id.Value);
        _rungAt = options.Time.GetTimestamp();
    }

    private bool IsPeer(PeerId id)
    {
        foreach (PeerId peer in self.Peers) if (peer == id) return true;
        return false;
    }

    private void GiveUp()
    {
        bool wasTaken = options.Untaken == UntakenMail.Leave ? slots.LengthOf(self.Id) == 0 : !slots.Withdraw(self.Id);
        Settle(wasTaken ? SendResult.Delivered : SendResult.TimedOut);
    }

    private void Settle(SendResult result)
    {
        if (result == SendResult.Delivered) _acknowledged++;
        if (result == SendResult.TimedOut) _timeouts++;
        Dispatch flight = _flight!;
        _flight = null;
        flight.Complete(result);
    }

    private void Recycle(Dispatch dispatch)
    {
        lock (_gate) if (_spare.Count < 64) _spare.Push(dispatch);
    }
}
