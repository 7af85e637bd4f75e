// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Daemon;

/// <summary>What the daemon says. Event ids 5000 to 5099.</summary>
internal static partial class Log
{
    [LoggerMessage(5000, LogLevel.Information, "tombolod {Version} runs the fabric {Fabric} as process {Process}; state in {Folder}.")]
    public static partial void Started(ILogger log, string version, string fabric, int process, string folder);

    [LoggerMessage(5001, LogLevel.Information, "Stopping: {Reason}.")]
    public static partial void Stopping(ILogger log, string reason);

    [LoggerMessage(5002, LogLevel.Information, "Stopped.")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(5003, LogLevel.Warning, "Refused process {Process} of user {User} on the admin socket.")]
    public static partial void RefusedAdmin(ILogger log, int process, uint user);

    [LoggerMessage(5004, LogLevel.Warning, "{Sentence}")]
    public static partial void Problem(ILogger log, string sentence);

    [LoggerMessage(5005, LogLevel.Information, "{Kind} {Subject}: {Sentence}")]
    public static partial void Happened(ILogger log, string kind, string subject, string sentence);
}
