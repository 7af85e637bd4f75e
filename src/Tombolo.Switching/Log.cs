// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Switching;

/// <summary>What a switch says. Event ids 7000 to 7099.</summary>
internal static partial class Log
{
    [LoggerMessage(7000, LogLevel.Information, "Switch {Switch}: {Ports} ports, {Topologies} topologies, {Threads} data threads.")]
    public static partial void Serving(ILogger log, string @switch, int ports, int topologies, int threads);

    [LoggerMessage(7001, LogLevel.Information, "Port {Port}: process {Process}, user {User}, is attached.")]
    public static partial void Attached(ILogger log, string port, int process, uint user);

    [LoggerMessage(7002, LogLevel.Information, "Port {Port}: the front end hung up.")]
    public static partial void Detached(ILogger log, string port);

    [LoggerMessage(7003, LogLevel.Warning, "Port {Port}: its session ended: {Reason}")]
    public static partial void SessionEnded(ILogger log, string port, string reason);

    [LoggerMessage(7004, LogLevel.Warning, "Port {Port}: {Request} was refused: {Reason}")]
    public static partial void Refused(ILogger log, string port, string request, string reason);

    [LoggerMessage(7005, LogLevel.Warning, "Port {Port} is stopped: {Reason}")]
    public static partial void PortStopped(ILogger log, string port, string reason);

    [LoggerMessage(7006, LogLevel.Warning, "Port {Port}: a second front end, process {Process}, was sent away; the first is still there.")]
    public static partial void SecondFrontEnd(ILogger log, string port, int process);

    [LoggerMessage(7007, LogLevel.Information, "Port {Port}: nobody that it reaches has the address {Mac}; such frames are dropped and counted.")]
    public static partial void UnknownDestination(ILogger log, string port, string mac);

    [LoggerMessage(7008, LogLevel.Warning, "{Count} unknown addresses were named; the rest is only counted.")]
    public static partial void TooManyUnknown(ILogger log, int count);

    [LoggerMessage(7009, LogLevel.Information, "Port {Port}: took over the socket {Socket} of a switch that is gone.")]
    public static partial void StaleSocket(ILogger log, string port, string socket);

    [LoggerMessage(7010, LogLevel.Error, "A loop of the switch ended by a fault of ours: {Fault}")]
    public static partial void LoopFault(ILogger log, string fault);

    [LoggerMessage(7011, LogLevel.Error, "Port {Port}: its session ended by a fault of ours: {Fault}")]
    public static partial void SessionFault(ILogger log, string port, string fault);

    [LoggerMessage(7012, LogLevel.Information, "Port {Port}: its guest's memory is not sealed; if whoever owns it makes it smaller, the port's session ends.")]
    public static partial void MemoryNotSealed(ILogger log, string port);

    [LoggerMessage(7015, LogLevel.Information, "Port {Port}: its uplink is there.")]
    public static partial void UplinkAttached(ILogger log, string port);

    [LoggerMessage(7016, LogLevel.Warning, "Port {Port}: its uplink is gone: {Reason}")]
    public static partial void UplinkEnded(ILogger log, string port, string reason);

    [LoggerMessage(7017, LogLevel.Warning, "Port {Port}: its driver kicks ring {Ring} again and again and sends nothing; its kicks are not listened to any more, the ring is looked at every millisecond.")]
    public static partial void KickStorm(ILogger log, string port, int ring);

    [LoggerMessage(7013, LogLevel.Warning, "Port {Port}: refused the front end of process {Process}: no descriptor is left.")]
    public static partial void NoDescriptor(ILogger log, string port, int process);
}
