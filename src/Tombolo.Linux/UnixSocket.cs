// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text;

namespace Tombolo.Linux;

/// <summary>UNIX sockets: listening, connecting, credentials. Sending and receiving, with descriptors, stand in UnixSocket.Messages.cs.</summary>
/// <remarks>Every socket made here is close-on-exec. Thread-safe. Source: unix(7).</remarks>
public static partial class UnixSocket
{
    /// <summary>The longest path a socket may have, in bytes without the closing zero. Source: unix(7), sun_path[108].</summary>
    public const int MaxPathBytes = 107;

    private const int FamilyUnix = 1, CloseOnExec = 0x80000, NonBlocking = 0x800;          // sys/socket.h
    private const int LevelSocket = 1, OptionPeerCredentials = 17, OptionSendTimeout = 21;  // asm-generic/socket.h
    private const int OptionSendBuffer = 7, OptionReceiveBuffer = 8;
    private const ulong IoctlUnsent = 0x5411;                                               // TIOCOUTQ, asm-generic/ioctls.h

    /// <summary>Binds a path and listens on it. The socket is non-blocking.</summary>
    /// <param name="path">Where the socket file is made; at most <see cref="MaxPathBytes"/> bytes. It must not exist.</param>
    /// <param name="kind">Stream or sequenced packets.</param>
    /// <param name="mode">Permission bits of the socket file, or null to leave them to the umask.</param>
    /// <param name="groupId">Group of the socket file, or null to leave it.</param>
    /// <param name="backlog">How many connections may wait to be accepted; the kernel caps it at net.core.somaxconn.</param>
    /// <returns>A descriptor the caller owns. The file stays until somebody unlinks it.</returns>
    /// <exception cref="LinuxException">EADDRINUSE: the path exists; EACCES, ENOENT and the like. Nothing is left open, no file is left.</exception>
    /// <remarks>Nobody can connect between bind and the change of mode: a bound socket refuses until it listens.</remarks>
    public static SafeFd Listen(string path, UnixSocketKind kind, UnixFileMode? mode = null, uint? groupId = null, int backlog = 4096)
    {
        Span<byte> address = stackalloc byte[AddressBytes];
        WriteAddress(path, address);
        SafeFd fd = Create(kind, NonBlocking, path);
        bool bound = false;
        try
        {
            _ = LinuxException.ThrowIfFailed(bind(fd, ref MemoryMarshal.GetReference(address), AddressBytes), "bind", path);
            bound = true;
            if (mode is { } bits) File.SetUnixFileMode(path, bits);
            if (groupId is { } group) _ = LinuxException.ThrowIfFailed(chown(path, uint.MaxValue, group), "chown", path);
            _ = LinuxException.ThrowIfFailed(listen(fd, backlog), "listen", path);
            return fd;
        }
        catch
        {
            fd.Dispose();
            if (bound) File.Delete(path);
            throw;
        }
    }

