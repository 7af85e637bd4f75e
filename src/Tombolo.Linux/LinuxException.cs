// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>The kernel refused a call. Message shape: "call subject: reason (errno)."</summary>
/// <param name="call">The system call's name.</param>
/// <param name="subject">What it was called on: a path, a name, a descriptor.</param>
/// <param name="errno">The error number; see errno(3).</param>
public sealed class LinuxException(string call, string subject, int errno)
    : TomboloException($"{call} {subject}: {Marshal.GetPInvokeErrorMessage(errno)} ({errno}).")
{
    /// <summary>The error number; see <see cref="Tombolo.Linux.Errno"/> for those we tell apart.</summary>
    public int Errno { get; } = errno;

    /// <summary>True where the same call may go through if it is tried again: EINTR, EAGAIN.</summary>
    public bool IsTransient => Errno is Linux.Errno.Interrupted or Linux.Errno.WouldBlock;

    internal static int ThrowIfFailed(int result, string call, string subject) =>
        result >= 0 ? result : throw Last(call, subject);

    internal static long ThrowIfFailed(long result, string call, string subject) =>
        result >= 0 ? result : throw Last(call, subject);

    internal static LinuxException Last(string call, string subject) => new(call, subject, Marshal.GetLastPInvokeError());
}
