// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>A packed ring: one ring of descriptors that driver and device write in turn; two bits in each say whose turn it is.</summary>
/// <remarks>
/// Source: virtio 1.1, 2.7.
/// <code>
/// descriptor   0: address (8) | 8: length (4) | 12: buffer id (2) | 14: flags (2)
/// event area   0: offset, bit 15 wrap counter (2) | 2: flags (2): 0 wake, 1 do not, 2 at that offset
/// </code>
/// Length, id and flags are one aligned word, so that giving a buffer back is one store that is there whole or not at all.
/// </remarks>
internal sealed class PackedRing : Virtqueue
{
    public const int EventBytes = 4;
    private const int WakeAlways = 0, WakeNever = 1, WakeAtOffset = 2;    // RING_EVENT_FLAGS_ENABLE, _DISABLE, _DESC
    private const int Wrap = 0x8000;
    private readonly RingArea _ring, _driver, _device;
    private readonly PackedInFlight? _inFlight;
    private int _next, _seen, _used, _completed;
    private bool _nextWrap, _seenWrap, _usedWrap, _noticeAlways = true;
    private int _firstAt = -1;
    private ulong _firstWord;

    public PackedRing(GuestMemory memory, in RingSetup setup, in RingAreas areas) : base(memory, setup)
    {
        (_ring, _driver, _device) = (areas.Descriptors, areas.Driver, areas.Device);
        // As for a split ring: what was taken and not given back is taken again.
        _used = (int)(setup.Base >> 16) & 0x7fff;
        _usedWrap = (setup.Base >> 31) != 0;
        if (areas.InFlight is { } inFlight)
        {
            _inFlight = new(inFlight, setup.Size, areas.Step);
            (_used, _usedWrap) = _inFlight.Recover(_ring, _used, _usedWrap);
        }
        (_next, _nextWrap) = (_seen, _seenWrap) = (_used, _usedWrap);
    }

    public override uint Position => (uint)(_next | (_nextWrap ? Wrap : 0) | ((_used | (_usedWrap ? Wrap : 0)) << 16));

    public override bool HasWork => IsAvailable(FlagsOf(WordAt(_next)), _nextWrap);

    public override bool TryTake(ChainBuffers buffers, out Chain chain)
    {
        chain = default;
        if (Fault != RingFault.None) return false;
        // ORDER: acquire; the driver writes the first descriptor's flags last, so all of the chain is there.  PAIRS WITH: the driver's release of those flags.
        ulong word = WordAt(_next);
        if (!IsAvailable(FlagsOf(word), _nextWrap))
        {
            (_seen, _seenWrap) = (_next, _nextWrap);
            return false;
        }
        int readable = buffers.ReadableCount, writable = buffers.WritableCount;
        RingFault fault = Walk(word, buffers, out chain);
        if (fault != RingFault.None)
        {
            buffers.CutTo(readable, writable);
            return Fail(fault);
        }
        _inFlight?.Take(_ring, _next, chain.Descriptors);
        Move(ref _next, ref _nextWrap, chain.Descriptors);
        (_seen, _seenWrap) = (_next, _nextWrap);
        return true;
    }

    // The descriptors are the ring: the processor sees by itself that it is read in order.
    internal override int Expect(int most) => HasWork ? 1 : 0;

    internal override bool TryTakeRoom(int bytes, out ushort id, out nint at)
    {
        (id, at) = (0, 0);
        ulong word = WordAt(_next);   // ORDER: as in TryTake
        if (Fault != RingFault.None || !IsAvailable(FlagsOf(word), _nextWrap)) return false;
        const ushort Kind = Descriptor.HasNext | Descriptor.IsTable | Descriptor.IsWritable;
        if ((FlagsOf(word) & Kind) != Descriptor.IsWritable || (uint)word < (uint)bytes || !TryTranslate(_ring.ReadAcquire64(_next * Descriptor.Bytes), (uint)word, out at)) return false;
        _inFlight?.Take(_ring, _next, 1);
        Move(ref _next, ref _nextWrap, 1);
        (_seen, _seenWrap) = (_next, _nextWrap);
        id = (ushort)(word >> 32);
        return true;
    }

    public override void PutBack(in Chain chain)
    {
        _inFlight?.PutBack();
        _next -= chain.Descriptors;
        if (_next >= 0) return;
        _next += Size;
        _nextWrap = !_nextWrap;
    }

    public override void Complete(in Chain chain, uint writtenBytes)
    {
        ulong flags = (_usedWrap ? (uint)(Descriptor.Available | Descriptor.Used) : 0) | (chain.WritableBytes > 0 ? Descriptor.IsWritable : 0u);
        ulong word = writtenBytes | ((ulong)chain.Id << 32) | (flags << 48);
        if (_firstAt < 0) (_firstAt, _firstWord) = (_used, word);   // shown last, so that the driver sees the whole batch or nothing
        else _ring.WriteRelease64((_used * Descriptor.Bytes) + 8, word);
        Move(ref _used, ref _usedWrap, chain.Descriptors);
        _completed += chain.Descriptors;
        _inFlight?.Complete();
    }

