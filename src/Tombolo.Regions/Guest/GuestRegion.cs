// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Regions;

/// <summary>One region in the guest, by way of the device of our driver: its memory, and signals to and from the host.</summary>
/// <remarks>Offsets are the region's own, the same as the host's <see cref="RegionClient"/> uses. Thread-safe but for <see cref="Dispose"/>. The driver takes the host's signals and wakes whoever waits.</remarks>
public sealed class GuestRegion : IDisposable
{
    private static readonly TimeSpan _roomPause = TimeSpan.FromMilliseconds(1);

    private readonly SafeFd _fd;
    private readonly Window _window;

    private GuestRegion(SafeFd fd, Window window, RegionDescriptor descriptor) => (_fd, _window, Descriptor) = (fd, window, descriptor);

    /// <summary>The region as the driver describes it.</summary>
    public RegionDescriptor Descriptor { get; }

    /// <summary>Where its data begins.</summary>
    public uint DataOffset => Descriptor.DataOffset;

    /// <summary>Opens a region.</summary>
    /// <param name="path">Its node: <c>/dev/NAME</c>.</param>
    /// <exception cref="LinuxException">The node is not there, not for this user, or its memory cannot be mapped; a managed region's cannot without a permission.</exception>
    /// <exception cref="RegionException">It is another device.</exception>
    public static GuestRegion Open(string path)
    {
        SafeFd fd = CharacterDevice.OpenBoth(path);
        try
        {
            Span<byte> bytes = stackalloc byte[RegionDescriptor.Size];
            int errno = DeviceControl.Call(fd, RegionDeviceAbi.Describe, bytes);
            if (errno != 0) throw new RegionException($"{path} is no region of tombolo_region.ko (error {errno}); a region's node has its name.");
            _ = RegionDescriptor.TryRead(bytes, out RegionDescriptor descriptor);
            return new(fd, Window.MapDevice(fd, descriptor.LengthBytes), descriptor);
        }
        catch
        {
            fd.Dispose();
            throw;
        }
    }

    /// <summary>A checked view of a part of the region's data.</summary>
    /// <param name="offset">Where it begins, from the region's begin.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not within the data.</exception>
    public SharedView View(uint offset, int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, DataOffset);
        return _window.View(offset, lengthBytes);
    }

    /// <summary>Wakes whoever sleeps at an offset: on the host, and here. Change the word first. A full table is waited for.</summary>
    /// <param name="offset">The word: a multiple of 4 within the data.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such word.</exception>
    /// <exception cref="LinuxException">The device is gone.</exception>
    public void Signal(uint offset)
    {
        _ = View(offset, sizeof(uint)).ReadAcquire32(0);   // an offset that cannot be is the caller's mistake
        Check(DeviceControl.Call(_fd, RegionDeviceAbi.CondWake, offset), "COND_WAKE");
        var ground = new DeviceGround(_fd, _window, Descriptor.GuestToHost);
        while (!SignalProtocol.TrySend(ref ground, offset) && ground.Fault == 0) AwaitRoom(ground, offset);
        Check(ground.Fault, "SEND_INTERRUPT_TO_HOST");
    }

    /// <summary>Sleeps while a word holds a value.</summary>
    /// <param name="offset">The word: a multiple of 4 within the data.</param>
    /// <param name="expected">The value.</param>
    /// <param name="timeout">How long at the most; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <returns>False where the time ran out.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such word.</exception>
    /// <exception cref="LinuxException">The device is gone.</exception>
    public bool Wait(uint offset, uint expected, TimeSpan timeout)
    {
        _ = View(offset, sizeof(uint)).ReadAcquire32(0);
        return WaitAt(offset, expected, timeout);
    }

    /// <summary>Unmaps and closes it. Views must not be used any more.</summary>
    public void Dispose()
    {
        _window.Dispose();
        _fd.Dispose();
    }

    // The host takes slots without a word, so this is a look a little later.
    private void AwaitRoom(DeviceGround ground, uint offset)
    {
        int slot = (int)(offset >> 2) & (ground.Slots - 1);
        uint held = ground.ReadSlot(slot);
        if (held != 0) _ = WaitAt(Descriptor.GuestToHost.SlotsOffset + (4 * (uint)slot), held, _roomPause);
    }

    private bool WaitAt(uint offset, uint expected, TimeSpan timeout)
    {
        TimeSpan? until = timeout == Timeout.InfiniteTimeSpan ? null : Stopwatch.GetElapsedTime(0) + timeout;   // its zero is CLOCK_MONOTONIC's
        Span<byte> bytes = stackalloc byte[RegionDeviceAbi.CondWaitBytes];
        while (true)
        {
            RegionDeviceAbi.WriteCondWait(bytes, offset, expected, until);
            int errno = DeviceControl.Call(_fd, RegionDeviceAbi.CondWait, bytes);
            if (errno == Errno.TimedOut) return false;
            if (errno == Errno.Interrupted) continue;
            Check(errno, "COND_WAIT");
            return true;
        }
    }

    private static void Check(int errno, string call)
    {
        if (errno != 0) throw new LinuxException($"ioctl({call})", "a region's device", errno);
    }

    // The guest's outgoing table: the driver swaps the signalled word and rings.
    private struct DeviceGround(SafeFd fd, Window window, SignalTable table) : ISignalGround
    {
        public int Fault { get; private set; }

        public readonly int Slots => table.Slots;

        public readonly uint ReadSlot(int slot) => SlotView(slot).ReadAcquire32(0);

        public readonly uint CompareExchangeSlot(int slot, uint value, uint expected) => SlotView(slot).CompareExchange32(0, value, expected);

        public readonly uint ExchangeSlot(int slot, uint value) => SlotView(slot).Exchange32(0, value);

        public readonly uint ReadSignalled() => window.View(table.SignalledOffset, sizeof(uint)).ReadAcquire32(0);

        public readonly uint ExchangeSignalled(uint value) => window.View(table.SignalledOffset, sizeof(uint)).Exchange32(0, value);

        public readonly bool IsRingPending() => false;   // nobody here can know: a ring too many is spurious

        public void Ring() => Fault = DeviceControl.Call(fd, RegionDeviceAbi.SendInterrupt);

        public readonly void Wake(uint offset) { }

        public readonly bool CanReturn => true;

        public readonly void Return(uint offset) { }

        private readonly SharedView SlotView(int slot) => window.View(table.SlotsOffset + (4L * slot), sizeof(uint));
    }
}
