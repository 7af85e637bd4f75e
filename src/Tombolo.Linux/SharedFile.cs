// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text;

namespace Tombolo.Linux;

/// <summary>Memory with a name: POSIX shared memory objects, plain files, and files on a hugetlbfs.</summary>
/// <remarks>Thread-safe. Source: shm_overview(7): an object called NAME is the file /dev/shm/NAME on Linux.</remarks>
public static partial class SharedFile
{
    /// <summary>Where POSIX shared memory objects are. Source: shm_overview(7).</summary>
    public const string PosixFolder = "/dev/shm";

    private const int ReadOnly = 0, ReadWrite = 2, Make = 0x40, Exclusive = 0x80, NoFollow = 0x20000, CloseOnExec = 0x80000;   // asm-generic/fcntl.h

    /// <summary>Creates or opens a file for shared memory.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="sizeBytes">Size in bytes that the file is given; null leaves it as it is.</param>
    /// <param name="create">Make it where it does not exist.</param>
    /// <param name="mustBeNew">Refuse one that exists.</param>
    /// <param name="readOnly">Open for reading only; then neither size nor create may be given.</param>
    /// <param name="mode">Permission bits of a file made here, before the umask.</param>
    /// <returns>A descriptor the caller owns.</returns>
    /// <exception cref="ArgumentException">A new file that may not be created, or a read-only one that is to be made or sized.</exception>
    /// <exception cref="LinuxException">ENOENT, EEXIST, EACCES, ENOSPC; ELOOP: the last part of the path is a symbolic link, which is never followed. Nothing is left open.</exception>
    public static SafeFd Open(string path, long? sizeBytes = null, bool create = false, bool mustBeNew = false, bool readOnly = false, uint mode = 0x180 /* 0600 */)
    {
        if (mustBeNew && !create) throw new ArgumentException("A file that must be new has to be created: set create too.", nameof(mustBeNew));
        if (readOnly && (create || sizeBytes is not null)) throw new ArgumentException("A file opened for reading only can neither be created nor given a size.", nameof(readOnly));
        int flags = (readOnly ? ReadOnly : ReadWrite) | (create ? Make : 0) | (mustBeNew ? Exclusive : 0) | NoFollow | CloseOnExec;
        var fd = new SafeFd(LinuxException.ThrowIfFailed(open(path, flags, mode), "open", path));
        try
        {
            if (sizeBytes is { } size) _ = LinuxException.ThrowIfFailed(ftruncate(fd, size), "ftruncate", $"{path} to {size} bytes");
            return fd;
        }
        catch
        {
            fd.Dispose();
            if (mustBeNew) File.Delete(path);
            throw;
        }
    }

    /// <summary>Gives an open file another size. Who has mapped what is cut off is ended by SIGBUS when it touches that.</summary>
    /// <param name="fd">Borrowed; opened for writing.</param>
    /// <param name="sizeBytes">The size in bytes.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="LinuxException">ENOSPC, EPERM (sealed) and the like.</exception>
    public static void Resize(SafeFd fd, long sizeBytes, string name) => _ = LinuxException.ThrowIfFailed(ftruncate(fd, sizeBytes), "ftruncate", $"{name} to {sizeBytes} bytes");

    /// <summary>Sets the permission bits of an open file, a memfd too: they decide who may open it again by way of <c>/proc/self/fd</c>.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <param name="mode">The bits.</param>
    /// <exception cref="LinuxException">EPERM: not the file's owner.</exception>
    public static void SetMode(SafeFd fd, UnixFileMode mode) =>
        _ = LinuxException.ThrowIfFailed(fchmod(fd, (uint)mode), "fchmod", $"descriptor {fd.Number}");

    /// <summary>Opens what a descriptor refers to once more, for reading only: an open file of its own, which can be neither written nor mapped writable.</summary>
    /// <param name="fd">A file or memfd, borrowed.</param>
    /// <returns>A descriptor the caller owns.</returns>
    /// <exception cref="LinuxException">EACCES: the file's mode does not let this process read it.</exception>
    /// <remarks>
    /// Whoever gets it can open it for writing again where the file's mode lets them: the mode must keep them out. It keeps out neither the file's owner nor root.
    /// Source: proc(5), /proc/PID/fd; open(2).
    /// </remarks>
    public static SafeFd ReopenReadOnly(SafeFd fd)
    {
        string path = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/self/fd/{fd.Number}");
        return new(LinuxException.ThrowIfFailed(open(path, ReadOnly | CloseOnExec, 0), "open", path));
    }

    /// <summary>The path of a POSIX shared memory object.</summary>
    /// <param name="name">Its name, with or without the leading slash; no other slash.</param>
    /// <exception cref="ArgumentException">The name is empty, a dot name, longer than 255 bytes, or has a slash or a zero inside.</exception>
    public static string PosixPath(string name)
    {
        string bare = name.StartsWith('/') ? name[1..] : name;
        if (Encoding.UTF8.GetByteCount(bare) is 0 or > 255 || bare is "." or ".." || bare.AsSpan().ContainsAny('/', '\0'))
            throw new ArgumentException($"'{name}' cannot name a shared memory object: give 1 to 255 bytes without a slash inside.", nameof(name));
        return $"{PosixFolder}/{bare}";
    }

