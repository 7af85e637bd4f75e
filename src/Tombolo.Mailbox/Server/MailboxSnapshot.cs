// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;

namespace Tombolo.Mailbox;

/// <summary>A mailbox fabric's state at one moment.</summary>
/// <param name="Geometry">Its sizes.</param>
/// <param name="IsSilent">Whether the server takes no part.</param>
/// <param name="ClassText">What the server says it is: "Z-switch" or "Z-server"; empty where it is silent.</param>
/// <param name="Address">The server's own address; default: none.</param>
/// <param name="Counters">What the server's own part did.</param>
/// <param name="Peers">Connected clients, by ID.</param>
/// <param name="Doorbell">The doorbell server below.</param>
public sealed record MailboxSnapshot(
    MailboxGeometry Geometry, bool IsSilent, string ClassText, SidCid Address, MailboxCounters Counters, IReadOnlyList<MailboxMember> Peers, DoorbellSnapshot Doorbell);

/// <summary>One connected client of a mailbox fabric.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">The node name in its slot; empty: none (a guest whose driver is not up).</param>
/// <param name="Address">Its address; default: none.</param>
/// <param name="Attributes">What it said about itself; empty: nothing yet.</param>
/// <param name="ProcessId">The process at the other end of its connection.</param>
/// <param name="Received">Messages that the server took from it.</param>
/// <param name="Sent">Messages that the server sent it.</param>
/// <param name="Pending">Bytes of the message in its slot that nobody took yet; 0: none. It may be a lie.</param>
public sealed record MailboxMember(PeerId Id, string Name, SidCid Address, string Attributes, int ProcessId, long Received, long Sent, ulong Pending);
