// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>An eventfd: a 64-bit counter in the kernel that one side adds to and another reads and resets.</summary>
/// <remarks>Thread-safe. Source: eventfd(2).</remarks>
public static partial class EventFd
{
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800;   // linux/eventfd.h
    private const long CurrentPosition = -1;                         // preadv2(2)
    private const int NoWait = 8;                                    // RWF_NOWAIT, linux/fs.h

    /// <summary>Creates an eventfd with counter 0; non-blocking, close-on-exec.</summary>
    /// <returns>A descriptor the caller owns and disposes.</returns>
    /// <exception cref="LinuxException">EMFILE, ENFILE or ENOMEM. Nothing is left open.</exception>
    public static SafeFd Create() =>
        new(LinuxException.ThrowIfFailed(eventfd(0, CloseOnExec | NonBlocking), "eventfd", "counter 0"));

    /// <summary>Adds 1 to the counter, which wakes whoever waits on it.</summary>
    /// <param name="fd">An eventfd, borrowed. It may be another party's: anything that refuses the eight bytes is reported, never thrown.</param>
    /// <returns>False where the descriptor took nothing: the counter is at its maximum (a wake-up is pending anyway), or it is no eventfd.</returns>
    public static unsafe bool Signal(SafeFd fd)
    {
        ulong one = 1;
        // SAFETY: write reads eight bytes of a local that outlives the call.
        return write(fd, &one, sizeof(ulong)) == sizeof(ulong);
    }

    /// <summary>Reads the counter and sets it to 0.</summary>
    /// <param name="fd">An eventfd, borrowed.</param>
    /// <param name="count">How often it was signalled since the last read; never 0 when true is returned.</param>
    /// <returns>False where the counter was 0, or it is no eventfd.</returns>
    /// <remarks>
    /// It never waits, whatever the descriptor's mode: O_NONBLOCK belongs to the open file, which all peers share, so that any of them could take it away and
    /// make a plain read wait for ever. Source: preadv2(2), RWF_NOWAIT, which eventfds know since Linux 5.8.
    /// </remarks>
    public static unsafe bool TryRead(SafeFd fd, out ulong count)
    {
        ulong value = 0;
        // SAFETY: preadv2 reads one struct iovec (start, length) and writes at most eight bytes; both are locals that outlive the call.
        nint* vector = stackalloc nint[2] { (nint)(&value), sizeof(ulong) };
        bool done = preadv2(fd, vector, 1, CurrentPosition, NoWait) == sizeof(ulong);
        count = value;
        return done;
    }

    /// <summary>Whether a descriptor, which another party may have chosen, is an eventfd.</summary>
    /// <param name="fd">Any descriptor, borrowed.</param>
    /// <remarks>Source: proc(5): the link of an eventfd in /proc/PID/fd reads "anon_inode:[eventfd]".</remarks>
    public static unsafe bool IsEventFd(SafeFd fd)
    {
        ReadOnlySpan<byte> expected = "anon_inode:[eventfd]"u8;
        Span<byte> target = stackalloc byte[32];
        nint length;
        // SAFETY: readlink writes at most the given length into a buffer on this stack.
        fixed (byte* buffer = target) length = readlink($"/proc/self/fd/{fd.Number.ToString(CultureInfo.InvariantCulture)}", buffer, target.Length);
        return length == expected.Length && target[..expected.Length].SequenceEqual(expected);
    }

    /// <summary>What tells an eventfd of this process from every other on this host.</summary>
    /// <param name="fd">Any descriptor, borrowed.</param>
    /// <returns>As of <see cref="IdentityOf(string)"/>.</returns>
    public static int? IdentityOf(SafeFd fd) => IdentityOf($"/proc/self/fdinfo/{fd.Number.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>What tells one eventfd from every other on this host.</summary>
    /// <param name="descriptorInfoPath">A file <c>/proc/PID/fdinfo/N</c>.</param>
    /// <returns>The kernel's number of that eventfd, or null where it is none, or cannot be looked at.</returns>
    /// <remarks>Source: proc(5) "eventfd-id"; there since Linux 5.2.</remarks>
    public static int? IdentityOf(string descriptorInfoPath)
    {
        const string Label = "eventfd-id:";
        try
        {
            foreach (string line in File.ReadLines(descriptorInfoPath))
                if (line.StartsWith(Label, StringComparison.Ordinal) && int.TryParse(line.AsSpan(Label.Length), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out int id))
                    return id;
        }
        catch (IOException) { return null; }
        catch (UnauthorizedAccessException) { return null; }
        return null;
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int eventfd(uint initial, int flags);
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)] private static unsafe partial nint readlink(string path, byte* buffer, nint length);
    [LibraryImport("libc")] private static unsafe partial nint write(SafeFd fd, void* buffer, nint count);
    [LibraryImport("libc")] private static unsafe partial nint preadv2(SafeFd fd, nint* vectors, int count, long offset, int flags);
}