    /// <summary>The size of an open file in bytes.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <returns>The size; 0 for what has none (a socket, an eventfd).</returns>
    /// <exception cref="LinuxException">EBADF and the like: a bug here.</exception>
    /// <remarks>Source: statx(2), stx_size at byte 40 of 256.</remarks>
    public static long SizeOf(SafeFd fd)
    {
        Span<byte> status = stackalloc byte[256];
        _ = LinuxException.ThrowIfFailed(statx(fd, "", EmptyPath, StatSize, ref MemoryMarshal.GetReference(status)), "statx", $"descriptor {fd.Number}");
        return MemoryMarshal.Read<long>(status[40..]);
    }

    /// <summary>The size of the pages that an open file's memory is made of: the machine's, or a huge page's where it lies on a hugetlbfs.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <exception cref="LinuxException">EBADF and the like: a bug here.</exception>
    /// <remarks>Source: statfs(2), f_type and f_bsize, the first two words of 120 bytes; linux/magic.h.</remarks>
    public static long PageBytesOf(SafeFd fd)
    {
        const long HugeTlb = 0x958458f6;
        Span<long> status = stackalloc long[16];
        _ = LinuxException.ThrowIfFailed(fstatfs(fd, ref MemoryMarshal.GetReference(status)), "fstatfs", $"descriptor {fd.Number}");
        return status[0] == HugeTlb ? status[1] : Environment.SystemPageSize;
    }

    /// <summary>What tells an open file, memfds included, from every other.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <returns>As of <see cref="IdentityOf(string)"/>; null only without /proc.</returns>
    public static (ulong Device, ulong Inode)? IdentityOf(SafeFd fd) => IdentityOf(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/self/fd/{fd.Number}"));

    /// <summary>What tells one file from every other while it is open: device and inode.</summary>
    /// <param name="path">A path; the last link is followed, so <c>/proc/PID/fd/N</c> gives the identity of what that process has open.</param>
    /// <returns>The identity, or null where the path cannot be looked at.</returns>
    /// <remarks>Source: statx(2): inode at byte 32, device numbers at 136 and 140. All eventfds share one inode; see <see cref="EventFd.IdentityOf(string)"/>.</remarks>
    public static (ulong Device, ulong Inode)? IdentityOf(string path)
    {
        Span<byte> status = stackalloc byte[256];
        using var here = new SafeFd(-100);   // AT_FDCWD: no descriptor, and closing it does nothing
        return statx(here, path, 0, StatInode, ref MemoryMarshal.GetReference(status)) < 0
            ? null
            : (((ulong)MemoryMarshal.Read<uint>(status[136..]) << 32) | MemoryMarshal.Read<uint>(status[140..]), MemoryMarshal.Read<ulong>(status[32..]));
    }

    /// <summary>Takes room on the disk for a file, so that writing into its mapping cannot fail later (which would end the process by SIGBUS).</summary>
    /// <param name="fd">A file open for writing, borrowed.</param>
    /// <param name="sizeBytes">The file's new size; it does not shrink.</param>
    /// <exception cref="LinuxException">ENOSPC: the disk is full; EOPNOTSUPP: the file system cannot do it.</exception>
    /// <remarks>Source: fallocate(2).</remarks>
    public static void Reserve(SafeFd fd, long sizeBytes)
    {
        while (fallocate(fd, 0, 0, sizeBytes) < 0)
            if (Marshal.GetLastPInvokeError() != Errno.Interrupted) throw LinuxException.Last("fallocate", $"descriptor {fd.Number} to {sizeBytes} bytes");
    }

    /// <summary>Takes a lock that lives as long as this open file; see flock(2).</summary>
    /// <param name="fd">A descriptor that is never handed to another process, which would share the lock.</param>
    /// <returns>False where another open file holds it.</returns>
    /// <exception cref="LinuxException">The file cannot be locked at all.</exception>
    public static bool TryLock(SafeFd fd)
    {
        if (flock(fd, ExclusiveNonBlocking) == 0) return true;
        int errno = Marshal.GetLastPInvokeError();
        return errno == Errno.WouldBlock ? false : throw new LinuxException("flock", $"descriptor {fd.Number}", errno);
    }

    /// <summary>Gives a lock back at once. Closing the descriptor does not, as long as a mapping made from it stands.</summary>
    /// <param name="fd">The descriptor that <see cref="TryLock"/> was called with.</param>
    public static void Unlock(SafeFd fd) => _ = flock(fd, UnlockOperation);

    private const int UnlockOperation = 8;                // LOCK_UN, sys/file.h
    private const int ExclusiveNonBlocking = 2 | 4;   // LOCK_EX | LOCK_NB, sys/file.h
    private const uint StatInode = 0x100;   // STATX_INO, linux/stat.h
    private const int EmptyPath = 0x1000;   // AT_EMPTY_PATH, linux/fcntl.h
    private const uint StatSize = 0x200;    // STATX_SIZE, linux/stat.h

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int open(string path, int flags, uint mode);
    [LibraryImport("libc", SetLastError = true)] private static partial int fchmod(SafeFd fd, uint mode);
    [LibraryImport("libc", SetLastError = true)] private static partial int flock(SafeFd fd, int operation);
    [LibraryImport("libc", SetLastError = true)] private static partial int fallocate(SafeFd fd, int mode, long offset, long length);
    [LibraryImport("libc", SetLastError = true)] private static partial int ftruncate(SafeFd fd, long length);
    [LibraryImport("libc", SetLastError = true)] private static partial int fstatfs(SafeFd fd, ref long status);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int statx(SafeFd folder, string path, int flags, uint mask, ref byte status);
}
