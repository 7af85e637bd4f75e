// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>Calls of a device driver whose numbers say how many bytes they take: ioctl(2) with a structure.</summary>
/// <remarks>Thread-safe. Source: asm-generic/ioctl.h: bits 0-7 a number, 8-15 the driver's letter, 16-29 the structure's size, 30-31 the direction.</remarks>
public static partial class DeviceControl
{
    private const int SizeShift = 16;
    private const uint SizeMask = 0x3FFF;

    /// <summary>Makes a call.</summary>
    /// <param name="fd">The device, borrowed.</param>
    /// <param name="request">The call's number, made by _IOR, _IOW or _IOWR.</param>
    /// <param name="argument">The structure; exactly as long as the number says, since the driver reads or writes that many bytes.</param>
    /// <returns>0, or the error number.</returns>
    /// <exception cref="ArgumentException">The argument has another length than the number says.</exception>
    public static unsafe int Call(SafeFd fd, uint request, Span<byte> argument)
    {
        uint size = (request >> SizeShift) & SizeMask;
        if (size != argument.Length) throw new ArgumentException($"The call {request:X8} takes {size} bytes, not {argument.Length}.", nameof(argument));
        // SAFETY: the driver touches as many bytes as the number says (a rule of ioctl), and the span was just checked to have them.
        fixed (byte* pointer = argument) return ioctl(fd, request, pointer) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Makes a call that answers with a number, or whose structure ends in an array that may be longer than the number says.</summary>
    /// <param name="fd">The device, borrowed.</param>
    /// <param name="request">The call's number.</param>
    /// <param name="argument">The structure; at least as long as the number says, and as long as the driver finds in its first fields.</param>
    /// <param name="answer">What the driver returned, 0 or more; 0 after an error.</param>
    /// <returns>0, or the error number.</returns>
    /// <exception cref="ArgumentException">The argument is shorter than the number says.</exception>
    public static unsafe int Call(SafeFd fd, uint request, Span<byte> argument, out int answer)
    {
        uint size = (request >> SizeShift) & SizeMask;
        if (argument.Length < size) throw new ArgumentException($"The call {request:X8} takes at least {size} bytes, not {argument.Length}.", nameof(argument));
        // SAFETY: the driver touches as many bytes as the number says, just checked, and as the structure's own count says, which its one writer, the caller, sized it by.
        fixed (byte* pointer = argument) answer = ioctl(fd, request, pointer);
        if (answer >= 0) return 0;
        answer = 0;
        return Marshal.GetLastPInvokeError();
    }

    // For structures that end in an array, whose length stands within: they may be longer than the number says. Some calls answer with a number.
    internal static unsafe int CallLonger(SafeFd fd, uint request, Span<byte> argument, string call, string subject)
    {
        uint size = (request >> SizeShift) & SizeMask;
        ArgumentOutOfRangeException.ThrowIfLessThan((uint)argument.Length, size, nameof(argument));
        // SAFETY: the span has at least the bytes that the number says, and its callers here make it as long as the count within says.
        fixed (byte* pointer = argument) return LinuxException.ThrowIfFailed(ioctl(fd, request, pointer), call, subject);
    }

    /// <summary>Makes a call without a structure.</summary>
    /// <param name="fd">The device, borrowed.</param>
    /// <param name="request">The call's number, made by _IO.</param>
    /// <param name="argument">A number that the driver takes as it is.</param>
    /// <returns>0, or the error number.</returns>
    /// <exception cref="ArgumentException">The number says that there is a structure.</exception>
    public static unsafe int Call(SafeFd fd, uint request, uint argument = 0)
    {
        if (request >> SizeShift != 0) throw new ArgumentException($"The call {request:X8} takes a structure, not a number.", nameof(request));
        // SAFETY: the number says that the driver touches no memory of ours (a rule of ioctl).
        return ioctl(fd, request, (byte*)(nuint)argument) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    [LibraryImport("libc", SetLastError = true)] private static unsafe partial int ioctl(SafeFd fd, nuint request, byte* argument);
}
