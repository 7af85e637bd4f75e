// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise.Tests;

/// <summary>A pair of links in this process whose carrier does what a test says with every message.</summary>
internal sealed class FaultyLink : IExerciseLink
{
    private readonly TaskCompletionSource<string?> _broken = new();
    private FaultyLink _other = null!;
    private MessageArrived? _arrived;

    private FaultyLink(int id) => Id = id;

    public int Id { get; }
    public string Name => "in memory";
    public int MaxMessage => 383;
    public Task<string?> Broken => _broken.Task;

    /// <summary>What is done with a message on its way out, by its number: it gives the messages that arrive instead.</summary>
    public Func<int, byte[], IEnumerable<byte[]>> Carrier { get; set; } = static (_, message) => [message];

    /// <summary>What a sender is told.</summary>
    public Outcome Verdict { get; set; } = Outcome.Delivered;

    private int _sent;

    public static (FaultyLink One, FaultyLink Two) Pair()
    {
        FaultyLink one = new(1), two = new(2);
        (one._other, two._other) = (two, one);
        return (one, two);
    }

    public IReadOnlyList<Neighbour> Neighbours() => [new(new((ulong)_other.Id, 0), _other.Id, $"node{_other.Id}", false)];

    public void Listen(MessageArrived arrived) => _arrived = arrived;

    public Outcome Send(Correspondent to, ReadOnlySpan<byte> message)
    {
        foreach (byte[] carried in Carrier(_sent++, message.ToArray())) _other._arrived?.Invoke(new((ulong)Id, 0), carried);
        return Verdict;
    }

    public void Answer(Correspondent to, ReadOnlySpan<byte> message) => _ = Send(to, message);

    public ValueTask DisposeAsync()
    {
        _ = _broken.TrySetResult(null);
        return ValueTask.CompletedTask;
    }
}
