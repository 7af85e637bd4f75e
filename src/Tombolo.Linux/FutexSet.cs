// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>Words in shared memory that one thread sleeps on together, until any of them is woken.</summary>
/// <remarks>One thread at a time. Source: futex_waitv(2), since Linux 5.16; the kernel takes 128 words at the most (FUTEX_WAITV_MAX).</remarks>
public sealed unsafe partial class FutexSet : IDisposable
{
    /// <summary>How many words a set may have.</summary>
    public const int MaxWords = 128;

    private const nint SystemCall = 449;   // futex_waitv, the same on every architecture (asm-generic/unistd.h)
    private const uint Size32 = 2;         // FUTEX_32, linux/futex.h; without FUTEX_PRIVATE_FLAG, for memory is shared
    private const int ClockMonotonic = 1;  // linux/time.h

    /// <summary>Whether this kernel has the call (since Linux 5.16), and lets this process use it.</summary>
    public static bool IsSupported { get; } = syscall(SystemCall, null, 0, 0, null, ClockMonotonic) >= 0 || Marshal.GetLastPInvokeError() is not (Errno.NoSystemCall or Errno.NotPermitted);   // a set of no words is refused with EINVAL

    // SAFETY: MaxWords records of struct futex_waitv; Set stays below MaxWords, the kernel reads at most that many, and Dispose frees them once.
    private Waiter* _waiters = (Waiter*)NativeMemory.AllocZeroed(MaxWords, (nuint)sizeof(Waiter));

    /// <summary>Puts a word into the set.</summary>
    /// <param name="index">0 to <see cref="MaxWords"/> − 1.</param>
    /// <param name="word">A 4-byte aligned word in unmanaged memory that stays mapped while the set sleeps on it.</param>
    /// <param name="expected">Sleep only if the word still holds this.</param>
    public void Set(int index, ref uint word, uint expected)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)MaxWords, nameof(index));
        ObjectDisposedException.ThrowIf(_waiters is null, this);
        _waiters[index] = new() { Value = expected, Address = (ulong)Unsafe.AsPointer(ref word), Flags = Size32 };
    }

    /// <summary>Sleeps while the first words of the set all hold what is expected of them.</summary>
    /// <param name="count">How many of the words.</param>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <returns>Why it ended; which word it was, the caller finds out by looking at them.</returns>
    /// <exception cref="LinuxException">ENOSYS: the kernel is older than 5.16; EFAULT: a word is not mapped.</exception>
    public FutexWake Wait(int count, TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)MaxWords, nameof(count));
        ObjectDisposedException.ThrowIf(_waiters is null, this);
        long* limit = stackalloc long[2];
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            _ = clock_gettime(ClockMonotonic, limit);
            long nanoseconds = limit[1] + (Math.Max(0, timeout.Ticks) % TimeSpan.TicksPerSecond * 100);
            limit[0] += (Math.Max(0, timeout.Ticks) / TimeSpan.TicksPerSecond) + (nanoseconds / 1_000_000_000);
            limit[1] = nanoseconds % 1_000_000_000;
        }
        if (syscall(SystemCall, _waiters, count, 0, timeout == Timeout.InfiniteTimeSpan ? null : limit, ClockMonotonic) >= 0) return FutexWake.Woken;
        int errno = Marshal.GetLastPInvokeError();
        return errno switch
        {
            Errno.WouldBlock => FutexWake.ValueDiffers,
            Errno.Interrupted => FutexWake.Woken,
            Errno.TimedOut => FutexWake.TimedOut,
            _ => throw new LinuxException("futex_waitv", $"{count} shared words", errno),
        };
    }

    /// <summary>Frees the set; the words are not touched.</summary>
    public void Dispose()
    {
        NativeMemory.Free(_waiters);
        _waiters = null;
    }

    // struct futex_waitv, linux/futex.h.
    [StructLayout(LayoutKind.Sequential)]
    private struct Waiter
    {
        public ulong Value;
        public ulong Address;
        public uint Flags;
        public uint Reserved;
    }

    [LibraryImport("libc", SetLastError = true)] private static partial nint syscall(nint number, Waiter* waiters, nint count, nint flags, long* timeout, nint clock);
    [LibraryImport("libc")] private static partial int clock_gettime(int clock, long* time);
}
