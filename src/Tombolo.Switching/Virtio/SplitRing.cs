// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace Tombolo.Switching;

/// <summary>A split ring: a table of descriptors, a ring of what the driver made available, and one of what the device used.</summary>
/// <remarks>
/// Source: virtio 1.1, 2.6.
/// <code>
/// driver's area   0: flags (2) | 2: idx (2) | 4: ring[size] (2 each) | 4+2·size: used_event (2)
/// device's area   0: flags (2) | 2: idx (2) | 4: ring[size] (id 4, len 4) | 4+8·size: avail_event (2)
/// </code>
/// </remarks>
internal sealed class SplitRing : Virtqueue
{
    private const int Flags = 0, Index = 2, Ring = 4;                    // offsets in both areas
    private const int DescriptorsInLine = 64 / Descriptor.Bytes;          // of the processor's cache
    private const ushort NoInterrupt = 1, NoNotify = 1;                   // VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_USED_F_NO_NOTIFY
    private readonly RingArea _descriptors, _driver, _device;
    private readonly int _mask;
    private readonly SplitInFlight? _inFlight;
    private ushort _next, _seen, _used, _staged, _noticed;
    private bool _noticeAlways = true;

    public SplitRing(GuestMemory memory, in RingSetup setup, in RingAreas areas) : base(memory, setup)
    {
        (_descriptors, _driver, _device, _mask) = (areas.Descriptors, areas.Driver, areas.Device, setup.Size - 1);
        _used = _device.ReadAcquire16(Index);
        // Ours is an in-order device: whatever lies between the used index and the base was taken by one that died, and is taken again.
        _next = _seen = _used;
        if (areas.InFlight is not { } inFlight) return;
        _inFlight = new(inFlight, setup.Size, areas.Step);
        _inFlight.Recover(_used);
    }

    public override uint Position => _next;

    public override bool HasWork => _next != _seen || _driver.ReadAcquire16(Index) != _next;

    public static int DriverBytes(int size, bool hasEvents) => Ring + (2 * size) + (hasEvents ? 2 : 0);

