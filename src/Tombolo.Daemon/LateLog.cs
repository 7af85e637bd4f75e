// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Daemon;

/// <summary>A log that is opened after those who write to it were made: the file lies in a folder that only the fabric's owner may touch.</summary>
internal sealed class LateLog : ILogger
{
    private volatile ILogger? _target;

    /// <summary>From now on everything goes there.</summary>
    public void Open(ILogger target) => _target = target;

    public bool IsEnabled(LogLevel logLevel) => _target?.IsEnabled(logLevel) ?? false;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _target?.Log(logLevel, eventId, state, exception, formatter);

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
}
