// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Switching;

/// <summary>What is kept about a packed ring's buffers in the region that outlives this process.</summary>
/// <remarks>
/// Source: vhost-user, "Inflight I/O tracking", QueueRegionPacked and DescStatePacked.
/// <code>
/// queue   0: features (8) | 8: version = 1 (2) | 10: size (2) | 12: free head (2) | 14: old free head (2) | 16: used (2) | 18: old used (2)
///         20: used wrap (1) | 21: old used wrap (1) | 32: one entry per descriptor
/// entry   0: in flight (1) | 2: next free (2) | 4: last of its list (2) | 6: length of its list (2) | 8: counter (8) | 16: id (2) | 18: flags (2) | 20: length (4) | 24: address (8)
/// </code>
/// Ours is an in-order device: the entries in use are one run, from the oldest on. Giving a buffer back overwrites its descriptor's length and id, so a batch that a death
/// left half written must be put back as the driver wrote it before it can be taken again; that is what the copies are for.
/// </remarks>
internal sealed class PackedInFlight(RingArea area, int size, Action step)
{
    public const int HeaderBytes = 32, EntryBytes = 32;
    private const int Version = 8, Count = 10, FreeHead = 12, OldFreeHead = 14, UsedAt = 16, OldUsedAt = 18, UsedWrap = 20, OldUsedWrap = 21, Entries = 32;
    private const int NextFree = 2, Last = 4, Length = 6, Counter = 8, Copy = 16;
    private readonly Queue<(int First, int Last)> _taken = new(size), _completed = new(size);
    private ulong _counter;

    /// <summary>Finds where the ring stands after a death, and undoes a batch that was not shown whole.</summary>
    /// <returns>The used position: everything from there on is to be taken again.</returns>
    public (int Used, bool Wrap) Recover(RingArea ring, int used, bool wrap)
    {
        SharedView view = area.View;
        if (view.ReadAcquire16(Version) == 1 && view.ReadAcquire16(Count) == size && view.ReadAcquire16(OldUsedAt) < size && view.ReadAcquire16(UsedAt) < size)
        {
            (used, wrap) = (view.ReadAcquire16(OldUsedAt), Byte(OldUsedWrap));
            ushort flags = (ushort)(ring.View.ReadAcquire64((used * Descriptor.Bytes) + 8) >> 48);
            bool isUsed = ((flags & Descriptor.Available) != 0) == wrap && ((flags & Descriptor.Used) != 0) == wrap;
            bool wasMoving = view.ReadAcquire16(UsedAt) != used || Byte(UsedWrap) != wrap;
            // Shown: all that was overwritten lies before the new position. Not shown: its descriptors may be overwritten, but for the first.
            if (wasMoving && isUsed) (used, wrap) = (view.ReadAcquire16(UsedAt), Byte(UsedWrap));
            else Restore(ring, used);
        }
        Format(used, wrap);
        return (used, wrap);
    }

    public void Take(RingArea ring, int position, int descriptors)
    {
        SharedView view = area.View;
        int first = view.ReadAcquire16(OldFreeHead) % size, at = first, last = first;
        Span<byte> descriptor = stackalloc byte[Descriptor.Bytes];
        for (int i = 0; i < descriptors; i++)
        {
            ring.View.CopyOut((position + i) % size * Descriptor.Bytes, descriptor);
            view.CopyIn(At(at) + Copy, descriptor[12..16]);          // id and flags
            view.CopyIn(At(at) + Copy + 4, descriptor[8..12]);       // length
            view.CopyIn(At(at) + Copy + 8, descriptor[..8]);         // address
            last = at;
            at = view.ReadAcquire16(At(at) + NextFree) % size;
        }
        view.WriteRelease16(At(first) + Last, (ushort)last);
        view.WriteRelease16(At(first) + Length, (ushort)descriptors);
        view.WriteRelease64(At(first) + Counter, ++_counter);
        step();
        SetByte(At(first), true);
        step();
        view.WriteRelease16(FreeHead, (ushort)at);
        view.WriteRelease16(OldFreeHead, (ushort)at);
        step();
        _taken.Enqueue((first, last));
    }

    public void PutBack()
    {
        for (int left = _taken.Count - 1; left > 0; left--) _taken.Enqueue(_taken.Dequeue());   // to the youngest
        (int first, _) = _taken.Dequeue();
        SetByte(At(first), false);
        area.View.WriteRelease16(FreeHead, (ushort)first);
        area.View.WriteRelease16(OldFreeHead, (ushort)first);
    }

    public void Complete()
    {
        step();
        _completed.Enqueue(_taken.Dequeue());
    }

    public void BeforePublish(int used, bool wrap)
    {
        SharedView view = area.View;
        SetPositions(used, wrap, view.ReadAcquire16(OldUsedAt), Byte(OldUsedWrap));
        step();
    }

    public void AfterPublish(int used, bool wrap)
    {
        step();
        SharedView view = area.View;
        while (_completed.TryDequeue(out (int First, int Last) done))
        {
            view.WriteRelease16(At(done.Last) + NextFree, view.ReadAcquire16(FreeHead));
            view.WriteRelease16(FreeHead, (ushort)done.First);
            SetByte(At(done.First), false);
        }
        view.WriteRelease16(OldFreeHead, view.ReadAcquire16(FreeHead));
        step();
        SetPositions(used, wrap, used, wrap);
        step();
    }

    // All four in one store: a death leaves the old positions or the new ones.
    private void SetPositions(int used, bool wrap, int oldUsed, bool oldWrap) =>
        area.View.WriteRelease64(UsedAt, (uint)used | ((ulong)(uint)oldUsed << 16) | (wrap ? 1UL << 32 : 0) | (oldWrap ? 1UL << 40 : 0));

    // Puts the copies of what was in flight back into the ring, oldest first, from the used position on.
    private void Restore(RingArea ring, int used)
    {
        SharedView view = area.View;
        var heads = new List<(ulong Counter, int Entry)>();
        for (int i = 0; i < size; i++)
            if (Byte(At(i))) heads.Add((view.ReadAcquire64(At(i) + Counter), i));
        heads.Sort();
        int position = used, left = size;
        Span<byte> copy = stackalloc byte[Descriptor.Bytes];
        foreach ((_, int head) in heads)
        {
            int at = head;
            for (int count = Math.Min(view.ReadAcquire16(At(head) + Length), left); count > 0; count--, left--)
            {
                view.CopyOut(At(at) + Copy, copy);
                ulong word = BitConverter.ToUInt32(copy[4..]) | ((ulong)BitConverter.ToUInt32(copy) << 32);
                ring.View.WriteRelease64((position * Descriptor.Bytes) + 8, word);
                position = (position + 1) % size;
                at = view.ReadAcquire16(At(at) + NextFree) % size;
            }
        }
    }

    private void Format(int used, bool wrap)
    {
        SharedView view = area.View;
        view.Clear(0, HeaderBytes + (size * EntryBytes));
        view.WriteRelease16(Count, (ushort)size);
        for (int i = 0; i < size; i++) view.WriteRelease16(At(i) + NextFree, (ushort)((i + 1) % size));
        SetPositions(used, wrap, used, wrap);
        view.WriteRelease16(Version, 1);
    }

    private bool Byte(int at)
    {
        Span<byte> one = stackalloc byte[1];
        area.View.CopyOut(at, one);
        return one[0] != 0;
    }

    private void SetByte(int at, bool value) => area.View.CopyIn(at, [value ? (byte)1 : (byte)0]);

    private static int At(int entry) => Entries + (entry * EntryBytes);
}