    public static int DeviceBytes(int size, bool hasEvents) => Ring + (8 * size) + (hasEvents ? 2 : 0);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override bool TryTake(ChainBuffers buffers, out Chain chain)
    {
        chain = default;
        if (Fault != RingFault.None || (_next == _seen && !See())) return false;
        ushort head = _driver.ReadAcquire16(Ring + (2 * (_next & _mask)));
        if (head >= Size) return Fail(RingFault.NoSuchDescriptor);
        (ulong address, ulong rest) = (_descriptors.ReadAcquire64(head * Descriptor.Bytes), _descriptors.ReadAcquire64((head * Descriptor.Bytes) + 8));
        if (IsAlone(rest) && TryAdd(address, (uint)rest, IsWritable(rest), buffers))
        {
            _inFlight?.Take(head);
            _next++;
            chain = IsWritable(rest) ? new(head, 1, 0, (int)rest) : new(head, 1, (int)rest, 0);
            return true;
        }
        int readable = buffers.ReadableCount, writable = buffers.WritableCount;
        RingFault fault = Walk(new(address, (uint)rest, (ushort)(rest >> 32), (ushort)(rest >> 48)), buffers, out uint readableBytes, out uint writableBytes);
        if (fault != RingFault.None)
        {
            buffers.CutTo(readable, writable);
            return Fail(fault);
        }
        _inFlight?.Take(head);
        _next++;
        chain = new(head, 1, (int)readableBytes, (int)writableBytes);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal override int Expect(int most)
    {
        if (Fault != RingFault.None || (_next == _seen && !See())) return 0;
        int count = Math.Min(most, (ushort)(_seen - _next));
        for (int i = 0, before = -1; i < count; i++)
        {
            int head = _driver.ReadAcquire16(Ring + (2 * ((_next + i) & _mask))), line = head / DescriptorsInLine;
            if (line != before) _descriptors.Prefetch(head * Descriptor.Bytes);
            before = line;
        }
        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal override bool TryTakeRoom(int bytes, out ushort id, out nint at)
    {
        (id, at) = (0, 0);
        if (Fault != RingFault.None || (_next == _seen && !See())) return false;
        ushort head = _driver.ReadAcquire16(Ring + (2 * (_next & _mask)));
        if (head >= Size) return false;
        (ulong address, ulong rest) = (_descriptors.ReadAcquire64(head * Descriptor.Bytes), _descriptors.ReadAcquire64((head * Descriptor.Bytes) + 8));
        if (!IsAlone(rest) || !IsWritable(rest) || (uint)rest < (uint)bytes || !TryTranslate(address, (uint)rest, out at)) return false;
        _inFlight?.Take(head);
        _next++;
        id = head;
        return true;
    }

    public override void PutBack(in Chain chain)
    {
        _inFlight?.PutBack(chain.Id);
        _next--;
    }

    public override void Complete(in Chain chain, uint writtenBytes) => Stage(chain.Id, writtenBytes);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Complete(ReadOnlySpan<Chain> chains)
    {
        foreach (ref readonly Chain chain in chains) Stage(chain.Id, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal override void CompleteRoom(ushort id, int writtenBytes) => Stage(id, (uint)writtenBytes);

    private void Stage(ushort head, uint writtenBytes)
    {
        // ORDER: none here; Publish's release makes the entry visible.
        _device.WritePlain64(Ring + (8 * ((_used + _staged) & _mask)), head | ((ulong)writtenBytes << 32));
        _inFlight?.Complete(head);
        _staged++;
    }

    public override void Publish()
    {
        if (_staged == 0) return;
        _used += _staged;
        _staged = 0;
        // ORDER: release; frames and used entries are visible before the index moves.  PAIRS WITH: virtqueue_get_buf() in the driver.
        _device.WriteRelease16(Index, _used);
        _inFlight?.Publish(_used);
    }

    public override bool TakeNotice()
    {
        if (_used == _noticed && !_noticeAlways) return false;
        (ushort before, ushort now) = (_noticed, _used);
        _noticed = now;
        // ORDER: full; the driver stores its wish and then looks at the index, we store the index and then look at its wish. Release and acquire alone would let both look first.
        Interlocked.MemoryBarrier();
        if (_noticeAlways)
        {
            _noticeAlways = false;
            return true;
        }
        return HasEventIndex
            ? NeedsEvent(_driver.ReadAcquire16(Ring + (2 * Size)), now, before)
            : (_driver.ReadAcquire16(Flags) & NoInterrupt) == 0;
    }

    public override void DisableKicks()
    {
        // With event indices the old wish, once passed, asks for nothing for 65,535 buffers.
        if (!HasEventIndex) _device.WriteRelease16(Flags, NoNotify);
    }

    public override bool EnableKicks()
    {
        if (HasEventIndex) _device.WriteRelease16(Ring + (8 * Size), _seen);
        else _device.WriteRelease16(Flags, 0);
        // ORDER: full; see TakeNotice.  PAIRS WITH: virtqueue_kick_prepare() in the driver.
        Interlocked.MemoryBarrier();
        return _driver.ReadAcquire16(Index) != _seen;
    }

    // ORDER: acquire; what the driver wrote before it moved the index is visible.  PAIRS WITH: the driver's release of avail.idx.
    private bool See()
    {
        ushort seen = _driver.ReadAcquire16(Index);
        if (seen == _next) return false;
        if ((ushort)(seen - _next) > Size) return Fail(RingFault.IndexJumped);
        _seen = seen;
        return true;
    }

    // The second word of a descriptor: length (4), flags (2), next (2).
    private static bool IsAlone(ulong rest) => (rest & ((ulong)(Descriptor.HasNext | Descriptor.IsTable) << 32)) == 0;

    private static bool IsWritable(ulong rest) => (rest & ((ulong)Descriptor.IsWritable << 32)) != 0;

    private RingFault Walk(Descriptor descriptor, ChainBuffers buffers, out uint readable, out uint writable)
    {
        readable = writable = 0;
        ReadOnlySpan<byte> table = _descriptors.Bytes;
        int count = Size, left = Size - 1;
        bool isInTable = false;
        while (true)
        {
            int index = descriptor.Next;
            if ((descriptor.Flags & Descriptor.IsTable) != 0)
            {
                if (isInTable) return RingFault.IndirectNested;
                if (FindTable(descriptor.Address, descriptor.Length, descriptor.Flags, out Span<byte> found) is not RingFault.None and var wrong) return wrong;
                table = found;
                (count, index, isInTable) = (found.Length / Descriptor.Bytes, 0, true);
                left = count;
            }
            else
            {
                if (Add(descriptor.Address, descriptor.Length, descriptor.Flags, buffers, ref readable, ref writable) is not RingFault.None and var fault) return fault;
                if ((descriptor.Flags & Descriptor.HasNext) == 0) return RingFault.None;
            }
            if (index >= count) return RingFault.NoSuchDescriptor;
            if (left-- == 0) return RingFault.ChainTooLong;
            descriptor = Descriptor.Read(table, index);
        }
    }
}
