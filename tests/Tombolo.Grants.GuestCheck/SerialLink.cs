// SPDX-License-Identifier: MIT
using Tombolo.Grants.Conformance;

namespace Tombolo.Grants.GuestCheck;

/// <summary>A link over a line that loses what comes before its reader is there, such as a serial port: both sides say hello until they hear each other.</summary>
public sealed class SerialLink : ICheckLink, IDisposable
{
    private const string Hello = "hello", Welcome = "welcome";
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(300), _patience = TimeSpan.FromSeconds(120);
    private readonly StreamLink _lines;
    private Task<string>? _next;

    /// <summary>Meets the other side.</summary>
    /// <param name="input">What the other side says.</param>
    /// <param name="output">What it hears.</param>
    /// <exception cref="CheckException">Nobody is there.</exception>
    public SerialLink(Stream input, Stream output)
    {
        _lines = new(input, output);
        long start = TimeProvider.System.GetTimestamp();
        bool isHeard = false;
        while (!isHeard)
        {
            if (TimeProvider.System.GetElapsedTime(start) > _patience) throw new CheckException("Nobody is at the other end.");
            _lines.Send(Hello);
            while (!isHeard && TryReceive(_again) is { } line)
            {
                isHeard = line.EndsWith(Welcome, StringComparison.Ordinal);
                if (line.EndsWith(Hello, StringComparison.Ordinal)) _lines.Send(Welcome);
            }
        }
        _lines.Send(Welcome);   // the other side may have lost the first
    }

    /// <inheritdoc/>
    public void Send(string line) => _lines.Send(line);

    /// <inheritdoc/>
    public string Receive(TimeSpan limit)
    {
        while (true)
        {
            string line = TryReceive(limit) ?? throw new CheckException($"The other side said nothing for {limit.TotalSeconds:0} s.");
            if (line.EndsWith(Hello, StringComparison.Ordinal)) _lines.Send(Welcome);
            else if (!line.EndsWith(Welcome, StringComparison.Ordinal)) return line;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();

    // A wait that runs out keeps its read for the next one.
    private string? TryReceive(TimeSpan limit)
    {
        _next ??= Task.Run(() => _lines.Receive(TimeSpan.FromHours(1)));
        if (!_next.Wait(limit)) return null;
        string line = _next.Result;
        _next = null;
        return line;
    }
}
