// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>Takes connections from listening sockets, also when no descriptor is left: one is held back, so that who comes then can be told so instead of waiting for ever.</summary>
/// <remarks>Without the one held back, a listener whose process has no descriptor left stays readable, and the loop that waits on it spins. Not thread-safe.</remarks>
public sealed class Acceptor : IDisposable
{
    private SafeFd? _spare = EventFd.Create();

    /// <summary>Takes the connections that wait.</summary>
    /// <param name="listener">A listening socket, non-blocking; borrowed.</param>
    /// <param name="most">How many at the most.</param>
    /// <param name="admit">Gets a non-blocking socket, which it owns.</param>
    /// <param name="refuse">Gets a socket, which it owns, for which there is a descriptor only until it returns: it says so to the other side and closes it.</param>
    public void Accept(SafeFd listener, int most, Action<SafeFd> admit, Action<SafeFd> refuse)
    {
        for (int i = 0; i < most; i++)
        {
            SafeFd? socket = UnixSocket.TryAccept(listener, out int errno);
            if (socket is not null) admit(socket);
            else if (errno is Errno.TooManyOpenFiles or Errno.FileTableFull)
            {
                if (!TryRefuse(listener, refuse)) return;
            }
            else if (errno != Errno.ConnectionAborted) return;   // nobody waits
        }
    }

    /// <summary>Closes the descriptor held back.</summary>
    public void Dispose() => _spare?.Dispose();

    private bool TryRefuse(SafeFd listener, Action<SafeFd> refuse)
    {
        _spare?.Dispose();
        _spare = null;
        SafeFd? last = UnixSocket.TryAccept(listener, out _);
        if (last is not null) refuse(last);
        try { _spare = EventFd.Create(); }
        catch (LinuxException) { return false; }   // another thread was quicker; the next refusal tries again
        return last is not null;
    }
}
