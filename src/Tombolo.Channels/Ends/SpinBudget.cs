// SPDX-License-Identifier: MIT
using System.Diagnostics;

namespace Tombolo.Channels;

/// <summary>How long to poll before sleeping: the whole of the configured time as long as polling pays, a sixteenth where it does not.</summary>
internal struct SpinBudget(TimeSpan most)
{
    private const int Steps = 4;   // halvings from the whole to a sixteenth

    private readonly long _most = (long)(most.TotalSeconds * Stopwatch.Frequency);
    private int _halvings;

    /// <summary>Ticks of <see cref="Stopwatch"/> to poll now; 0: not at all.</summary>
    public readonly long Ticks => _most >> _halvings;

    /// <summary>Learns from a wait that polled.</summary>
    /// <param name="paid">Whether it came while we polled.</param>
    public void Learn(bool paid) => _halvings = paid ? 0 : Math.Min(_halvings + 1, Steps);
}
