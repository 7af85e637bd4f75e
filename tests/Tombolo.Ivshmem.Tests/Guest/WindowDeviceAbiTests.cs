// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Shouldly;
using Tombolo.Testing;

namespace Tombolo.Ivshmem.Tests.Guest;

/// <summary>The guest driver's header is the ABI: a C compiler says where its fields are and what its numbers are.</summary>
public sealed class WindowDeviceAbiTests
{
    [Fact]
    public void Abi_AgainstTheCompiledHeader_IsTheSame()
    {
        Dictionary<string, uint> said = CompiledHeader.Read("guest/linux/test/window_probe.c").ToDictionary(static entry => entry.Key, static entry => (uint)entry.Value);
        WindowDeviceAbi.Version.ShouldBe(said["TOMBOLO_WINDOW_ABI"]);
        (WindowDeviceAbi.Info, WindowDeviceAbi.Ring, WindowDeviceAbi.SetEventFd).ShouldBe((said["TOMBOLO_WINDOW_INFO"], said["TOMBOLO_WINDOW_RING"], said["TOMBOLO_WINDOW_EVENTFD"]));
        (WindowDeviceAbi.WriteBack, WindowDeviceAbi.Uncached).ShouldBe((said["TOMBOLO_WINDOW_WRITE_BACK"], said["TOMBOLO_WINDOW_UNCACHED"]));
        ((uint)WindowDeviceAbi.InfoBytes, (uint)WindowDeviceAbi.RingBytes, (uint)WindowDeviceAbi.SetEventFdBytes).ShouldBe((said["tombolo_window_info"], said["tombolo_window_ring"], said["tombolo_window_eventfd"]));

        byte[] info = new byte[WindowDeviceAbi.InfoBytes];
        foreach ((string field, byte value) in new[] { ("abi", (byte)1), ("own_id", (byte)2), ("vectors", (byte)3), ("memory_type", (byte)4), ("size", (byte)5) }) info[said[$"tombolo_window_info.{field}"]] = value;
        WindowDeviceInfo.Read(info).ShouldBe(new(1, 2, 3, 4, 5));
        byte[] ring = new byte[WindowDeviceAbi.RingBytes], eventFd = new byte[WindowDeviceAbi.SetEventFdBytes];
        WindowDeviceAbi.WriteRing(ring, new(0x1234), 0x5678);
        WindowDeviceAbi.WriteEventFd(eventFd, 7, -1);
        (At(ring, "tombolo_window_ring.peer"), At(ring, "tombolo_window_ring.vector")).ShouldBe((0x1234, 0x5678));
        (At(eventFd, "tombolo_window_eventfd.vector"), At(eventFd, "tombolo_window_eventfd.fd")).ShouldBe((7, -1));

        int At(byte[] bytes, string field) => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan((int)said[field]));
    }
}
