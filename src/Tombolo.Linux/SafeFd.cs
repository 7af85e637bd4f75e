// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>An owned file descriptor; closed exactly once.</summary>
/// <remarks>Thread-safe as every <see cref="SafeHandle"/>: a call under way keeps the descriptor open until it returns.</remarks>
public sealed partial class SafeFd : SafeHandle
{
    private const int FcntlDuplicateCloseOnExec = 1030;   // F_DUPFD_CLOEXEC, linux/fcntl.h
    private const int GetFlags = 3, SetFlags = 4, NonBlocking = 0x800;   // asm-generic/fcntl.h

    /// <summary>Takes ownership of a descriptor.</summary>
    /// <param name="fd">The descriptor's number; from now on this object closes it.</param>
    public SafeFd(int fd) : base(-1, ownsHandle: true) => SetHandle(fd);

    /// <inheritdoc/>
    public override bool IsInvalid => (int)handle < 0;   // a descriptor is a C int: only the low 32 bits are defined

    /// <summary>The descriptor's number, for messages and for <c>/proc/self/fd</c>; it owns nothing and may be stale once this object is disposed.</summary>
    public int Number => (int)handle;

    /// <summary>Duplicates the descriptor; both refer to the same open file.</summary>
    /// <returns>A close-on-exec descriptor that the caller owns.</returns>
    /// <exception cref="LinuxException">EMFILE: the process has as many descriptors as it may. Nothing is left open.</exception>
    public SafeFd Duplicate() =>
        new(LinuxException.ThrowIfFailed(fcntl(this, FcntlDuplicateCloseOnExec, 0), "fcntl(F_DUPFD_CLOEXEC)", $"descriptor {Number}"));

    /// <summary>Makes reads and writes return at once instead of waiting, for everybody who holds the same open file.</summary>
    /// <exception cref="LinuxException">EBADF: a bug here.</exception>
    public void SetNonBlocking()
    {
        int flags = LinuxException.ThrowIfFailed(fcntl(this, GetFlags, 0), "fcntl(F_GETFL)", $"descriptor {Number}");
        if ((flags & NonBlocking) == 0) _ = LinuxException.ThrowIfFailed(fcntl(this, SetFlags, flags | NonBlocking), "fcntl(F_SETFL)", $"descriptor {Number}");
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;

    [LibraryImport("libc")] private static partial int close(int fd);
    [LibraryImport("libc", SetLastError = true)] private static partial int fcntl(SafeFd fd, int command, int argument);
}