    public override void Complete(ReadOnlySpan<Chain> chains)
    {
        foreach (ref readonly Chain chain in chains) Complete(chain, 0);
    }

    internal override void CompleteRoom(ushort id, int writtenBytes) => Complete(new(id, 1, 0, writtenBytes), (uint)writtenBytes);

    public override void Publish()
    {
        if (_firstAt < 0) return;
        _inFlight?.BeforePublish(_used, _usedWrap);
        // ORDER: release; frames and the batch's other descriptors are visible before its first.  PAIRS WITH: virtqueue_get_buf() in the driver.
        _ring.WriteRelease64((_firstAt * Descriptor.Bytes) + 8, _firstWord);
        _firstAt = -1;
        _inFlight?.AfterPublish(_used, _usedWrap);
    }

    public override bool TakeNotice()
    {
        if (_completed == 0 && !_noticeAlways) return false;
        int completed = _completed;
        _completed = 0;
        // ORDER: full; the driver stores its wish and then looks at the ring, we store into the ring and then look at its wish.
        Interlocked.MemoryBarrier();
        if (_noticeAlways)
        {
            _noticeAlways = false;
            return true;
        }
        uint wish = _driver.View.ReadAcquire32(0);
        if (((wish >> 16) & 3) != WakeAtOffset) return ((wish >> 16) & 3) != WakeNever;
        int offset = (int)(wish & 0x7fff);
        if (((wish & Wrap) != 0) != _usedWrap) offset -= Size;
        return NeedsEvent((ushort)offset, (ushort)_used, (ushort)(_used - completed));
    }

    public override void DisableKicks() => _device.View.WriteRelease32(0, WakeNever << 16);

    public override bool EnableKicks()
    {
        uint offset = (uint)(_seen | (_seenWrap ? Wrap : 0));
        _device.View.WriteRelease32(0, HasEventIndex ? offset | (WakeAtOffset << 16) : WakeAlways << 16);
        // ORDER: full; see TakeNotice.  PAIRS WITH: virtqueue_kick_prepare() in the driver.
        Interlocked.MemoryBarrier();
        return IsAvailable(FlagsOf(WordAt(_seen)), _seenWrap);
    }

    private ulong WordAt(int position) => _ring.ReadAcquire64((position * Descriptor.Bytes) + 8);

    private static ushort FlagsOf(ulong word) => (ushort)(word >> 48);

    private static bool IsAvailable(ushort flags, bool wrap) => ((flags & Descriptor.Available) != 0) == wrap && ((flags & Descriptor.Used) != 0) != wrap;

    private void Move(ref int position, ref bool wrap, int by)
    {
        position += by;
        if (position < Size) return;
        position -= Size;
        wrap = !wrap;
    }

    private RingFault Walk(ulong word, ChainBuffers buffers, out Chain chain)
    {
        chain = default;
        uint readable = 0, writable = 0;
        int at = _next;
        for (int count = 1; ; count++)
        {
            ulong address = _ring.ReadAcquire64(at * Descriptor.Bytes);
            ushort flags = FlagsOf(word);
            RingFault fault;
            if ((flags & Descriptor.IsTable) == 0) fault = Add(address, (uint)word, flags, buffers, ref readable, ref writable);
            else fault = count > 1 ? RingFault.IndirectNested : WalkTable(address, (uint)word, flags, buffers, ref readable, ref writable);
            if (fault != RingFault.None) return fault;
            if ((flags & Descriptor.HasNext) == 0)
            {
                chain = new((ushort)(word >> 32), (ushort)count, (int)readable, (int)writable);
                return RingFault.None;
            }
            if (count == Size) return RingFault.ChainTooLong;
            if (++at == Size) at = 0;
            word = WordAt(at);
        }
    }

    // All of a packed table's descriptors belong to the chain, in order: 2.7.7.
    private RingFault WalkTable(ulong address, uint length, ushort flags, ChainBuffers buffers, ref uint readable, ref uint writable)
    {
        RingFault fault = FindTable(address, length, flags, out Span<byte> table);
        for (int i = 0; fault == RingFault.None && i < table.Length / Descriptor.Bytes; i++)
        {
            Descriptor entry = Descriptor.Read(table, i);   // a packed descriptor's flags stand where a split one's "next" does
            fault = (entry.Next & Descriptor.IsTable) != 0 ? RingFault.IndirectNested : Add(entry.Address, entry.Length, entry.Next, buffers, ref readable, ref writable);
        }
        return fault;
    }
}
