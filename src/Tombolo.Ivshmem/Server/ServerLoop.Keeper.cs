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
        KeeperLink.Replace(_options.KeeperCommand, _options.KeeperPath, () => _isStopping, keeper => Commands.Post(() =>
        {
            _parts.UseKeeper(keeper);
            _epoll.Add(keeper.Socket, EpollEvents.Readable, KeeperToken);
        }), reason => Log.KeeperFailed(_log, reason));
    }
}
