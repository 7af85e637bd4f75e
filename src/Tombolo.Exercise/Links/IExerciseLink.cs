// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise;

/// <summary>What became of a message, whichever way it went.</summary>
internal enum Outcome
{
    Delivered,
    TimedOut,
    Unreachable,
}

/// <summary>One way into a mailbox.</summary>
internal interface IExerciseLink : IAsyncDisposable
{
    /// <summary>What it is, for the report: a path.</summary>
    string Name { get; }

    /// <summary>The longest message in bytes.</summary>
    int MaxMessage { get; }

    /// <summary>Everybody else who takes part now.</summary>
    IReadOnlyList<Neighbour> Neighbours();

    /// <summary>Starts to hand over messages. Called once, before anything is sent.</summary>
    void Listen(MessageArrived arrived);

    /// <summary>Sends a message and waits until it was taken or given up. From any thread but the link's own.</summary>
    Outcome Send(Correspondent to, ReadOnlySpan<byte> message);

    /// <summary>Answers from the link's own thread.</summary>
    void Answer(Correspondent to, ReadOnlySpan<byte> message);

    /// <summary>Ends when the link breaks; null reason where it ended in order.</summary>
    Task<string?> Broken { get; }
}
