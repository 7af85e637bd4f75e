// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Switching;

/// <summary>What is kept about a split ring's buffers in the region that outlives this process.</summary>
/// <remarks>
/// Source: vhost-user, "Inflight I/O tracking", QueueRegionSplit and DescStateSplit.
/// <code>
/// queue   0: features (8) | 8: version = 1 (2) | 10: size (2) | 12: last batch's head (2) | 14: used index (2) | 16: one entry per descriptor
/// entry   0: in flight (1) | 6: next of the batch (2) | 8: counter (8)
/// </code>
/// Our device takes and returns buffers in order, so it needs none of this to find its work again (see <see cref="SplitRing"/>); it is kept for whoever serves the ring next.
/// The region is another party's too: what is read from it is bounded, and nothing else depends on it.
/// </remarks>
internal sealed class SplitInFlight(RingArea area, int size, Action step)
{
    public const int HeaderBytes = 16, EntryBytes = 16;
    private const int Version = 8, Count = 10, BatchHead = 12, UsedIndex = 14, Entries = 16, Next = 6, Counter = 8;
    private readonly ushort[] _batch = new ushort[size];
    private int _batchCount;
    private ulong _counter;

    /// <summary>Puts what a dead device left in order: the last batch was shown, but perhaps not yet struck out.</summary>
    public void Recover(ushort used)
    {
        SharedView view = area.View;
        if (view.ReadAcquire16(Version) != 1 || view.ReadAcquire16(Count) != size)
        {
            view.Clear(0, HeaderBytes + (size * EntryBytes));
            view.WriteRelease16(Count, (ushort)size);
            view.WriteRelease16(UsedIndex, used);
            view.WriteRelease16(Version, 1);
            return;
        }
        // In order: everything taken and not given back is taken again at once, so that no entry stays marked.
        for (int i = 0; i < size; i++)
        {
            _counter = Math.Max(_counter, view.ReadAcquire64(At(i) + Counter));
            SetInFlight(i, false);
        }
        view.WriteRelease16(UsedIndex, used);
    }

    public void Take(ushort head)
    {
        area.View.WriteRelease64(At(head) + Counter, ++_counter);
        step();
        SetInFlight(head, true);
        step();
    }

    public void PutBack(ushort head) => SetInFlight(head, false);

    public void Complete(ushort head)
    {
        step();
        SharedView view = area.View;
        view.WriteRelease16(At(head) + Next, view.ReadAcquire16(BatchHead));
        step();
        view.WriteRelease16(BatchHead, head);
        _batch[_batchCount++ % size] = head;
        step();
    }

    public void Publish(ushort used)
    {
        step();
        for (int i = 0; i < Math.Min(_batchCount, size); i++) SetInFlight(_batch[i], false);
        _batchCount = 0;
        step();
        area.View.WriteRelease16(UsedIndex, used);
        step();
    }

    private void SetInFlight(int entry, bool value) => area.View.CopyIn(At(entry), [value ? (byte)1 : (byte)0]);

    private static int At(int entry) => Entries + (entry * EntryBytes);
}
