// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;

namespace Tombolo.Fuzz.Targets;

/// <summary>A keeper on a thread, started anew whenever it was told to quit.</summary>
internal sealed class RunningKeeper : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private Task _run = Task.CompletedTask;

    public RunningKeeper() => SocketPath = Path.Combine(_folder, "keeper");

    public string SocketPath { get; }

    /// <summary>Makes sure that it runs.</summary>
    /// <exception cref="Exception">What ended it, if that was a fault.</exception>
    public void Ensure()
    {
        if (!_run.IsCompleted) return;
        _run.GetAwaiter().GetResult();
        using var ready = new ManualResetEventSlim();
        _run = Task.Factory.StartNew(() => DescriptorKeeper.Run(SocketPath, ready.Set), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        WaitHandle.WaitAny([ready.WaitHandle, ((IAsyncResult)_run).AsyncWaitHandle]);
        if (_run.IsCompleted) _run.GetAwaiter().GetResult();
    }

    /// <summary>Waits for the end that it was told of.</summary>
    public void AwaitEnd() => _run.GetAwaiter().GetResult();

    public void Dispose()
    {
        if (!_run.IsCompleted && KeeperLink.TryConnect(SocketPath) is { } link)
        {
            link.Quit();
            link.Dispose();
        }
        _run.GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }
}
