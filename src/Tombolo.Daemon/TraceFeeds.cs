// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Text;
using Tombolo.Fabric;
using Tombolo.Mailbox;

namespace Tombolo.Daemon;

/// <summary>The messages that mailboxes' servers send and take, for whoever listens. Without a listener a message costs one look.</summary>
/// <remarks>Thread-safe. The tracing side is called on a server's loop, and never waits.</remarks>
internal sealed class TraceFeeds(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, EventFeed<TracedMessage>> _feeds = new(StringComparer.Ordinal);

    /// <summary>The tracer of a mailbox.</summary>
    public MailTrace Of(string mailbox)
    {
        EventFeed<TracedMessage> feed = FeedOf(mailbox);
        return (isSent, peer, message) =>
        {
            if (feed.HasListeners) feed.Publish(new(time.GetUtcNow(), isSent, peer.Value, Encoding.UTF8.GetString(message)));
        };
    }

    /// <summary>A mailbox's messages from now on.</summary>
    /// <param name="mailbox">One that exists.</param>
    /// <param name="stop">Ends it.</param>
    public IAsyncEnumerable<TracedMessage> ListenAsync(string mailbox, CancellationToken stop) => FeedOf(mailbox).ListenAsync(stop);

    /// <summary>Ends every listener's stream.</summary>
    public void End()
    {
        foreach (EventFeed<TracedMessage> feed in _feeds.Values) feed.End();
    }

    private EventFeed<TracedMessage> FeedOf(string mailbox) => _feeds.GetOrAdd(mailbox, _ => new(kept: 0));
}
