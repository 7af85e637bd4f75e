// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>A server's state at one moment.</summary>
/// <param name="Peers">Connected clients, by ID.</param>
/// <param name="Counters">What happened since the server started.</param>
/// <param name="IsKept">Whether a keeper holds everything: the server could be killed now and started again.</param>
public sealed record DoorbellSnapshot(IReadOnlyList<PeerSnapshot> Peers, DoorbellCounters Counters, bool IsKept);

/// <summary>One connected client.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Who">The process behind it.</param>
/// <param name="Vectors">How many vectors it hears.</param>
/// <param name="IsJoined">Whether its whole handshake went out.</param>
/// <param name="WaitingNotices">Notices that wait for it to read.</param>
public sealed record PeerSnapshot(PeerId Id, PeerCredentials Who, int Vectors, bool IsJoined, int WaitingNotices);

/// <summary>Counts since the server's process started.</summary>
public sealed record DoorbellCounters
{
    /// <summary>Clients that were given an ID.</summary>
    public long Joins { get; init; }
    /// <summary>Clients that went.</summary>
    public long Leaves { get; init; }
    /// <summary>Clients refused because there was no place.</summary>
    public long RefusedFull { get; init; }
    /// <summary>Clients refused because of who they are.</summary>
    public long RefusedUser { get; init; }
    /// <summary>Clients dropped because their queue was full.</summary>
    public long DroppedSlow { get; init; }
    /// <summary>Messages sent.</summary>
    public long Messages { get; init; }
    /// <summary>Bytes that clients sent, which the protocol has no use for.</summary>
    public long IgnoredBytes { get; init; }
    /// <summary>How often the kernel had too many descriptors in flight and the server waited (ETOOMANYREFS).</summary>
    public long WaitsInFlight { get; init; }
    /// <summary>Clients taken over from a server that died.</summary>
    public long Kept { get; init; }
}
