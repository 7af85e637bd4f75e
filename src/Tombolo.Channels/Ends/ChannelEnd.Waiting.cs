// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tombolo.Memory;

namespace Tombolo.Channels;

// How an end waits: polling, then asleep, with a thread or without.
public abstract partial class ChannelEnd
{
    private const int LooksPerClock = 32;   // polling reads the clock once in so many looks

    /// <summary>Waits on this thread.</summary>
    private protected ChannelWait Wait(TimeSpan timeout, CancellationToken cancellation)
    {
        EnterWait();
        try
        {
            if (IsReady() || (timeout != TimeSpan.Zero && Spin())) return ChannelWait.Ready;
            using CancellationTokenRegistration registration = Register(cancellation);
            long start = _options.Time.GetTimestamp();
            while (true)
            {
                if (Prepare(timeout, start, cancellation, out uint asleep, out TimeSpan slice) is { } result) return result;
                _party.Sleep(_own.Wait, asleep, slice);
                ThrowIfGone();
                Withdraw(asleep);
                if (IsReady()) return ChannelWait.Ready;
            }
        }
        finally { LeaveWait(); }
    }

    /// <summary>Waits without a thread.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private protected async ValueTask<ChannelWait> WaitAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        EnterWait();
        try
        {
            if (IsReady() || (timeout != TimeSpan.Zero && Spin())) return ChannelWait.Ready;
            using CancellationTokenRegistration registration = Register(cancellation);
            long start = _options.Time.GetTimestamp();
            while (true)
            {
                if (Prepare(timeout, start, cancellation, out uint asleep, out TimeSpan slice) is { } result) return result;
                await _party.SleepAsync(_own.Wait, asleep, slice);
                ThrowIfGone();
                Withdraw(asleep);
                if (IsReady()) return ChannelWait.Ready;
            }
        }
        finally { LeaveWait(); }
    }

    // Polls for as long as it may. No part in it is played by shared memory but what IsReady reads.
    private bool Spin()
    {
        long budget = _spin.Ticks;
        if (budget == 0) return false;
        long start = Stopwatch.GetTimestamp();
        bool isReady = false;
        do
        {
            for (int look = 0; look < LooksPerClock && !isReady; look++)
            {
                SharedFence.Pause();
                isReady = IsReady();
            }
        }
        while (!isReady && !_isDisposed && Stopwatch.GetTimestamp() - start < budget);
        _spin.Learn(isReady);
        return isReady;
    }

    // Everything between two sleeps. A result: do not sleep. None: sleep while the wait word holds the value given, for the time given.
    private ChannelWait? Prepare(TimeSpan timeout, long start, CancellationToken cancellation, out uint asleep, out TimeSpan slice)
    {
        slice = _options.CheckInterval;
        ThrowIfGone();
        asleep = Announce();
        ChannelWait? result = null;
        try
        {
            cancellation.ThrowIfCancellationRequested();
            CheckSeat();
            if (IsReady()) return result = ChannelWait.Ready;
            if (Outcome() is { } outcome) return result = IsReady() ? ChannelWait.Ready : outcome;   // it closed (died) after its last message, which we may just have missed
            if (timeout == Timeout.InfiniteTimeSpan) return null;
            TimeSpan left = timeout - _options.Time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero) return result = ChannelWait.TimedOut;
            if (left < slice) slice = left;
            return null;
        }
        catch
        {
            result = ChannelWait.TimedOut;
            throw;
        }
        finally
        {
            if (result is null) Sleeps++;
            else Withdraw(asleep);
        }
    }

    // Says that a sleep begins: from now on, whoever changes something must wake us.
    private uint Announce()
    {
        uint asleep = (_own.Wait.ReadAcquire() + 2) | 1;
        Step.Before("want");
        _own.Want.WriteRelease(Want);
        Step.Before("wait word odd");
        _own.Wait.WriteRelease(asleep);
        // ORDER: full fence between this store and the look that follows.  PAIRS WITH: the fence in Wake: either the waker sees the odd word, or we see what it did.
        SharedFence.Full();
        return asleep;
    }

    private void Withdraw(uint asleep)
    {
        Step.Before("withdraw");
        _ = _own.Wait.CompareExchange(asleep + 1, asleep);
    }

    private void ThrowIfGone()
    {
        if (_party.IsGone) throw ChannelException.Gone($"The memory of channel '{Name}'");
        if (_seat.Window.IsLost) throw ChannelException.Lost($"The memory of channel '{Name}'");
    }

    private void CheckSeat()
    {
        ThrowIfDisposed();
        ThrowIfGone();   // what follows reads zeros where the memory is lost
        if (_seat.Generation.ReadAcquire() != _seat.Header.Generation) throw new ChannelException(ChannelFault.Removed, $"Channel '{Name}' was removed while this end was open.");
        if (_own.Owner.ReadAcquire() != _party.Id.Value)
            throw new ChannelException(ChannelFault.Removed, $"This end of channel '{Name}' was taken over by {new PartyId(_own.Owner.ReadAcquire())}, which took this party for dead.");
    }

    private CancellationTokenRegistration Register(CancellationToken cancellation) =>
        cancellation.CanBeCanceled ? cancellation.UnsafeRegister(static end => ((ChannelEnd)end!).WakeSelf(), this) : default;

    // From here to LeaveWait, polling included, Dispose on another thread does not let go of the memory.
    private void EnterWait()
    {
        if (Interlocked.CompareExchange(ref _waiting, 1, 0) != 0) throw new InvalidOperationException($"Another wait on this end of channel '{Name}' is under way; an end belongs to one thread at a time.");
        if (!_isDisposed) return;   // ORDER: full fence (the exchange) before this look.  PAIRS WITH: the fence in Dispose: either we see that it is disposed, or it sees that we wait
        LeaveWait();
        ThrowIfDisposed();
    }

    private void LeaveWait() => Volatile.Write(ref _waiting, 0);
}