    /// <summary>Connects to a listening socket; afterwards the socket is non-blocking.</summary>
    /// <param name="path">The socket file.</param>
    /// <param name="kind">What the listener was made with.</param>
    /// <param name="timeout">How long to wait for a place in the listener's queue; null waits for ever.</param>
    /// <returns>A descriptor the caller owns.</returns>
    /// <exception cref="LinuxException">ENOENT: no such path; ECONNREFUSED: nobody listens; EACCES; EAGAIN: the time ran out. Nothing is left open.</exception>
    public static SafeFd Connect(string path, UnixSocketKind kind, TimeSpan? timeout = null)
    {
        Span<byte> address = stackalloc byte[AddressBytes];
        WriteAddress(path, address);
        SafeFd fd = Create(kind, 0, path);
        try
        {
            if (timeout is { } limit)
            {
                long microseconds = Math.Max(1, (long)limit.TotalMicroseconds);   // 0 would mean for ever
                Span<long> value = [microseconds / 1_000_000, microseconds % 1_000_000];
                _ = LinuxException.ThrowIfFailed(setsockopt(fd, LevelSocket, OptionSendTimeout, ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(value)), 16), "setsockopt(SO_SNDTIMEO)", path);
            }
            while (connect(fd, ref MemoryMarshal.GetReference(address), AddressBytes) < 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                if (errno != Errno.Interrupted) throw new LinuxException("connect", path, errno);
            }
            fd.SetNonBlocking();
            return fd;
        }
        catch
        {
            fd.Dispose();
            throw;
        }
    }

    /// <summary>Makes two connected, non-blocking sockets.</summary>
    /// <param name="kind">Stream or sequenced packets.</param>
    /// <returns>Both ends, owned by the caller.</returns>
    /// <exception cref="LinuxException">EMFILE or ENFILE. Nothing is left open.</exception>
    public static (SafeFd First, SafeFd Second) Pair(UnixSocketKind kind)
    {
        Span<int> ends = stackalloc int[2];
        _ = LinuxException.ThrowIfFailed(socketpair(FamilyUnix, (int)kind | CloseOnExec | NonBlocking, 0, ref MemoryMarshal.GetReference(ends)), "socketpair", kind.ToString());
        return (new(ends[0]), new(ends[1]));
    }

    /// <summary>Accepts one waiting connection; the new socket is non-blocking.</summary>
    /// <param name="listener">A listening socket, borrowed, non-blocking.</param>
    /// <param name="errno">0, or why there is none: EAGAIN (nobody waits), EMFILE (no descriptor left; the connection still waits), ECONNABORTED and the like.</param>
    /// <returns>A descriptor the caller owns, or null.</returns>
    public static SafeFd? TryAccept(SafeFd listener, out int errno)
    {
        int fd = accept4(listener, 0, 0, CloseOnExec | NonBlocking);
        errno = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        return fd < 0 ? null : new(fd);
    }

    /// <summary>Says who stands at the other end.</summary>
    /// <param name="socket">A connected socket, borrowed.</param>
    /// <exception cref="LinuxException">ENOTCONN and the like.</exception>
    public static PeerCredentials CredentialsOf(SafeFd socket)
    {
        Span<int> values = stackalloc int[3];
        int length = sizeof(int) * 3;
        _ = LinuxException.ThrowIfFailed(
            getsockopt(socket, LevelSocket, OptionPeerCredentials, ref MemoryMarshal.GetReference(values), ref length), "getsockopt(SO_PEERCRED)", $"descriptor {socket.Number}");
        return new(values[0], (uint)values[1], (uint)values[2]);
    }

    /// <summary>How much of what was sent still waits to be read by the other end. 0 means all was read.</summary>
    /// <param name="socket">A connected socket, borrowed.</param>
    /// <returns>A figure in the kernel's own measure (buffer memory, not payload): only 0 has an exact meaning.</returns>
    /// <exception cref="LinuxException">EINVAL: not a connected socket.</exception>
    public static int UnreadByPeer(SafeFd socket)
    {
        int value = 0;
        _ = LinuxException.ThrowIfFailed(ioctl(socket, IoctlUnsent, ref value), "ioctl(SIOCOUTQ)", $"descriptor {socket.Number}");
        return value;
    }

    /// <summary>Waits until a socket can take bytes, or has some, or its other end is gone.</summary>
    /// <param name="socket">Borrowed.</param>
    /// <param name="forReading">Wait for bytes to read, rather than for room to write.</param>
    /// <param name="timeout">How long at the most, in whole milliseconds.</param>
    /// <returns>False when the time ran out.</returns>
    /// <remarks>Source: poll(2).</remarks>
    public static bool Wait(SafeFd socket, bool forReading, TimeSpan timeout)
    {
        bool added = false;
        try
        {
            socket.DangerousAddRef(ref added);
            long request = (uint)socket.Number | ((forReading ? 1L : 4L) << 32);   // struct pollfd: fd (4), events (2), revents (2); POLLIN, POLLOUT
            int milliseconds = (int)Math.Clamp(Math.Ceiling(timeout.TotalMilliseconds), 0, int.MaxValue);
            return poll(ref request, 1, milliseconds) > 0;
        }
        finally
        {
            if (added) socket.DangerousRelease();
        }
    }

    /// <summary>Asks for larger kernel buffers; the kernel caps it at net.core.wmem_max and rmem_max.</summary>
    /// <param name="socket">Borrowed.</param>
    /// <param name="bytes">Size of each buffer in bytes.</param>
    public static void SetBufferSizes(SafeFd socket, int bytes)
    {
        Span<int> value = [bytes];
        ref byte start = ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(value));
        _ = LinuxException.ThrowIfFailed(setsockopt(socket, LevelSocket, OptionSendBuffer, ref start, sizeof(int)), "setsockopt(SO_SNDBUF)", $"descriptor {socket.Number}");
        _ = LinuxException.ThrowIfFailed(setsockopt(socket, LevelSocket, OptionReceiveBuffer, ref start, sizeof(int)), "setsockopt(SO_RCVBUF)", $"descriptor {socket.Number}");
    }

    private static SafeFd Create(UnixSocketKind kind, int flags, string subject) =>
        new(LinuxException.ThrowIfFailed(socket(FamilyUnix, (int)kind | CloseOnExec | flags, 0), "socket", subject));

    private const int AddressBytes = 110;   // struct sockaddr_un: family (2), path (108)

    private static void WriteAddress(string path, Span<byte> address)
    {
        int length = Encoding.UTF8.GetByteCount(path);
        if (path.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException($"The socket path '{path.Replace('\0', '@')}' has a zero inside; only paths of files are supported.", nameof(path));
        if (length is 0 or > MaxPathBytes)
            throw new ArgumentException($"The socket path '{path}' is {length} bytes long; a UNIX socket's path has 1 to {MaxPathBytes} bytes, so choose a shorter folder.", nameof(path));
        address.Clear();
        address[0] = FamilyUnix;
        _ = Encoding.UTF8.GetBytes(path, address[2..]);
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int socket(int family, int type, int protocol);
    [LibraryImport("libc", SetLastError = true)] private static partial int socketpair(int family, int type, int protocol, ref int ends);
    [LibraryImport("libc", SetLastError = true)] private static partial int bind(SafeFd socket, ref byte address, int length);
    [LibraryImport("libc", SetLastError = true)] private static partial int listen(SafeFd socket, int backlog);
    [LibraryImport("libc", SetLastError = true)] private static partial int connect(SafeFd socket, ref byte address, int length);
    [LibraryImport("libc", SetLastError = true)] private static partial int accept4(SafeFd socket, nint address, nint length, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int getsockopt(SafeFd socket, int level, int option, ref int value, ref int length);
    [LibraryImport("libc", SetLastError = true)] private static partial int setsockopt(SafeFd socket, int level, int option, ref byte value, int length);
    [LibraryImport("libc")] private static partial int poll(ref long descriptors, ulong count, int timeoutMilliseconds);
    [LibraryImport("libc", SetLastError = true)] private static partial int ioctl(SafeFd fd, ulong request, ref int value);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int chown(string path, uint owner, uint group);
}
