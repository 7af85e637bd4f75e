// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise;

/// <summary>One target's part of a run: what went there and what came back.</summary>
/// <remarks>
/// Questions on their way lie in a ring of as many places as the window has; echoes must come in order, for a mailbox keeps it. All members may be called from the sending thread
/// and the link's.
/// </remarks>
internal sealed class TargetRun(Neighbour target, uint stream, int window, TimeProvider time)
{
    private readonly object _gate = new();   // guards everything below; waited on by the sender, pulsed by the link's thread
    private readonly long[] _askedAt = new long[window];
    private uint _asked, _awaited;
    private readonly Histogram _taken = new(), _roundTrip = new();
    private const int MostFailures = 10;   // in a row: whoever is dead must not hold up the others for ever
    private int _failures;
    private long _delivered, _timedOut, _unreachable, _bytes, _echoed, _lost, _unexpected, _corrupt;

    public Neighbour Target { get; } = target;
    public uint Stream { get; } = stream;

    /// <summary>Sequence numbers used so far.</summary>
    public uint Sent { get; private set; }

    /// <summary>Whether so many messages in a row failed that no more are sent.</summary>
    public bool IsGivenUp { get { lock (_gate) return _failures >= MostFailures; } }

    /// <summary>Waits until one more question may go; what took too long to come back is given up as lost.</summary>
    public void WaitForRoom(TimeSpan timeout)
    {
        lock (_gate)
            while (_asked - _awaited >= (uint)window) WaitOrGiveUp(timeout);
    }

    /// <summary>Waits until all echoes are back or given up.</summary>
    public void WaitForAll(TimeSpan timeout)
    {
        lock (_gate)
            while (_asked != _awaited) WaitOrGiveUp(timeout);
    }

    /// <summary>The next message is about to go.</summary>
    /// <returns>Its sequence number.</returns>
    public uint Begin(bool isQuestion)
    {
        lock (_gate)
        {
            uint sequence = Sent++;
            if (!isQuestion) return sequence;
            _askedAt[sequence % (uint)window] = time.GetTimestamp();
            _asked = sequence + 1;
            return sequence;
        }
    }

    /// <summary>What became of it.</summary>
    public void Finish(uint sequence, int bytes, Outcome outcome, TimeSpan took, bool isQuestion)
    {
        lock (_gate)
        {
            if (outcome == Outcome.Delivered)
            {
                (_delivered, _bytes) = (_delivered + 1, _bytes + bytes);
                if (!isQuestion) _failures = 0;
                _taken.Note(took);
                return;
            }
            _failures++;
            if (outcome == Outcome.TimedOut) _timedOut++;
            else _unreachable++;
            // It did not go out, so no echo comes. Only the newest can be here, and only if none is awaited before it, or its place is given up in its turn.
            if (isQuestion && _awaited == sequence) _awaited++;
        }
    }

    /// <summary>An echo came.</summary>
    public void TakeEcho(Pattern echo)
    {
        lock (_gate)
        {
            // In order means: the oldest awaited. A later one says that those before it are lost; one not awaited is doubled, late, or made up.
            if (echo.Sequence - _awaited >= _asked - _awaited) { _unexpected++; return; }
            _lost += echo.Sequence - _awaited;
            _roundTrip.Note(time.GetElapsedTime(_askedAt[echo.Sequence % (uint)window]));
            (_echoed, _failures) = (_echoed + 1, 0);
            _awaited = echo.Sequence + 1;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>An echo came with a wrong byte.</summary>
    public void TakeCorrupt() { lock (_gate) _corrupt++; }

    /// <summary>The figures.</summary>
    public TargetReport Report(TimeSpan elapsed, bool wantsEchoes)
    {
        lock (_gate)
            return new(Target.Id, Target.Label, Sent, _delivered, _timedOut, _unreachable, _bytes, wantsEchoes ? _echoed : null, _lost, _unexpected, _corrupt,
                elapsed.TotalSeconds > 0 ? _delivered / elapsed.TotalSeconds : 0, Percentiles.Of(_taken), wantsEchoes ? Percentiles.Of(_roundTrip) : null);
    }

    private void WaitOrGiveUp(TimeSpan timeout)
    {
        TimeSpan left = timeout - time.GetElapsedTime(_askedAt[_awaited % (uint)window]);
        if (left > TimeSpan.Zero && Monitor.Wait(_gate, left < TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1))) return;
        if (time.GetElapsedTime(_askedAt[_awaited % (uint)window]) < timeout) return;
        (_lost, _failures) = (_lost + 1, _failures + 1);
        _awaited++;
    }
}
