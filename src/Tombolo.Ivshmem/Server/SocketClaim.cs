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
        if (!Path.Exists(path)) return false;
        SafeFd probe;
        try { probe = UnixSocket.Connect(path, UnixSocketKind.Stream, TimeSpan.FromSeconds(1)); }
        catch (LinuxException exception) when (exception.Errno == Errno.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
            return true;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ConnectionRefused)
        {
            throw new IvshmemException($"'{path}' exists and is not a socket; move it away or choose another path.", exception);
        }
        catch (LinuxException exception)
        {
            throw new IvshmemException($"'{path}' exists and cannot be probed: {exception.Message}", exception);
        }
        using (probe)
            throw Alive(path, UnixSocket.CredentialsOf(probe).ProcessId);
    }

    /// <summary>The sentence for a path that a living server serves.</summary>
    /// <param name="path">The socket path.</param>
    /// <param name="processId">The server's process id.</param>
    public static IvshmemException Alive(string path, int processId) =>
        new($"A server with process id {processId} serves '{path}' already; stop it, or choose another path.");

    // File.Exists is true for sockets too, so ask what kind of file it is: opening a socket for reading fails with ENXIO, a plain file opens.
    private static bool IsSocket(string path)
    {
        try
        {
            SharedFile.Open(path, readOnly: true).Dispose();
            return false;
        }
        catch (LinuxException exception) { return exception.Errno == NoSuchDevice; }
    }

    private const int NoSuchDevice = 6;   // ENXIO: open(2), "the file is a UNIX domain socket"
}
