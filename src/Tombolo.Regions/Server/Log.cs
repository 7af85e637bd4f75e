// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Regions;

/// <summary>What the region server says. Event ids 4000 to 4099.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Information, "Serving {Regions} regions in a window of {Bytes} bytes: host clients at {Socket}.")]
    public static partial void Serving(ILogger log, int regions, long bytes, string socket);

    [LoggerMessage(4001, LogLevel.Debug, "Host client {Process} of user {User} has region {Region}.")]
    public static partial void Served(ILogger log, int process, uint user, string region);

    [LoggerMessage(4002, LogLevel.Warning, "Host client {Process} of user {User} asked for {What}.")]
    public static partial void NoSuchRegion(ILogger log, int process, uint user, string what);

    [LoggerMessage(4003, LogLevel.Warning, "Dropped host client {Process} of user {User}: {Reason}.")]
    public static partial void Dropped(ILogger log, int process, uint user, string reason);

    [LoggerMessage(4004, LogLevel.Error, "The conversation with host client {Process} ended by a fault of ours: {Fault}")]
    public static partial void ClientFault(ILogger log, int process, string fault);

    [LoggerMessage(4005, LogLevel.Information, "The VM (process {Process}) is there.")]
    public static partial void MachineThere(ILogger log, int process);

    [LoggerMessage(4006, LogLevel.Information, "The VM has gone; its signals are settled, and the next one can come.")]
    public static partial void MachineGone(ILogger log);

    [LoggerMessage(4007, LogLevel.Error, "The clients' loop ended by a fault of ours: {Fault}")]
    public static partial void LoopFault(ILogger log, string fault);
}
