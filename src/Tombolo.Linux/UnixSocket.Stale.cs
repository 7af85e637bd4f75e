// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>What stood where somebody wants to listen.</summary>
public enum SocketPlace
{
    /// <summary>Nothing.</summary>
    Free,
    /// <summary>A socket on which nobody listens any more; it is removed.</summary>
    Stale,
    /// <summary>A socket on which somebody listens.</summary>
    Served,
    /// <summary>No socket.</summary>
    Other,
}

public static partial class UnixSocket
{
    private const int NoSuchDevice = 6;   // ENXIO: open(2), "the file is a UNIX domain socket"

    /// <summary>Makes room for a listener: removes what a dead one left, never what a living one serves.</summary>
    /// <param name="path">Where to listen. The caller holds its lock, if several may want it.</param>
    /// <param name="kind">The kind of socket.</param>
    /// <param name="processId">Who serves it, where it is <see cref="SocketPlace.Served"/>; else 0.</param>
    /// <returns>What stood there.</returns>
    /// <exception cref="LinuxException">It cannot be told, EACCES for instance.</exception>
    public static SocketPlace ClearStale(string path, UnixSocketKind kind, out int processId)
    {
        processId = 0;
        if (!Path.Exists(path)) return SocketPlace.Free;
        try
        {
            using SafeFd probe = Connect(path, kind, TimeSpan.FromSeconds(1));
            processId = CredentialsOf(probe).ProcessId;
            return SocketPlace.Served;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.ConnectionRefused)
        {
            if (!IsSocket(path)) return SocketPlace.Other;
            File.Delete(path);
            return SocketPlace.Stale;
        }
    }

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
}
