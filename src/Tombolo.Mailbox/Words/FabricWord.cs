// SPDX-License-Identifier: MIT
namespace Tombolo.Mailbox;

/// <summary>What a fabric message is. Source: docs/specs/mailbox.md, "Words".</summary>
public enum FabricWord
{
    /// <summary><c>ping</c>.</summary>
    Ping,
    /// <summary><c>pong</c>.</summary>
    Pong,
    /// <summary><c>Link CTL Peer-Attribute</c>: asks who the receiver is.</summary>
    AttributeQuery,
    /// <summary><c>Link CTL ACK k=v,…</c>: says who the sender is.</summary>
    Attributes,
    /// <summary><c>Link CTL NAK …</c>: refuses.</summary>
    Refusal,
    /// <summary><c>Link RFC TTC=&lt;n&gt;us</c>: a client is ready for configuration.</summary>
    RequestForConfiguration,
    /// <summary><c>CTL-Write Space=0,…</c>: the manager hands out an address.</summary>
    Assignment,
    /// <summary><c>Standalone Acknowledgment Tag=&lt;n&gt;,Reason=…</c>: the address was taken.</summary>
    Acknowledgment,
    /// <summary>It begins like a fabric message, but something is missing or no number.</summary>
    Malformed,
}
