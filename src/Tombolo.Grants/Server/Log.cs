// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Grants;

/// <summary>What the grants' server says. Event ids 6000 to 6099.</summary>
internal static partial class Log
{
    [LoggerMessage(6000, LogLevel.Information, "Serving grants at {Socket}.")]
    public static partial void Serving(ILogger log, string socket);

    [LoggerMessage(6001, LogLevel.Information, "The server before this one was killed; its processes have at most {Seconds} s to come back.")]
    public static partial void Grace(ILogger log, double seconds);

    [LoggerMessage(6002, LogLevel.Debug, "Process {Process} of user {User} stands as domain {Domain}.")]
    public static partial void Joined(ILogger log, int process, uint user, ushort domain);

    [LoggerMessage(6003, LogLevel.Warning, "Refused process {Process} of user {User}: {Reason}.")]
    public static partial void Refused(ILogger log, int process, uint user, string reason);

    [LoggerMessage(6004, LogLevel.Warning, "Dropped process {Process} of user {User}: {Reason}.")]
    public static partial void Dropped(ILogger log, int process, uint user, string reason);

    [LoggerMessage(6005, LogLevel.Error, "The conversation with process {Process} ended by a fault of ours: {Fault}")]
    public static partial void ProcessFault(ILogger log, int process, string fault);

    [LoggerMessage(6006, LogLevel.Error, "The grants' loop ended by a fault of ours: {Fault}")]
    public static partial void LoopFault(ILogger log, string fault);
}
