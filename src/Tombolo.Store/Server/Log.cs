// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Store;

/// <summary>What the store's server says. Event ids 2300 to 2399.</summary>
internal static partial class Log
{
    [LoggerMessage(2300, LogLevel.Information, "Serving the store at {Socket}; {Nodes} nodes from {Origin}.")]
    public static partial void Serving(ILogger log, string socket, int nodes, string origin);

    [LoggerMessage(2301, LogLevel.Information, "Took over {Connections} connections with {Watches} watches from a store's server that died.")]
    public static partial void TookOver(ILogger log, int connections, int watches);

    [LoggerMessage(2302, LogLevel.Warning, "Refused a client of process {Process}, user {User}: {Reason}.")]
    public static partial void Refused(ILogger log, int process, uint user, string reason);

    [LoggerMessage(2303, LogLevel.Warning, "Dropped {Who}: {Reason}.")]
    public static partial void Dropped(ILogger log, string who, string reason);

    [LoggerMessage(2304, LogLevel.Warning, "{Sentence} It is refused until there is room; this is said once.")]
    public static partial void QuotaHit(ILogger log, string sentence);

    [LoggerMessage(2305, LogLevel.Error, "The journal cannot be written, so changes are refused: {Reason}")]
    public static partial void JournalFull(ILogger log, string reason);

    [LoggerMessage(2306, LogLevel.Error, "The session of {Who} ended by a fault of ours: {Fault}")]
    public static partial void SessionFault(ILogger log, string who, string fault);

    [LoggerMessage(2307, LogLevel.Warning, "The store's keeper is gone; starting another.")]
    public static partial void KeeperGone(ILogger log);

    [LoggerMessage(2308, LogLevel.Error, "No keeper can be started, so clients would not survive this server's death: {Reason}")]
    public static partial void KeeperFailed(ILogger log, string reason);

    [LoggerMessage(2309, LogLevel.Error, "The store's loop ended by a fault of ours: {Fault}")]
    public static partial void LoopFault(ILogger log, string fault);

    [LoggerMessage(2310, LogLevel.Information, "Took over the socket {Socket} of a server that is gone.")]
    public static partial void StaleSocket(ILogger log, string socket);
}
