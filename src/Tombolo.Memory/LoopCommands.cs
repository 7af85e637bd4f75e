// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using Tombolo.Linux;

namespace Tombolo.Memory;

/// <summary>What other threads want done on a loop's own thread, in the order in which they asked.</summary>
/// <remarks>The loop waits on <see cref="Descriptor"/> beside its own descriptors and calls <see cref="Run"/> when it is readable. Everything else may be called from any thread.</remarks>
public sealed class LoopCommands : IDisposable
{
    private readonly Doorbell _bell = Doorbell.Create();
    private readonly ConcurrentQueue<Action> _commands = new();

    /// <summary>Readable while commands wait; borrowed.</summary>
    public SafeFd Descriptor => _bell.Descriptor;

    /// <summary>Has the loop do something.</summary>
    /// <param name="command">It must not throw: who wants to hear of a fault uses <see cref="AskAsync{T}"/>.</param>
    public void Post(Action command)
    {
        _commands.Enqueue(command);
        _ = _bell.Ring();
    }

    /// <summary>Has the loop do something, and waits for what comes of it.</summary>
    /// <param name="ask">Called on the loop's thread; what it throws comes out here, and does the loop no harm.</param>
    /// <param name="ended">Ends with the loop.</param>
    /// <param name="owner">The name of the loop's owner, for the error.</param>
    /// <exception cref="ObjectDisposedException">The loop ended before it came to this.</exception>
    public async Task<T> AskAsync<T>(Func<T> ask, Task ended, string owner)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try { answer.SetResult(ask()); }
            catch (Exception exception) when (exception is not OutOfMemoryException) { answer.SetException(exception); }
        });
        if (await Task.WhenAny(answer.Task, ended) != answer.Task && !answer.Task.IsCompleted) throw new ObjectDisposedException(owner, $"The {owner} has ended.");
        return await answer.Task;
    }

    /// <summary>Does what was asked for. Call it on the loop.</summary>
    public void Run()
    {
        _ = _bell.TryTake();
        while (_commands.TryDequeue(out Action? command)) command();
    }

    /// <summary>Closes the descriptor.</summary>
    public void Dispose() => _bell.Dispose();
}
