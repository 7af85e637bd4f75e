// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Cli.Output;

/// <summary>A log of one line an event, with the time in front.</summary>
/// <param name="output">Where it goes; owned by the caller.</param>
/// <param name="least">What is less than this is passed over.</param>
/// <param name="time">What time it is.</param>
internal sealed class LineLogger(TextWriter output, LogLevel least, TimeProvider time) : ILogger
{
    private readonly Lock _gate = new();   // guards output

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        string line = $"{time.GetLocalNow():yyyy-MM-dd'T'HH:mm:ss.fff} {Word(logLevel)} {Printable.Text(formatter(state, exception))}";
        lock (_gate)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    private static string Word(LogLevel level) => level switch { LogLevel.Warning => "warning", LogLevel.Error or LogLevel.Critical => "error", LogLevel.Information => "info", _ => "debug" };
}
