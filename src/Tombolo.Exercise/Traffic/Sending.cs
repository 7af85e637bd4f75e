// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Exercise;

/// <summary>The loop that sends: one message to each target in turn, at the plan's rate.</summary>
internal sealed class Sending(IExerciseLink link, Serving serving, SendPlan plan, TimeProvider time)
{
    private readonly Random _random = new(plan.Seed);
    private readonly byte[] _message = new byte[link.MaxMessage];
    private TargetRun[] _runs = [];

    /// <summary>How long the last run took.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>Sends to some targets until the plan is done or it is told to stop; then tells each how many there were.</summary>
    public void Run(IReadOnlyList<Neighbour> targets, CancellationToken stop)
    {
        Dictionary<uint, TargetRun> byStream = [];
        _runs = [.. targets.Select(target => NewRun(target, byStream))];
        serving.Echoed = (echo, _) => { if (byStream.TryGetValue(echo.Stream, out TargetRun? run)) run.TakeEcho(echo); };
        long start = time.GetTimestamp();
        using var pause = new Pause(time, stop);
        for (long round = 0, sent = 0; IsGoingOn(round, start, stop); round++)
        {
            foreach (TargetRun run in _runs)
            {
                if (run.IsGivenUp) continue;
                if (plan.Rate > 0) pause.Until(start, TimeSpan.FromSeconds(sent / plan.Rate));
                if (!IsGoingOn(round, start, stop)) break;
                SendOne(run);
                sent++;
            }
        }
        Elapsed = time.GetElapsedTime(start);
        foreach (TargetRun run in _runs)
        {
            if (plan.WantsEchoes) run.WaitForAll(plan.EchoTimeout);
            new Pattern(PatternKind.End, run.Stream, run.Sent, Pattern.MinBytes).Write(_message);
            _ = link.Send(run.Target.Who, _message.AsSpan(0, Pattern.MinBytes));
        }
    }

    /// <summary>The figures, by target.</summary>
    public IReadOnlyList<TargetReport> Report() => [.. _runs.Select(run => run.Report(Elapsed, plan.WantsEchoes))];

    // A stream's number tells one run from the next, so that a receiver that stays does not take the second for a doubled first.
    private TargetRun NewRun(Neighbour target, Dictionary<uint, TargetRun> byStream)
    {
        uint stream;
        do stream = (uint)Random.Shared.NextInt64(uint.MaxValue);
        while (byStream.ContainsKey(stream));
        return byStream[stream] = new(target, stream, plan.Window, time);
    }

    private bool IsGoingOn(long round, long start, CancellationToken stop) =>
        !stop.IsCancellationRequested && !link.Broken.IsCompleted && (plan.Count == 0 || round < plan.Count) && !Array.TrueForAll(_runs, static run => run.IsGivenUp) && (plan.Duration is not { } limit || time.GetElapsedTime(start) < limit);

    private void SendOne(TargetRun run)
    {
        if (plan.WantsEchoes) run.WaitForRoom(plan.EchoTimeout);
        int length = _random.Next(plan.MinBytes, plan.MaxBytes + 1);
        uint sequence = run.Begin(plan.WantsEchoes);
        new Pattern(plan.WantsEchoes ? PatternKind.Question : PatternKind.OneWay, run.Stream, sequence, length).Write(_message.AsSpan(0, length));
        long sentAt = time.GetTimestamp();
        Outcome outcome = link.Send(run.Target.Who, _message.AsSpan(0, length));
        run.Finish(sequence, length, outcome, time.GetElapsedTime(sentAt), plan.WantsEchoes);
    }

    /// <summary>Waits for points in time, finely and without a busy loop.</summary>
    private sealed class Pause : IDisposable
    {
        private readonly Epoll _epoll = new();
        private readonly SafeFd _stopped = EventFd.Create();
        private readonly CancellationTokenRegistration _registration;
        private readonly TimeProvider _time;

        public Pause(TimeProvider time, CancellationToken stop)
        {
            _time = time;
            _epoll.Add(_stopped, EpollEvents.Readable, 0);
            _registration = stop.Register(() => EventFd.Signal(_stopped));
        }

        public void Until(long start, TimeSpan due)
        {
            Span<EpollReport> reports = stackalloc EpollReport[1];
            for (TimeSpan left = due - _time.GetElapsedTime(start); left > TimeSpan.Zero; left = due - _time.GetElapsedTime(start))
                if (_epoll.Wait(reports, left) > 0) return;
        }

        public void Dispose()
        {
            _registration.Dispose();
            _epoll.Dispose();
            _stopped.Dispose();
        }
    }
}
