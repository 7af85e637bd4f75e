// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Channels;

namespace Tombolo.Exercise;

/// <summary>One side of a trial: sends or takes numbered messages through a channel of each kind, and checks every byte that comes.</summary>
/// <remarks>Either side may come first: both make the channel, or find it. A stream carries the same messages one behind the other, and the listener sends each back.</remarks>
internal sealed class ChannelTrial(ChannelArea area, bool isHub, TrialPlan plan, CancellationToken stop)
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(20);

    private readonly byte[] _message = new byte[plan.MostBytes], _came = new byte[plan.MostBytes];
    private long _bytes;

    /// <summary>Passes all messages through a channel of a kind.</summary>
    /// <exception cref="ExerciseException">A byte was wrong, or the other side was too slow, or left.</exception>
    public ChannelTrialReport Run(ChannelKind kind)
    {
        string name = $"{plan.Name}-{kind.ToString().ToLowerInvariant()}";
        _ = area.Create(name, new() { Kind = kind, CapacityBytes = plan.CapacityBytes });
        _bytes = 0;
        long start = Stopwatch.GetTimestamp();
        (long Rings, long Sleeps, Percentiles? Calls) counts = kind switch
        {
            ChannelKind.Ring => isHub ? TakeAll(Open(() => area.OpenConsumer(name))) : SendAll(Open(() => area.OpenProducer(name))),
            ChannelKind.FanIn => isHub ? TakeAll(Open(() => area.OpenFanIn(name))) : SendAll(Open(() => area.OpenProducer(name))),
            ChannelKind.Broadcast => isHub ? SendAll(WithSubscriber(Open(() => area.OpenPublisher(name)))) : TakeAll(Open(() => area.OpenSubscriber(name))),
            ChannelKind.Request => isHub ? Answer(Open(() => area.OpenServer(name))) : Ask(Open(() => area.OpenClient(name))),
            _ => isHub ? Echo(Open(() => area.OpenListener(name))) : Call(Open(() => area.OpenCaller(name))),
        };
        return new(kind, plan.Count, _bytes, Stopwatch.GetElapsedTime(start).TotalSeconds, counts.Rings, counts.Sleeps, counts.Calls);
    }

    // Where an earlier program held the end and was killed, its heartbeat says so only after a while.
    private TEnd Open<TEnd>(Func<TEnd> open)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try { return open(); }
            catch (ChannelException taken) when (taken.Fault == ChannelFault.EndTaken && Stopwatch.GetElapsedTime(start) < plan.Timeout)
            {
                if (stop.WaitHandle.WaitOne(_look)) throw new ExerciseException("It was stopped.");
            }
        }
    }

    private (long, long, Percentiles?) SendAll(MessageWriter to)
    {
        using (to)
            for (uint number = 0; number < plan.Count; number++)
            {
                int length = plan.LengthOf(number);
                Span<byte> room;
                while (!to.TryReserve(length, out room)) Judge(to.WaitForRoom(length, plan.Timeout, stop), $"message {number} found no room");
                new Pattern(PatternKind.OneWay, 0, number, length).Write(room);
                to.Commit(length);
                _bytes += length;
            }
        return (to.Rings, to.Sleeps, null);
    }

    private (long, long, Percentiles?) TakeAll(MessageReader from)
    {
        using (from)
            for (uint number = 0; number < plan.Count; number++)
            {
                ReadOnlySpan<byte> message;
                while (!from.TryBorrow(out message)) Judge(from.WaitForMessage(plan.Timeout, stop), $"message {number} did not come");
                Check(message, number);
                from.Release();
            }
        return (from.Rings, from.Sleeps, null);
    }

    private (long, long, Percentiles?) Answer(RequestServer server)
    {
        using (server)
            for (uint number = 0; number < plan.Count; number++)
            {
                Request request;
                while (!server.TryTake(out request)) Judge(server.WaitForRequest(plan.Timeout, stop), $"request {number} did not come");
                Check(request.Bytes, number);
                request.Bytes.CopyTo(_message);
                if (!server.Reply(request, _message.AsSpan(0, request.Bytes.Length))) throw new ExerciseException($"Reply {number} found no room.");
            }
        return (server.Rings, server.Sleeps, null);
    }

    private (long, long, Percentiles?) Ask(RequestClient client)
    {
        var times = new Histogram();
        using (client)
            for (uint number = 0; number < plan.Count; number++)
            {
                int length = plan.LengthOf(number);
                new Pattern(PatternKind.OneWay, 0, number, length).Write(_message);
                long start = Stopwatch.GetTimestamp();
                CallResult result = client.Call(_message.AsSpan(0, length), _came, out int came, plan.Timeout, stop);
                times.Note(Stopwatch.GetElapsedTime(start));
                if (result != CallResult.Replied) throw new ExerciseException($"Call {number} ended with {result}.");
                Check(_came.AsSpan(0, Math.Min(came, _came.Length)), number);
            }
        return (client.Rings, client.Sleeps, Percentiles.Of(times));
    }

    private (long, long, Percentiles?) Echo(ChannelStream stream)
    {
        using (stream)
            for (uint number = 0; number < plan.Count; number++)
            {
                Span<byte> message = _came.AsSpan(0, plan.LengthOf(number));
                ReadAll(stream, message, number);
                Check(message, number);
                stream.Write(message);
            }
        return (stream.Rings, 0, null);
    }

    private (long, long, Percentiles?) Call(ChannelStream stream)
    {
        var times = new Histogram();
        using (stream)
            for (uint number = 0; number < plan.Count; number++)
            {
                int length = plan.LengthOf(number);
                new Pattern(PatternKind.OneWay, 0, number, length).Write(_message);
                long start = Stopwatch.GetTimestamp();
                stream.Write(_message.AsSpan(0, length));
                ReadAll(stream, _came.AsSpan(0, length), number);
                times.Note(Stopwatch.GetElapsedTime(start));
                Check(_came.AsSpan(0, length), number);
            }
        return (stream.Rings, 0, Percentiles.Of(times));
    }

    // A stream's read waits as long as its other end is open, as every Stream does; nothing else tells that the other side is too slow.
    private void ReadAll(ChannelStream stream, Span<byte> bytes, uint number)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(plan.Timeout);
        using CancellationTokenRegistration registration = limit.Token.Register(stream.Dispose);
        try { stream.ReadExactly(bytes); }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException) { throw new ExerciseException($"Message {number} of the stream did not come: {exception.Message}"); }
    }

    // Who subscribes later does not get what was published before.
    private Publisher WithSubscriber(Publisher publisher)
    {
        long start = Stopwatch.GetTimestamp();
        while (publisher.Subscribers == 0)
        {
            if (stop.WaitHandle.WaitOne(_look)) throw new ExerciseException("It was stopped.");
            if (Stopwatch.GetElapsedTime(start) > plan.Timeout) throw new ExerciseException($"After {plan.Timeout.TotalSeconds} s nobody has subscribed.");
        }
        return publisher;
    }

    private void Judge(ChannelWait wait, string otherwise)
    {
        switch (wait)
        {
            case ChannelWait.Ready: return;
            case ChannelWait.TimedOut: throw new ExerciseException($"After {plan.Timeout.TotalSeconds} s {otherwise}.");
            case ChannelWait.PeerClosed: throw new ExerciseException($"The other side has closed its end, and {otherwise}.");
            default: throw new ExerciseException($"The other side died, and {otherwise}.");
        }
    }

    private void Check(ReadOnlySpan<byte> message, uint number)
    {
        if (!Pattern.TryRead(message, out Pattern pattern, out bool isIntact) || pattern.Sequence != number || message.Length != plan.LengthOf(number))
            throw new ExerciseException($"In place of message {number} came one of {message.Length} bytes with the number {pattern.Sequence}.");
        if (!isIntact) throw new ExerciseException($"Message {number} of {message.Length} bytes was changed on its way.");
        _bytes += message.Length;
    }
}
