// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text;

namespace Tombolo.Linux;

/// <summary>A tap: a network interface of the kernel whose frames a process sends and receives, with <see cref="CharacterDevice.Read"/> and <see cref="CharacterDevice.Write"/>.</summary>
/// <remarks>Thread-safe. Source: Documentation/networking/tuntap.rst, netdevice(7), setns(2).</remarks>
public static partial class TapDevice
{
    /// <summary>The longest name of an interface, in bytes. Source: linux/if.h, IFNAMSIZ with its zero.</summary>
    public const int MaxNameBytes = 15;

    private const nuint SetInterface = 0x400454ca;          // TUNSETIFF; its number says 4 bytes, and it takes a struct ifreq
    private const short Tap = 2, NoPacketInfo = 0x1000;      // IFF_TAP, IFF_NO_PI
    private const int RequestBytes = 40, FlagsAt = 16, NetworkSpace = 0x40000000, ReadOnly = 0, CloseOnExec = 0x80000;   // CLONE_NEWNET

    /// <summary>Makes a tap, or takes one that exists and that nobody has. It goes when its descriptor is closed, unless it was made persistent.</summary>
    /// <param name="name">The interface's name.</param>
    /// <param name="networkNamespace">The file of the network namespace in which it is: <c>/run/netns/NAME</c> or <c>/proc/PID/ns/net</c>; null for this process's own.</param>
    /// <returns>A descriptor, non-blocking, which the caller owns.</returns>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    /// <exception cref="LinuxException">EPERM: CAP_NET_ADMIN is missing there; EBUSY: somebody has it; ENOENT: no such namespace, or no /dev/net/tun.</exception>
    public static SafeFd Open(string name, string? networkNamespace = null)
    {
        if (Encoding.UTF8.GetByteCount(name) is 0 or > MaxNameBytes) throw new ArgumentException($"An interface's name has 1 to {MaxNameBytes} bytes, which '{name}' has not.", nameof(name));
        if (networkNamespace is null) return Make(name);
        SafeFd? made = null;
        Exception? fault = null;
        var there = new Thread(() =>   // a thread of its own: it enters the namespace, and does not come back
        {
            try
            {
                using var space = new SafeFd(LinuxException.ThrowIfFailed(open(networkNamespace, ReadOnly | CloseOnExec), "open", networkNamespace));
                _ = LinuxException.ThrowIfFailed(setns(space, NetworkSpace), "setns", networkNamespace);
                made = Make(name);
            }
            catch (LinuxException exception) { fault = exception; }
        })
        { Name = "tap", IsBackground = true };
        there.Start();
        there.Join();
        return made ?? throw fault!;
    }

    private static unsafe SafeFd Make(string name)
    {
        SafeFd device = CharacterDevice.OpenBoth("/dev/net/tun");
        byte* request = stackalloc byte[RequestBytes];
        var bytes = new Span<byte>(request, RequestBytes);
        bytes.Clear();
        _ = Encoding.UTF8.GetBytes(name, bytes);
        MemoryMarshal.Write(bytes[FlagsAt..], (short)(Tap | NoPacketInfo));
        // SAFETY: the driver reads and writes one struct ifreq, 40 bytes on 64-bit machines, which lies on this stack.
        if (ioctl(device, SetInterface, request) >= 0) return device;
        LinuxException refused = LinuxException.Last("ioctl TUNSETIFF", name);
        device.Dispose();
        throw refused;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int open(string path, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int setns(SafeFd space, int kind);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial int ioctl(SafeFd fd, nuint request, byte* argument);
}
