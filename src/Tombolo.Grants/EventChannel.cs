// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>One end of an event channel: a port of this domain.</summary>
/// <remarks>
/// An event carries nothing, and several become one: it is a hint to look again at what is shared. When the other end closes, or its domain dies, nothing happens here; the port can be bound
/// to again by that domain. Thread-safe. <see cref="IDisposable.Dispose"/> closes the port.
/// </remarks>
public abstract class EventChannel : IDisposable
{
    private readonly Lock _gate = new();   // guards _waiter, _isClosed
    private TaskCompletionSource<bool>? _waiter;
    private bool _isClosed;

    /// <summary>The own number.</summary>
    public abstract EventPort Port { get; }

    /// <summary>The domain at the other end.</summary>
    public abstract DomainId Remote { get; }

    /// <summary>Readable while an event is pending and the port is not masked. Borrowed: wait on it with <see cref="Epoll"/>, then call <see cref="TryTake"/>.</summary>
    public abstract SafeFd Descriptor { get; }

    /// <summary>Whether the port is masked.</summary>
    public abstract bool IsMasked { get; }

    /// <summary>Makes an event pending at the other end. A gone other end is no error: nobody can tell.</summary>
    /// <exception cref="ObjectDisposedException">The port is closed.</exception>
    public abstract void Notify();

    /// <summary>From now on events become pending, but are not heard.</summary>
    public abstract void Mask();

    /// <summary>Hears events again, at once what became pending meanwhile.</summary>
    public abstract void Unmask();

    /// <summary>Takes the pending event.</summary>
    /// <returns>False where none is pending, or the port is masked.</returns>
    public abstract bool TryTake();

    /// <summary>Waits for an event on this thread, and takes it.</summary>
    /// <param name="timeout">How long at the most.</param>
    /// <returns>False when the time ran out.</returns>
    public bool Wait(TimeSpan timeout)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!TryTake())
        {
            TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? TimeSpan.FromDays(1) : timeout - TimeProvider.System.GetElapsedTime(start);
            if (left <= TimeSpan.Zero) return false;
            _ = UnixSocket.Wait(Descriptor, forReading: true, left);
        }
        return true;
    }

    /// <summary>Waits for an event without a thread, and takes it.</summary>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    /// <exception cref="ObjectDisposedException">The port was closed meanwhile.</exception>
    /// <exception cref="InvalidOperationException">Another such wait is under way.</exception>
    public async ValueTask WaitAsync(CancellationToken cancellation = default)
    {
        while (!TryTake())
        {
            var woken = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_isClosed, this);
                if (_waiter is not null) throw new InvalidOperationException($"Another wait on port {Port} is under way.");
                _waiter = woken;
            }
            try
            {
                using IDisposable watch = DescriptorWaits.Watch(Descriptor, () => woken.TrySetResult(true));
                _ = await woken.Task.WaitAsync(cancellation);
            }
            finally { lock (_gate) _waiter = null; }
        }
    }

    /// <summary>Closes the port; waits under way end. Idempotent.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isClosed) return;
            _isClosed = true;
            _ = _waiter?.TrySetResult(false);
        }
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the port and says so to whoever must know; called once.</summary>
    protected abstract void Close();
}
