// SPDX-License-Identifier: MIT
namespace Tombolo.TestPeers;

/// <summary>What one descriptor of a script points to.</summary>
public readonly record struct ScriptedBuffer(ulong Address, uint Length, bool IsWritable = false);

/// <summary>A driver's side of one virtqueue in scripted memory: it does what it is told, right or wrong. Source: virtio 1.1, 2.6 and 2.7.</summary>
public abstract class ScriptedRing
{
    protected ScriptedRing(ScriptedMemory memory, ulong at, int size, bool hasEventIndex)
    {
        (Memory, Size, HasEventIndex, Descriptors) = (memory, size, hasEventIndex, at);
    }

    /// <summary>How many bytes a ring of a size takes, wherever it is put; its start must be aligned to 16.</summary>
    public static ulong BytesFor(int size) => (ulong)((16 * size) + Aligned(6 + (2 * size)) + Aligned(6 + (8 * size)));

    public ScriptedMemory Memory { get; }
    public int Size { get; }
    public bool HasEventIndex { get; }
    /// <summary>Guest address of the descriptors.</summary>
    public ulong Descriptors { get; }
    /// <summary>Guest address of the driver's area.</summary>
    public abstract ulong Driver { get; }
    /// <summary>Guest address of the device's area.</summary>
    public abstract ulong Device { get; }
    /// <summary>How many buffers the device has.</summary>
    public abstract int Outstanding { get; }

    /// <summary>Makes a buffer available.</summary>
    /// <param name="buffers">Its descriptors.</param>
    /// <param name="table">Where to put them instead of into the ring, as a table; 0 for the ring.</param>
    /// <param name="isShown">False: prepared, but shown only with the next one that is.</param>
    /// <returns>The buffer's id; -1 where the ring is full.</returns>
    public abstract int Post(ReadOnlySpan<ScriptedBuffer> buffers, ulong table = 0, bool isShown = true);

    /// <summary>Takes a buffer that the device gave back.</summary>
    public abstract bool TryGetUsed(out ushort id, out uint length);

    /// <summary>Whether the device wants a kick for what was shown since the last call.</summary>
    public abstract bool NeedsKick();

    /// <summary>Says whether the device shall wake us: at the next buffer, or never.</summary>
    public abstract void WantNotice(bool wanted);

    protected static int Aligned(int bytes) => (bytes + 15) & ~15;

    protected static bool NeedsEvent(ushort wanted, ushort now, ushort before) => (ushort)(now - wanted - 1) < (ushort)(now - before);
}
