// SPDX-License-Identifier: MIT
namespace Tombolo.Memory;

/// <summary>The thread that a server's loop runs on, and how it ended.</summary>
public sealed class LoopThread
{
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Makes the thread; <see cref="Start"/> starts it.</summary>
    /// <param name="name">The thread's name, for debuggers.</param>
    /// <param name="run">The loop. It returns when the server stops; what it throws is a fault of ours.</param>
    /// <param name="onFault">Hears of such a fault, on the loop's thread, before <see cref="Completion"/> fails.</param>
    public LoopThread(string name, Action run, Action<Exception> onFault)
        => _thread = new(() => Run(run, onFault)) { Name = name, IsBackground = true };

    /// <summary>Ends when the loop does; fails where a fault ended it.</summary>
    public Task Completion => _ended.Task;

    /// <summary>Starts the loop.</summary>
    public void Start() => _thread.Start();

    /// <summary>Waits until the loop has ended, however it did.</summary>
    public async Task WhenEndedAsync() => await _ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private void Run(Action run, Action<Exception> onFault)
    {
        try
        {
            run();
            _ended.SetResult();
        }
        catch (Exception exception)
        {
            onFault(exception);
            _ended.SetException(exception);
        }
    }
}
