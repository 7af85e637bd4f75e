// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>What an <see cref="Epoll"/> waits for and reports. Source: sys/epoll.h.</summary>
[Flags]
public enum EpollEvents : uint
{
    /// <summary>Nothing but errors and hang-up, which are always reported.</summary>
    None = 0,
    /// <summary>Something can be read.</summary>
    Readable = 1,
    /// <summary>Something can be written.</summary>
    Writable = 4,
    /// <summary>The descriptor is in error.</summary>
    Error = 8,
    /// <summary>The other end is gone.</summary>
    HangUp = 0x10,
    /// <summary>The other end writes no more.</summary>
    ReadHangUp = 0x2000,
    /// <summary>Report a change once, not a state for as long as it lasts.</summary>
    EdgeTriggered = 1u << 31,
}

/// <summary>One report of <see cref="Epoll.Wait"/>. Layout: struct epoll_event, packed on x86-64.</summary>
/// <param name="Events">What is so.</param>
/// <param name="Token">The number given to <see cref="Epoll.Add"/>.</param>
public readonly record struct EpollReport(EpollEvents Events, ulong Token);

/// <summary>Waits on many descriptors at once. Source: epoll(7).</summary>
/// <remarks><see cref="Add"/>, <see cref="Change"/> and <see cref="Remove"/> may be called from any thread; <see cref="Wait"/> from one.</remarks>
public sealed partial class Epoll : IDisposable
{
    private const int CloseOnExec = 0x80000, ControlAdd = 1, ControlRemove = 2, ControlChange = 3;   // sys/epoll.h
    private const int MaxReports = 256;
    private const nint SystemCallWait2 = 441;   // epoll_pwait2, the same on every architecture (asm-generic/unistd.h), since Linux 5.11
    private static volatile bool _hasFineWait = true;
    // struct epoll_event is packed on x86-64 alone (uapi/linux/eventpoll.h, EPOLL_PACKED).
    private static readonly int _eventBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int _tokenOffset = _eventBytes - sizeof(ulong);

    private readonly SafeFd _fd = new(LinuxException.ThrowIfFailed(epoll_create1(CloseOnExec), "epoll_create1", "instance"));
    private readonly byte[] _buffer = new byte[MaxReports * 16];

    /// <summary>The instance's own descriptor, borrowed: it is readable while there is something to report.</summary>
    public SafeFd Descriptor => _fd;

    /// <summary>Starts to watch a descriptor.</summary>
    /// <param name="fd">Borrowed; closing its last duplicate ends the watch.</param>
    /// <param name="events">What to wait for.</param>
    /// <param name="token">Comes back with each report.</param>
    /// <exception cref="LinuxException">EEXIST: watched already; EPERM: a plain file; ENOSPC or ENOMEM.</exception>
    public void Add(SafeFd fd, EpollEvents events, ulong token) => Control(ControlAdd, fd, events, token);

    /// <summary>Changes what is waited for on a watched descriptor.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <param name="events">What to wait for from now on.</param>
    /// <param name="token">Comes back with each report.</param>
    /// <exception cref="LinuxException">ENOENT: not watched.</exception>
    public void Change(SafeFd fd, EpollEvents events, ulong token) => Control(ControlChange, fd, events, token);

    /// <summary>Ends the watch on a descriptor; an unwatched one is no error.</summary>
    /// <param name="fd">Borrowed.</param>
    public unsafe void Remove(SafeFd fd)
    {
        // SAFETY: EPOLL_CTL_DEL ignores the event pointer (epoll_ctl(2)).
        _ = epoll_ctl(_fd, ControlRemove, fd, null);
    }

    /// <summary>Waits until there is something to report.</summary>
    /// <param name="reports">Receives at most its own length, and at most 256, reports.</param>
    /// <param name="timeout">How long to wait; <see cref="Timeout.InfiniteTimeSpan"/> waits for ever. Kernels before 5.11 round it up to whole milliseconds.</param>
    /// <returns>How many reports there are; 0 when the time ran out or a signal came.</returns>
    /// <exception cref="LinuxException">EBADF and the like: a bug here.</exception>
    public unsafe int Wait(Span<EpollReport> reports, TimeSpan timeout)
    {
        int most = Math.Min(reports.Length, MaxReports);
        int count;
        // SAFETY: the buffer holds MaxReports events of the larger of the two layouts.
        fixed (byte* buffer = _buffer) count = WaitInto(buffer, most, timeout);
        if (count < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            return errno == Errno.Interrupted ? 0 : throw new LinuxException("epoll_wait", $"descriptor {_fd.Number}", errno);
        }
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> raw = _buffer.AsSpan(i * _eventBytes, _eventBytes);
            reports[i] = new((EpollEvents)MemoryMarshal.Read<uint>(raw), MemoryMarshal.Read<ulong>(raw[_tokenOffset..]));
        }
        return count;
    }

    /// <summary>Closes the instance; what it watched stays open.</summary>
    public void Dispose() => _fd.Dispose();

    private unsafe int WaitInto(byte* buffer, int most, TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan) return epoll_wait(_fd, buffer, most, -1);
        if (timeout.Ticks % TimeSpan.TicksPerMillisecond != 0 && _hasFineWait)
        {
            Span<long> time = [timeout.Ticks / TimeSpan.TicksPerSecond, timeout.Ticks % TimeSpan.TicksPerSecond * 100];
            // SAFETY: the time is pinned on this stack; a null signal mask leaves signals as they are.
            fixed (long* limit = time)
            {
                nint count = syscall(SystemCallWait2, _fd, buffer, most, limit, 0, 0);
                if (count >= 0 || Marshal.GetLastPInvokeError() != Errno.NoSystemCall) return (int)count;
                _hasFineWait = false;
            }
        }
        return epoll_wait(_fd, buffer, most, (int)Math.Clamp(Math.Ceiling(timeout.TotalMilliseconds), 0, int.MaxValue));
    }

    private unsafe void Control(int operation, SafeFd fd, EpollEvents events, ulong token)
    {
        Span<byte> raw = stackalloc byte[16];
        raw.Clear();
        uint bits = (uint)events;
        MemoryMarshal.Write(raw, in bits);
        MemoryMarshal.Write(raw[_tokenOffset..], in token);
        // SAFETY: the kernel reads one event of at most 16 bytes from the stack buffer.
        fixed (byte* pointer = raw)
            _ = LinuxException.ThrowIfFailed(epoll_ctl(_fd, operation, fd, pointer), "epoll_ctl", $"descriptor {fd.Number}");
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int epoll_create1(int flags);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial int epoll_ctl(SafeFd epoll, int operation, SafeFd fd, byte* @event);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial int epoll_wait(SafeFd epoll, byte* events, int most, int timeoutMilliseconds);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial nint syscall(nint number, SafeFd epoll, byte* events, nint most, long* timeout, nint mask, nint maskBytes);
}
