// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>The sole right to a socket path: taken over from the dead, never from the living.</summary>
public static class SocketClaim
{
    /// <summary>Makes sure that nobody alive serves a path, and removes what a dead server left there.</summary>
    /// <param name="path">The socket path. The caller holds its lock.</param>
    /// <returns>True where a stale socket was removed.</returns>
    /// <exception cref="IvshmemException">Somebody alive listens there, or the path is no socket.</exception>
    public static bool Clear(string path)
    {
        try
        {
            return UnixSocket.ClearStale(path, UnixSocketKind.Stream, out int processId) switch
            {
                SocketPlace.Served => throw Alive(path, processId),
                SocketPlace.Other => throw new IvshmemException($"'{path}' exists and is not a socket; move it away or choose another path."),
                SocketPlace place => place == SocketPlace.Stale,
            };
        }
        catch (LinuxException exception)
        {
            throw new IvshmemException($"'{path}' exists and cannot be probed: {exception.Message}", exception);
        }
    }

    /// <summary>The sentence for a path that a living server serves.</summary>
    /// <param name="path">The socket path.</param>
    /// <param name="processId">The server's process id.</param>
    public static IvshmemException Alive(string path, int processId) =>
        new($"A server with process id {processId} serves '{path}' already; stop it, or choose another path.");
}
