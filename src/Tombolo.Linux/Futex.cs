// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>Why <see cref="Futex.Wait"/> returned.</summary>
public enum FutexWake
{
    /// <summary>Somebody woke it, or it woke for no reason: look at the word again.</summary>
    Woken,
    /// <summary>The word did not hold the expected value.</summary>
    ValueDiffers,
    /// <summary>The time ran out.</summary>
    TimedOut,
}

/// <summary>Sleeping on a 32-bit word in shared memory, across processes of one host.</summary>
/// <remarks>Thread-safe. Source: futex(2). It cannot cross into a VM: another kernel has another table of sleepers.</remarks>
public static partial class Futex
{
    private const int OperationWait = 0, OperationWake = 1, OperationWakeOp = 5;   // linux/futex.h; without FUTEX_PRIVATE_FLAG, for memory is shared
    private const nint AndNotOne = (3 << 28) | (1 << 12);                          // FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_EQ, 0)
    private static readonly nint _systemCall = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,                              // asm/unistd_64.h, __NR_futex
        Architecture.Arm64 => 98,                             // asm-generic/unistd.h, __NR_futex
        Architecture other => throw new PlatformNotSupportedException($"The futex system call's number is not known for {other}; x86-64 and arm64 are supported."),
    };

    /// <summary>Sleeps while the word holds a value.</summary>
    /// <param name="word">A 4-byte aligned word in mapped memory that stays mapped until the call returns.</param>
    /// <param name="expected">Sleep only if the word still holds this.</param>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <exception cref="LinuxException">EACCES or EFAULT: the word is not readable memory.</exception>
    public static unsafe FutexWake Wait(ref uint word, uint expected, TimeSpan timeout)
    {
        Span<long> time = [timeout.Ticks / TimeSpan.TicksPerSecond, timeout.Ticks % TimeSpan.TicksPerSecond * 100];
        // SAFETY: the word is in unmanaged mapped memory, which the collector never moves; the time is pinned on this stack.
        fixed (uint* address = &word)
        fixed (long* limit = time)
        {
            if (syscall(_systemCall, address, OperationWait, expected, timeout == Timeout.InfiniteTimeSpan ? null : limit, 0, 0) >= 0) return FutexWake.Woken;
            int errno = Marshal.GetLastPInvokeError();
            return errno switch
            {
                Errno.WouldBlock => FutexWake.ValueDiffers,
                Errno.Interrupted => FutexWake.Woken,
                Errno.TimedOut => FutexWake.TimedOut,
                _ => throw new LinuxException("futex(FUTEX_WAIT)", "shared word", errno),
            };
        }
    }

    /// <summary>Wakes sleepers on a word.</summary>
    /// <param name="word">The word they sleep on.</param>
    /// <param name="most">How many to wake at the most.</param>
    /// <returns>How many were woken.</returns>
    public static unsafe int Wake(ref uint word, int most = int.MaxValue)
    {
        // SAFETY: as in Wait; FUTEX_WAKE does not touch the word.
        fixed (uint* address = &word)
            return (int)LinuxException.ThrowIfFailed((long)syscall(_systemCall, address, OperationWake, (uint)most, null, 0, 0), "futex(FUTEX_WAKE)", "shared word");
    }

    /// <summary>Makes a word even (clears its lowest bit) and wakes all who sleep on it, in one system call: a process that is killed has done both, or neither.</summary>
    /// <param name="word">The word they sleep on.</param>
    /// <returns>How many were woken.</returns>
    /// <exception cref="LinuxException">EFAULT: the word is not writable memory.</exception>
    /// <remarks>Source: futex(2), FUTEX_WAKE_OP.</remarks>
    public static unsafe int WakeEven(ref uint word)
    {
        // SAFETY: as in Wait; the kernel changes the word itself. No second word's sleepers are to be woken: the fourth argument is their number, 0.
        fixed (uint* address = &word)
            return (int)LinuxException.ThrowIfFailed((long)syscall(_systemCall, address, OperationWakeOp, int.MaxValue, null, (nint)address, AndNotOne), "futex(FUTEX_WAKE_OP)", "shared word");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint syscall(nint number, uint* word, nint operation, nuint value, long* timeout, nint word2, nint value3);
}
