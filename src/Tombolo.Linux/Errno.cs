// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>The error numbers that the project tells apart. Source: asm-generic/errno-base.h and errno.h (x86-64, arm64).</summary>
public static class Errno
{
    /// <summary>EPERM: not permitted.</summary>
    public const int NotPermitted = 1;
    /// <summary>ENOENT: no such file.</summary>
    public const int NoEntry = 2;
    /// <summary>ESRCH: no such process.</summary>
    public const int NoProcess = 3;
    /// <summary>EINTR: a signal came in between.</summary>
    public const int Interrupted = 4;
    /// <summary>ENXIO: a socket where a device or pipe was asked for, or a device that is not there.</summary>
    public const int NoSuchAddress = 6;
    /// <summary>EAGAIN: would block.</summary>
    public const int WouldBlock = 11;
    /// <summary>ENOMEM: no memory.</summary>
    public const int NoMemory = 12;
    /// <summary>EACCES: permission denied.</summary>
    public const int AccessDenied = 13;
    /// <summary>EFAULT: memory that the kernel should read is not there.</summary>
    public const int BadAddress = 14;
    /// <summary>EEXIST: exists already.</summary>
    public const int Exists = 17;
    /// <summary>EBUSY: somebody else has it.</summary>
    public const int Busy = 16;
    /// <summary>ENODEV: no such device, or it is gone.</summary>
    public const int NoDevice = 19;
    /// <summary>EINVAL: invalid argument.</summary>
    public const int Invalid = 22;
    /// <summary>EMFILE: this process has as many descriptors as it may.</summary>
    public const int TooManyOpenFiles = 24;
    /// <summary>ENFILE: the system has as many files as it may.</summary>
    public const int FileTableFull = 23;
    /// <summary>ENOSPC: a table or device is full.</summary>
    public const int NoSpace = 28;
    /// <summary>EPIPE: the other end is gone.</summary>
    public const int BrokenPipe = 32;
    /// <summary>ENOSYS: this kernel has no such system call.</summary>
    public const int NoSystemCall = 38;
    /// <summary>ENOTCONN: not connected.</summary>
    public const int NotConnected = 107;
    /// <summary>ECONNABORTED: the connection went away before it was accepted.</summary>
    public const int ConnectionAborted = 103;
    /// <summary>ECONNRESET: the other end is gone with data unread.</summary>
    public const int ConnectionReset = 104;
    /// <summary>ENOBUFS: no buffer space.</summary>
    public const int NoBuffers = 105;
    /// <summary>EADDRINUSE: the path exists already.</summary>
    public const int AddressInUse = 98;
    /// <summary>ETOOMANYREFS: as many descriptors are in flight in UNIX sockets as the user may have.</summary>
    public const int TooManyReferences = 109;
    /// <summary>ETIMEDOUT: the time ran out.</summary>
    public const int TimedOut = 110;
    /// <summary>ECONNREFUSED: a socket file that nobody listens on.</summary>
    public const int ConnectionRefused = 111;
}
