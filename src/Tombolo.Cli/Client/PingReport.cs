// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Cli.Client;

/// <summary>One ping's outcome, for JSON.</summary>
/// <param name="Destination">Whom.</param>
/// <param name="Sequence">Which of the run, from 1.</param>
/// <param name="Milliseconds">How long the answer took; null where none came in time.</param>
internal sealed record PingOutcome(int Destination, int Sequence, double? Milliseconds);

/// <summary>Figures of a run of pings to one peer.</summary>
internal sealed class PingReport
{
    private readonly List<double> _milliseconds = [];

    /// <summary>How many were sent.</summary>
    public int Sent { get; private set; }

    /// <summary>How many were answered.</summary>
    public int Answered => _milliseconds.Count;

    /// <summary>Takes one in.</summary>
    public void Add(TimeSpan? time)
    {
        Sent++;
        if (time is { } taken) _milliseconds.Add(taken.TotalMilliseconds);
    }

    /// <summary>The lines that ping(8) ends with.</summary>
    public IEnumerable<string> Lines(string label)
    {
        yield return $"--- {label} ---";
        yield return $"{Sent} sent, {Answered} answered, {(Sent == 0 ? 0 : 100 * (Sent - Answered) / Sent)}% lost";
        if (_milliseconds.Count == 0) yield break;
        double mean = _milliseconds.Average();
        double deviation = Math.Sqrt(Math.Max(0, _milliseconds.Average(one => one * one) - (mean * mean)));
        yield return string.Create(CultureInfo.InvariantCulture, $"round trip min/avg/max/mdev = {_milliseconds.Min():0.000}/{mean:0.000}/{_milliseconds.Max():0.000}/{deviation:0.000} ms");
    }
}
