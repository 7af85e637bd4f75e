// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>What one send or receive on a socket did.</summary>
/// <param name="Bytes">Bytes moved; 0 on a failure, and on a receive also when the other end is closed.</param>
/// <param name="Errno">0, or why nothing was moved; see <see cref="Tombolo.Linux.Errno"/>.</param>
public readonly record struct SocketResult(int Bytes, int Errno)
{
    /// <summary>True where bytes moved.</summary>
    public bool IsMoved => Bytes > 0;
    /// <summary>True where the same call may go through later: EAGAIN, or EINTR.</summary>
    public bool IsWouldBlock => Errno is Linux.Errno.WouldBlock or Linux.Errno.Interrupted;
    /// <summary>True where the other end is gone: end of file, EPIPE, ECONNRESET, ENOTCONN.</summary>
    public bool IsClosed => Bytes == 0 && Errno is 0 or Linux.Errno.BrokenPipe or Linux.Errno.ConnectionReset or Linux.Errno.NotConnected;
}

/// <summary>Which user stands at the other end of a UNIX socket, as the kernel saw it at connect time. Source: unix(7), SO_PEERCRED.</summary>
/// <param name="ProcessId">Process id, in this process's PID namespace; 0 where it is not visible there.</param>
/// <param name="UserId">Effective user id.</param>
/// <param name="GroupId">Effective group id.</param>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId);

/// <summary>The kinds of UNIX socket in use here. Source: unix(7).</summary>
public enum UnixSocketKind
{
    /// <summary>A byte stream.</summary>
    Stream = 1,
    /// <summary>Messages that keep their borders, in order, connected.</summary>
    SequencedPacket = 5,
}
