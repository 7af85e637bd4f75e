// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Linux;

/// <summary>Ports of Xen's event channels: Linux's device evtchn.</summary>
/// <remarks>
/// Each open descriptor has its own ports; they close with it. A port with an event is masked when the event is read, until it is told to go on (<see cref="Unmask"/>). Thread-safe.
/// Source: Linux drivers/xen/evtchn.c, uapi/xen/evtchn.h.
/// </remarks>
public static class XenEventDevice
{
    /// <summary>The device's node.</summary>
    public const string Path = "/dev/xen/evtchn";

    /// <summary>Opens the device.</summary>
    /// <returns>A descriptor that is readable while an event is pending; the caller owns it.</returns>
    /// <exception cref="LinuxException">ENOENT: no Xen domain, or the module xen-evtchn is not loaded; EACCES.</exception>
    public static SafeFd Open() => CharacterDevice.OpenBoth(Path);

    /// <summary>Makes a port that a domain can bind to.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="remoteDomain">The domain.</param>
    /// <returns>The port.</returns>
    /// <exception cref="LinuxException">ENOSPC: no port is left; ENOMEM.</exception>
    public static uint BindUnbound(SafeFd device, ushort remoteDomain)
    {
        Span<byte> call = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(call, remoteDomain);
        return (uint)DeviceControl.CallLonger(device, XenAbi.BindUnbound, call, "ioctl(EVTCHN_BIND_UNBOUND_PORT)", $"domain {remoteDomain}");
    }

    /// <summary>Binds to another domain's port.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="remoteDomain">The domain.</param>
    /// <param name="remotePort">Its port.</param>
    /// <returns>The own port; one event is pending on it.</returns>
    /// <exception cref="LinuxException">EINVAL: not there, not for this domain, or bound; ESRCH: no such domain; ENOSPC.</exception>
    public static uint BindInterdomain(SafeFd device, ushort remoteDomain, uint remotePort)
    {
        Span<byte> call = stackalloc byte[2 * sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(call, remoteDomain);
        BinaryPrimitives.WriteUInt32LittleEndian(call[sizeof(uint)..], remotePort);
        return (uint)DeviceControl.CallLonger(device, XenAbi.BindInterdomain, call, "ioctl(EVTCHN_BIND_INTERDOMAIN)", $"port {remotePort} of domain {remoteDomain}");
    }

    /// <summary>Makes an event pending at the other end. A dead or gone other end is no error.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="port">A port of this descriptor.</param>
    /// <exception cref="LinuxException">ENOTCONN: it is not.</exception>
    public static void Notify(SafeFd device, uint port)
    {
        Span<byte> call = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(call, port);
        _ = DeviceControl.CallLonger(device, XenAbi.Notify, call, "ioctl(EVTCHN_NOTIFY)", $"port {port}");
    }

    /// <summary>Takes one port that has an event; it is masked from now on.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="port">The port.</param>
    /// <returns>False where there is none.</returns>
    public static bool TryRead(SafeFd device, out uint port)
    {
        Span<byte> one = stackalloc byte[sizeof(uint)];
        bool isThere = CharacterDevice.Read(device, one).Bytes == one.Length;
        port = isThere ? BinaryPrimitives.ReadUInt32LittleEndian(one) : 0;
        return isThere;
    }

    /// <summary>Hears a port again after its event was read.</summary>
    /// <param name="device">The device, borrowed.</param>
    /// <param name="port">The port.</param>
    /// <returns>False where the device refused.</returns>
    public static bool Unmask(SafeFd device, uint port)
    {
        Span<byte> one = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(one, port);
        return CharacterDevice.Write(device, one).Bytes == one.Length;
    }
}
