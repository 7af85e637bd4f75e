// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Tombolo.Daemon;

/// <summary>What happened so far, and what happens, for any number of listeners. A listener that does not keep up misses the oldest of what waits for it; it holds nobody up.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class EventFeed<T>
{
    /// <summary>How many past events a new listener hears of, and how many may wait for a slow one.</summary>
    public const int Kept = 1024;

    private readonly Lock _gate = new();   // guards everything below
    private readonly Queue<T> _past = new(Kept);
    private readonly HashSet<Channel<T>> _listeners = [];
    private bool _ended;

    /// <summary>Tells everybody.</summary>
    public void Publish(T item)
    {
        lock (_gate)
        {
            if (_past.Count == Kept) _ = _past.Dequeue();
            _past.Enqueue(item);
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
        Channel<T> channel = Channel.CreateBounded<T>(new BoundedChannelOptions(2 * Kept) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_gate)
        {
            foreach (T item in _past) _ = channel.Writer.TryWrite(item);
            if (_ended) channel.Writer.Complete();
            else _ = _listeners.Add(channel);
        }
        try
        {
            await foreach (T item in channel.Reader.ReadAllAsync(stop)) yield return item;
        }
        finally
        {
            lock (_gate) _ = _listeners.Remove(channel);
        }
    }
}
