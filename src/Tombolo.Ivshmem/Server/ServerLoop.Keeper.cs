// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

internal sealed partial class ServerLoop
{
    // A keeper that died is replaced.

    private void ReplaceKeeper()
    {
        if (_parts.Keeper is { } dead) _epoll.Remove(dead.Socket);
        if (_isStopping) return;
        Log.KeeperGone(_log);
        _parts.DropKeeper();
        _ = Task.Factory.StartNew(LaunchKeeperAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    // On a thread of its own: a process takes a while to start, and nobody shall wait for it.
    private async Task LaunchKeeperAsync()
    {
        for (; !_isStopping; await Task.Delay(_keeperRetry))
        {
            try
            {
                KeeperLink keeper = KeeperLink.Launch(_options.KeeperCommand, _options.KeeperPath);
                Commands.Post(() =>
                {
                    _parts.UseKeeper(keeper);
                    _epoll.Add(keeper.Socket, EpollEvents.Readable, KeeperToken);
                });
                return;
            }
            catch (TomboloException exception) { Log.KeeperFailed(_log, exception.Message); }
        }
    }
}
