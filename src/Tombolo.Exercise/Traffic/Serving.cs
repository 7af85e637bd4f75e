// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise;

/// <summary>Everything that arrives: checks each stream, sends questions back, hands echoes to whoever asked.</summary>
/// <remarks><see cref="Take"/> is called on the link's thread; the rest from any.</remarks>
internal sealed class Serving(IExerciseLink link)
{
    private readonly Lock _gate = new();   // guards everything below, against the reports
    private readonly SortedDictionary<(Correspondent From, uint Stream), StreamCheck> _streams = [];
    private readonly SortedDictionary<Correspondent, long> _corrupt = [];
    private readonly byte[] _answer = new byte[link.MaxMessage];
    private long _others, _echoed, _count;
    private TaskCompletionSource? _goal;
    private long _goalMessages, _goalStreams;

    /// <summary>Takes the echoes of this process's own questions: the pattern, and whether every byte was right.</summary>
    public Action<Pattern, bool>? Echoed { get; set; }

    /// <summary>Ends when so many messages, or so many streams' ends, have come; 0 stands for no such end.</summary>
    public Task Goal(long messages, long streams)
    {
        lock (_gate)
        {
            (_goalMessages, _goalStreams) = (messages, streams);
            _goal = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Look();
            return _goal.Task;
        }
    }

    /// <summary>Takes a message.</summary>
    public void Take(Correspondent from, ReadOnlySpan<byte> message)
    {
        if (!Pattern.TryRead(message, out Pattern pattern, out bool isIntact))
        {
            _ = Interlocked.Increment(ref _others);
            return;
        }
        if (isIntact && pattern.Kind == PatternKind.Echo)
        {
            Echoed?.Invoke(pattern, true);
            return;
        }
        lock (_gate)
        {
            Judge(from, message.Length, pattern, isIntact);
            Look();
        }
        if (pattern.Kind != PatternKind.Question) return;
        message.CopyTo(_answer);   // a damaged one goes back as it came: its sender sees the damage too
        Pattern.TurnIntoEcho(_answer);
        link.Answer(from, _answer.AsSpan(0, message.Length));
        _ = Interlocked.Increment(ref _echoed);
    }

    /// <summary>What arrived, by sender and stream.</summary>
    public IReadOnlyList<StreamReport> Report()
    {
        lock (_gate)
        {
            var reports = new List<StreamReport>();
            foreach (((Correspondent from, uint stream), StreamCheck check) in _streams)
                reports.Add(new(from.ToString(), stream, check.Received, check.Bytes, check.Lost, check.Doubled, check.Reordered, check.HasEnded));
            return reports;
        }
    }

    /// <summary>Damaged messages by sender, messages that are none of the exerciser's, and echoes sent.</summary>
    public (IReadOnlyDictionary<string, long> Corrupt, long Others, long Echoed) Totals()
    {
        lock (_gate) return (_corrupt.ToDictionary(static pair => pair.Key.ToString(), static pair => pair.Value), _others, _echoed);
    }

    private void Judge(Correspondent from, int bytes, Pattern pattern, bool isIntact)
    {
        if (!isIntact)
        {
            _corrupt[from] = _corrupt.GetValueOrDefault(from) + 1;
            return;
        }
        if (!_streams.TryGetValue((from, pattern.Stream), out StreamCheck? check)) _streams[(from, pattern.Stream)] = check = new();
        if (pattern.Kind == PatternKind.End) check.End(pattern.Sequence);
        else check.Take(pattern.Sequence, bytes);
        _count++;
    }

    private void Look()
    {
        if (_goal is null) return;
        bool isReached = (_goalMessages > 0 && _count >= _goalMessages) || (_goalStreams > 0 && _streams.Values.Count(static check => check.HasEnded) >= _goalStreams);
        if (isReached) _goal.TrySetResult();
    }
}
