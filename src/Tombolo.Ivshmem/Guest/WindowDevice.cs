// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>The device of our guest driver.</summary>
internal sealed class WindowDevice : IGuestDevice
{
    private readonly SafeFd _fd;
    private readonly List<SafeFd> _vectors = [];

    private WindowDevice(SafeFd fd, string path, WindowDeviceInfo info)
    {
        (_fd, Name, Id) = (fd, path, new((ushort)info.OwnId));
        MemoryType = info.MemoryType switch { WindowDeviceAbi.WriteBack => WindowMemoryType.WriteBack, WindowDeviceAbi.Uncached => WindowMemoryType.Uncached, _ => WindowMemoryType.Unknown };
        Window = null!;   // Open maps it before anybody sees this object
    }

    public string Name { get; }
    public PeerId Id { get; }
    public Window Window { get; private set; }
    public WindowMemoryType MemoryType { get; }
    public IReadOnlyList<SafeFd> Vectors => _vectors;

    // All vectors have eventfds, so only the device's end makes the file readable.
    public SafeFd Control => _fd;

    /// <summary>Opens a node and binds an eventfd to each vector.</summary>
    /// <exception cref="LinuxException">The node is not there, or not for this user.</exception>
    /// <exception cref="IvshmemException">It is another device, or of a driver with another interface.</exception>
    public static WindowDevice Open(string path)
    {
        SafeFd fd = CharacterDevice.OpenBoth(path);
        WindowDevice? device = null;
        try
        {
            WindowDeviceInfo info = Ask(fd, path);
            device = new(fd, path, info);
            device.Window = Window.MapDevice(fd, checked((long)info.SizeBytes));
            for (int vector = 0; vector < (int)info.Vectors; vector++) device.Listen(vector);
            return device;
        }
        catch
        {
            device?.Dispose();
            fd.Dispose();
            throw;
        }
    }

    public bool IsGoing()
    {
        Span<byte> bytes = stackalloc byte[WindowDeviceAbi.InfoBytes];
        return DeviceControl.Call(_fd, WindowDeviceAbi.Info, bytes) == Errno.NoDevice;
    }

    public bool Ring(PeerId peer, ushort vector)
    {
        Span<byte> bytes = stackalloc byte[WindowDeviceAbi.RingBytes];
        WindowDeviceAbi.WriteRing(bytes, peer, vector);
        return DeviceControl.Call(_fd, WindowDeviceAbi.Ring, bytes) == 0;
    }

    public void Dispose()
    {
        _fd.Dispose();
        foreach (SafeFd vector in _vectors) vector.Dispose();
        Window?.Dispose();
    }

    private static WindowDeviceInfo Ask(SafeFd fd, string path)
    {
        Span<byte> bytes = stackalloc byte[WindowDeviceAbi.InfoBytes];
        int errno = DeviceControl.Call(fd, WindowDeviceAbi.Info, bytes);
        if (errno != 0) throw new IvshmemException($"{path} is no window device of tombolo_window.ko (error {errno}); those are called /dev/tombolo_window_*.");
        WindowDeviceInfo info = WindowDeviceInfo.Read(bytes);
        return info.Abi == WindowDeviceAbi.Version ? info
            : throw new IvshmemException($"{path} has version {info.Abi} of the driver's interface, and only {WindowDeviceAbi.Version} is known: driver and program must be of the same release.");
    }

    private void Listen(int vector)
    {
        SafeFd eventFd = EventFd.Create();
        _vectors.Add(eventFd);
        Span<byte> bytes = stackalloc byte[WindowDeviceAbi.SetEventFdBytes];
        WindowDeviceAbi.WriteEventFd(bytes, vector, eventFd.Number);
        int errno = DeviceControl.Call(_fd, WindowDeviceAbi.SetEventFd, bytes);
        if (errno != 0) throw new LinuxException("ioctl(TOMBOLO_WINDOW_EVENTFD)", $"{Name}, vector {vector}", errno);
    }
}
