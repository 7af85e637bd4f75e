// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Tombolo.Daemon;

/// <summary>What happened so far, and what happens, for any number of listeners. A listener that does not keep up misses the oldest of what waits for it; it holds nobody up.</summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="kept">How many past events a new listener hears of.</param>
internal sealed class EventFeed<T>(int kept = EventFeed<T>.Kept)
{
    /// <summary>How many past events are kept where nobody says otherwise.</summary>
    public const int Kept = 1024;

    private const int MostWaiting = 2 * Kept;   // for one listener that does not keep up

    private readonly Lock _gate = new();   // guards everything below
    private readonly Queue<T> _past = new();
    private readonly HashSet<Channel<T>> _listeners = [];
    private bool _ended;
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile int _listenerCount;   // of _listeners; read without the lock

    /// <summary>Ends when the first listener has come.</summary>
    public Task FirstListener => _first.Task;

    /// <summary>Whether anybody listens at this moment.</summary>
    public bool HasListeners => _listenerCount > 0;

    /// <summary>Tells everybody.</summary>
    public void Publish(T item)
    {
        lock (_gate)
        {
            _past.Enqueue(item);
            if (_past.Count > kept) _ = _past.Dequeue();
            foreach (Channel<T> listener in _listeners) _ = listener.Writer.TryWrite(item);   // never false: the oldest gives way
        }
    }

    /// <summary>Nothing more will happen: listeners end once they have heard everything.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            foreach (Channel<T> listener in _listeners) listener.Writer.Complete();
            _listeners.Clear();
        }
    }

    /// <summary>All past events that are kept, then the new ones.</summary>
    public async IAsyncEnumerable<T> ListenAsync([EnumeratorCancellation] CancellationToken stop)
    {
        Channel<T> channel = Channel.CreateBounded<T>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_gate)
        {
            foreach (T item in _past) _ = channel.Writer.TryWrite(item);
            if (_ended) channel.Writer.Complete();
            else _ = _listeners.Add(channel);
            _listenerCount = _listeners.Count;
        }
        _ = _first.TrySetResult();
        try
        {
            await foreach (T item in channel.Reader.ReadAllAsync(stop)) yield return item;
        }
        finally
        {
            lock (_gate)
            {
                _ = _listeners.Remove(channel);
                _listenerCount = _listeners.Count;
            }
        }
    }
}
