// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Ivshmem;

/// <summary>What the doorbell server says. Event ids 2000 to 2099.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "Serving {Socket}: {Bytes} bytes of memory, {Vectors} vectors, place for {Peers} clients.")]
    public static partial void Serving(ILogger log, string socket, long bytes, int vectors, int peers);

    [LoggerMessage(2001, LogLevel.Information, "Peer {Id} joined: process {Process}, user {User}, {Vectors} vectors.")]
    public static partial void Joined(ILogger log, PeerId id, int process, uint user, int vectors);

    [LoggerMessage(2002, LogLevel.Information, "Peer {Id} left.")]
    public static partial void Left(ILogger log, PeerId id);

    [LoggerMessage(2003, LogLevel.Warning, "Refused a client of process {Process}, user {User}: {Reason}.")]
    public static partial void Refused(ILogger log, int process, uint user, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "Dropped peer {Id}, which does not read: {Waiting} notices waited for it, the limit.")]
    public static partial void DroppedSlow(ILogger log, PeerId id, int waiting);

    [LoggerMessage(2005, LogLevel.Warning, "Peer {Id} sends data, which the protocol has no use for; it is no longer read.")]
    public static partial void StoppedReading(ILogger log, PeerId id);

    [LoggerMessage(2006, LogLevel.Information, "Took over {Peers} clients from a server that died; {Undecided}.")]
    public static partial void TookOver(ILogger log, int peers, string undecided);

    [LoggerMessage(2007, LogLevel.Warning, "The keeper is gone; starting another.")]
    public static partial void KeeperGone(ILogger log);

    [LoggerMessage(2008, LogLevel.Error, "No keeper can be started, so clients would not survive this server's death: {Reason}")]
    public static partial void KeeperFailed(ILogger log, string reason);

    [LoggerMessage(2009, LogLevel.Error, "The session of peer {Id} ended by a fault of ours: {Fault}")]
    public static partial void SessionFault(ILogger log, PeerId id, string fault);

    [LoggerMessage(2010, LogLevel.Warning, "Stopping although peer {Id} is in its handshake and does not read.")]
    public static partial void CutOff(ILogger log, PeerId id);

    [LoggerMessage(2011, LogLevel.Information, "Took over the socket {Socket} of a server that is gone.")]
    public static partial void StaleSocket(ILogger log, string socket);

    [LoggerMessage(2012, LogLevel.Error, "The server's loop ended by a fault of ours: {Fault}")]
    public static partial void LoopFault(ILogger log, string fault);
}
