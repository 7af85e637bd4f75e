// SPDX-License-Identifier: MIT
namespace Tombolo.Mailbox;

/// <summary>What became of a message.</summary>
public enum SendResult
{
    /// <summary>Its receiver took it.</summary>
    Delivered,
    /// <summary>Its receiver did not take it in time. With <see cref="UntakenMail.Leave"/> it may still do so.</summary>
    TimedOut,
    /// <summary>There is no such peer, or it left.</summary>
    NoSuchPeer,
    /// <summary>This endpoint has ended.</summary>
    Closed,
}

/// <summary>What is done with a message that was not taken in time.</summary>
public enum UntakenMail
{
    /// <summary>It is taken out of the slot: it is either delivered or not, and its sender knows which.</summary>
    Withdraw,
    /// <summary>It stays until the next message overwrites it, as FAME-Z's own client does: it may be delivered late.</summary>
    Leave,
}
