// SPDX-License-Identifier: MIT
namespace Tombolo.Channels;

/// <summary>What happens when a subscriber is slower than the publisher.</summary>
public enum SubscriberPolicy
{
    /// <summary>The publisher waits for it: it misses nothing, and takes messages where they lie. A subscriber that died holds nobody up.</summary>
    Block,
    /// <summary>It misses the oldest messages, and counts them. Each message is copied once, out of the ring.</summary>
    DropOldest,
    /// <summary>The publisher cuts it off, and it is told so. Each message is copied once, out of the ring.</summary>
    Disconnect,
}
