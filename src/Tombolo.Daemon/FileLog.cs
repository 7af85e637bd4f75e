// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace Tombolo.Daemon;

/// <summary>A log file of one line an event: time, level, where from, id, what. It is appended to, so a daemon that takes over goes on in it.</summary>
internal sealed class FileLog : ILoggerProvider
{
    private readonly Lock _gate = new();   // guards _writer
    private readonly StreamWriter _writer;
    private readonly LogLevel _least;
    private readonly TimeProvider _time;

    /// <summary>Opens the file.</summary>
    /// <param name="path">Where; made, readable by its owner alone, where it does not exist.</param>
    /// <param name="least">What is less than this is passed over.</param>
    /// <param name="time">What time it is.</param>
    public FileLog(string path, LogLevel least, TimeProvider time)
    {
        (_least, _time) = (least, time);
        _writer = new(path, new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        })
        { AutoFlush = true };
    }

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName[(categoryName.LastIndexOf('.') + 1)..]);

    public void Dispose()
    {
        lock (_gate) _writer.Dispose();
    }

    private void Write(string line)
    {
        try
        {
            lock (_gate) _writer.WriteLine(line);
        }
        catch (ObjectDisposedException) { }   // the last words of a loop that ends after the log
        catch (IOException) { }               // a full disk must not take the fabric down
    }

    private sealed class Category(FileLog log, string name) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel >= log._least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            // One line, whatever a message quotes: another party's text may hold line ends and escape sequences.
            string text = formatter(state, exception) + (exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})");
            string safe = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
            log.Write($"{log._time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {logLevel} {name} {eventId.Id} {safe}");
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
    }
}
