// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Switching;

internal sealed partial class VhostDevice
{
    // The guest's memory, and the region that outlives us.

    private const int InFlightAlignment = 64;   // as libvhost-user and DPDK lay it out: INFLIGHT_ALIGNMENT
    private GuestRegion? _inFlight;
    private VhostInFlight _inFlightShape;

    public string? SetMemoryTable(ReadOnlySpan<byte> payload, FdInbox descriptors)
    {
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(payload);
        if (count > GuestMemory.MaxRegions || payload.Length != 8 + (count * VhostRegion.Bytes) || descriptors.Count != count)
            throw new ProtocolException(WireFault.ValueOutOfRange, $"A table of {count} regions came with {payload.Length} bytes and {descriptors.Count} descriptors.");
        GuestMemory table = GuestMemory.Empty;
        for (int i = 0; i < count; i++)
        {
            string? problem = Map(VhostRules.Read<VhostRegion>(payload[(8 + (i * VhostRegion.Bytes))..]), descriptors, table, out table);
            if (problem is null) continue;
            foreach (GuestRegion region in table.Regions) region.Dispose();
            return problem;
        }
        return Replace(table);
    }

    // QEMU 7.2 says both of the following once for each queue pair: what is there already, or is gone already, is done.

    public string? AddMemoryRegion(VhostRegion wanted, FdInbox descriptors) =>
        Find(wanted) is not null ? null : Map(wanted, descriptors, _memory, out GuestMemory table) ?? Replace(table);

    public string? RemoveMemoryRegion(VhostRegion unwanted) => Find(unwanted) is { } region ? Replace(_memory.Without(region)) : null;

    private GuestRegion? Find(VhostRegion one) => _memory.Find(new(one.Guest), one.SizeBytes, new(one.User));

    public string? GetInFlight(ReadOnlySpan<byte> payload, VhostReply reply)
    {
        VhostInFlight wanted = ReadInFlight(payload);
        long bytes = (long)InFlightStride(wanted) * wanted.Rings;
        bytes = (bytes + Environment.SystemPageSize - 1) / Environment.SystemPageSize * Environment.SystemPageSize;
        SafeFd fd = Memfd.Create("tombolo-in-flight", bytes);
        var answer = wanted with { SizeBytes = (ulong)bytes, Offset = 0 };
        if (UseInFlight(answer, fd) is { } problem)
        {
            fd.Dispose();
            return problem;
        }
        reply.Set(answer, fd);
        return null;
    }

    public string? SetInFlight(ReadOnlySpan<byte> payload, FdInbox descriptors)
    {
        VhostInFlight given = ReadInFlight(payload);
        _ = descriptors.TryTake(out SafeFd? fd);
        using (fd) return UseInFlight(given, fd!);
    }

    private VhostInFlight ReadInFlight(ReadOnlySpan<byte> payload)
    {
        Span<byte> padded = stackalloc byte[VhostInFlight.Size];
        padded.Clear();
        payload.CopyTo(padded);
        var message = VhostRules.Read<VhostInFlight>(padded);
        return message.Rings <= _rings.Length ? message : throw new ProtocolException(WireFault.ValueOutOfRange, $"There are {_rings.Length} rings, not {message.Rings}.");
    }

    private string? UseInFlight(VhostInFlight shape, SafeFd fd)
    {
        ulong needed = (ulong)InFlightStride(shape) * shape.Rings;
        if (shape.SizeBytes < needed) return $"The region for buffers in flight has {shape.SizeBytes} bytes; {shape.Rings} rings of {shape.RingSize} need {needed}.";
        (GuestRegion? region, string? problem) = GuestRegion.Map(fd, new(0), shape.SizeBytes, new(0), shape.Offset);
        if (region is null) return problem;
        bool[] running = [.. _rings.Select(static ring => ring.Queue is not null)];
        foreach (Vring ring in _rings) StopRing(ring, isBrief: true);
        DropInFlight();
        (_inFlight, _inFlightShape) = (region, shape);
        return RestartAll(running);
    }

    private int InFlightStride(VhostInFlight shape) =>
        (Virtqueue.InFlightBytes(shape.RingSize, (Features & VirtioFeatures.RingPacked) != 0) + InFlightAlignment - 1) / InFlightAlignment * InFlightAlignment;

    private RingArea? InFlightOf(Vring ring)
    {
        if (_inFlight is null || ring.Index >= _inFlightShape.Rings || ring.Size > _inFlightShape.RingSize) return null;
        int stride = InFlightStride(_inFlightShape);
        if ((ulong)stride * _inFlightShape.Rings > _inFlight.SizeBytes) return null;   // the ring's kind changed since
        return new(_inFlight.At((ulong)(ring.Index * stride), (ulong)Virtqueue.InFlightBytes(ring.Size, (Features & VirtioFeatures.RingPacked) != 0)));
    }

    // Its rings are stopped.
    private void DropInFlight()
    {
        _inFlight?.Dispose();
        _inFlight = null;
    }

    private static string? Map(VhostRegion wanted, FdInbox descriptors, GuestMemory table, out GuestMemory result)
    {
        result = table;
        WireFault fault = wanted.Check();
        if (fault != WireFault.None) throw new ProtocolException(fault, $"The region {wanted} has a fault: {fault}.");
        _ = descriptors.TryTake(out SafeFd? fd);
        using (fd)
        {
            (GuestRegion? region, string? problem) = GuestRegion.Map(fd!, new(wanted.Guest), wanted.SizeBytes, new(wanted.User), wanted.Offset);
            if (region is null) return problem;
            problem = table.Add(region, out result);
            if (problem is not null) region.Dispose();
            return problem;
        }
    }

    // Every ring stops, for as long as it takes to exchange the table, and goes on where it was.
    private string? Replace(GuestMemory table)
    {
        bool[] running = [.. _rings.Select(static ring => ring.Queue is not null)];
        foreach (Vring ring in _rings) StopRing(ring, isBrief: true);
        GuestMemory old = _memory;
        _memory = table;
        foreach (GuestRegion region in old.Regions)
            if (!table.Regions.Contains(region)) region.Dispose();
        return RestartAll(running);
    }

    private string? RestartAll(bool[] running)
    {
        string? problem = null;
        for (int i = 0; i < running.Length; i++)
            if (running[i] || _rings[i].IsWanted) problem ??= Start(_rings[i]);
        return problem;
    }
}
