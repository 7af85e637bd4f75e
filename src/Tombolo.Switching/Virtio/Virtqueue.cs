// SPDX-License-Identifier: MIT
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Tombolo.Switching;

/// <summary>The device's side of one virtqueue: takes the buffers that a driver makes available, and gives them back, in order.</summary>
/// <remarks>
/// Theory of operation. <see cref="TryTake"/> copies each descriptor once and judges the copy; <see cref="Complete(in Chain, uint)"/> stages what goes back and <see cref="Publish"/>
/// shows all of it to the driver at once, so that a batch costs one visible store. Buffers go back in the order in which they were taken, which makes a dead device's work
/// recoverable: everything from the used index on is simply taken again. A ring whose driver lies has a <see cref="Fault"/> from then on and gives nothing more.
/// Every loop is bounded by our own numbers, and no method allocates. Not thread-safe: whoever uses it holds its gate.
/// Source: virtio 1.1, 2.6 and 2.7.
/// </remarks>
public abstract class Virtqueue
{
    private readonly GuestMemory _memory;
    private readonly bool _tables;
    private int _hint;
    private MemoryWindow _window;

    private protected Virtqueue(GuestMemory memory, in RingSetup setup)
    {
        _memory = memory;
        _tables = setup.Has(VirtioFeatures.IndirectDescriptors);
        Size = setup.Size;
        HasEventIndex = setup.Has(VirtioFeatures.EventIndex);
    }

    /// <summary>Descriptors in the ring.</summary>
    public int Size { get; }

    /// <summary>What the driver did wrong; the ring is dead once this is set.</summary>
    public RingFault Fault { get; private set; }

    /// <summary>Where the ring stands, as GET_VRING_BASE answers and <see cref="RingSetup.Base"/> takes it.</summary>
    public abstract uint Position { get; }

    /// <summary>Whether the driver has made something available that was not taken yet.</summary>
    public abstract bool HasWork { get; }

    private protected bool HasEventIndex { get; }

    /// <summary>Makes a ring.</summary>
    /// <param name="memory">Where it lies, and its buffers.</param>
    /// <param name="setup">What it is made of.</param>
    /// <param name="queue">The ring.</param>
    /// <param name="problem">Why there is none, in a sentence.</param>
    /// <returns>False where the setup cannot be.</returns>
    public static bool TryCreate(GuestMemory memory, in RingSetup setup, [NotNullWhen(true)] out Virtqueue? queue, [NotNullWhen(false)] out string? problem) =>
        TryCreate(memory, setup, null, static () => { }, out queue, out problem);

    /// <summary>As above, with what is kept beyond our death, and a hook before and after every store to it. For tests that kill the device at each of them.</summary>
    internal static bool TryCreate(GuestMemory memory, in RingSetup setup, RingArea? inFlight, Action step, [NotNullWhen(true)] out Virtqueue? queue, [NotNullWhen(false)] out string? problem)
    {
        queue = null;
        problem = setup.Problem();
        if (problem is not null) return false;
        bool isPacked = setup.Has(VirtioFeatures.RingPacked), hasEvents = setup.Has(VirtioFeatures.EventIndex);
        int driverBytes = isPacked ? PackedRing.EventBytes : SplitRing.DriverBytes(setup.Size, hasEvents);
        int deviceBytes = isPacked ? PackedRing.EventBytes : SplitRing.DeviceBytes(setup.Size, hasEvents);
        if (!memory.TryTranslate(setup.Descriptors, setup.Size * Descriptor.Bytes, out GuestBuffer descriptors)) problem = Outside("descriptors", setup.Descriptors, setup.Size * Descriptor.Bytes);
        else if (!memory.TryTranslate(setup.Driver, driverBytes, out GuestBuffer driver)) problem = Outside("driver's area", setup.Driver, driverBytes);
        else if (!memory.TryTranslate(setup.Device, deviceBytes, out GuestBuffer device)) problem = Outside("device's area", setup.Device, deviceBytes);
        else
        {
            var areas = new RingAreas(new(descriptors), new(driver), new(device), inFlight, step);
            queue = isPacked ? new PackedRing(memory, setup, areas) : new SplitRing(memory, setup, areas);
        }
        return queue is not null;
    }

    /// <summary>Takes the next buffer, if there is one.</summary>
    /// <param name="buffers">Receives what its descriptors point to, after what is in there already.</param>
    /// <param name="chain">The buffer.</param>
    /// <returns>False where nothing is available, or the driver lied: then <see cref="Fault"/> says how.</returns>
    public abstract bool TryTake(ChainBuffers buffers, out Chain chain);

    /// <summary>Has the processor fetch what says where the next buffers are, for as many as are there: one after another, each would be waited for.</summary>
    /// <param name="most">For how many at most.</param>
    /// <returns>How many are there, as far as a look tells; 0 says nothing.</returns>
    internal abstract int Expect(int most);

    /// <summary>Takes the next buffer if it is the simplest there is: one descriptor for the device to write to, of at least so many bytes, in the region of the one before.</summary>
    /// <param name="bytes">How many bytes, more than 0.</param>
    /// <param name="id">What names it.</param>
    /// <param name="at">Where they are; the driver may change them at any moment.</param>
    /// <returns>False where there is no such buffer: nothing has happened then, and <see cref="TryTake"/> finds out why.</returns>
    internal abstract bool TryTakeRoom(int bytes, out ushort id, out nint at);

    /// <summary>Undoes the last <see cref="TryTake"/> that was neither completed nor put back.</summary>
    /// <param name="chain">What it gave.</param>
    public abstract void PutBack(in Chain chain);

    /// <summary>Gives a buffer back; the driver sees it after <see cref="Publish"/>. In the order in which they were taken.</summary>
    /// <param name="chain">The oldest buffer that is not completed yet.</param>
    /// <param name="writtenBytes">How many bytes were written into it.</param>
    public abstract void Complete(in Chain chain, uint writtenBytes);

    /// <summary>Gives back buffers into which nothing was written, as <see cref="Complete(in Chain, uint)"/> does.</summary>
    /// <param name="chains">The oldest buffers that are not completed yet.</param>
    public abstract void Complete(ReadOnlySpan<Chain> chains);

    /// <summary>Gives back what <see cref="TryTakeRoom"/> took.</summary>
    internal abstract void CompleteRoom(ushort id, int writtenBytes);

    /// <summary>Shows the driver all that was completed, at once.</summary>
    public abstract void Publish();

    /// <summary>Whether the driver wants to be woken for what was published since the last call.</summary>
    public abstract bool TakeNotice();

    /// <summary>Tells the driver that it need not kick.</summary>
    public abstract void DisableKicks();

    /// <summary>Asks the driver to kick when it makes more available than the last <see cref="TryTake"/> saw, be that nothing or too little.</summary>
    /// <returns>True where it did so in the meantime: nobody will kick for that.</returns>
    public abstract bool EnableKicks();

    /// <summary>Declares the driver a liar for what only the device's kind can judge.</summary>
    /// <param name="fault">What it did.</param>
    public void Reject(RingFault fault) => Fault = fault;

    private protected bool Fail(RingFault fault)
    {
        Fault = fault;
        return false;
    }

    /// <summary>Puts the bytes of a chain's only descriptor into the list, if they lie where the last ones did. False says nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected bool TryAdd(ulong address, uint length, bool isWritable, ChainBuffers buffers) =>
        _window.TryTranslate(address, length, out nint at) && buffers.TryAdd(at, (int)length, isWritable);

    /// <summary>Where bytes are, if they lie where the last ones did. False says nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected bool TryTranslate(ulong address, uint length, out nint at) => _window.TryTranslate(address, length, out at);

    /// <summary>Puts a descriptor's bytes, checked, into the list.</summary>
    private protected RingFault Add(ulong address, uint length, ushort flags, ChainBuffers buffers, ref uint readable, ref uint writable)
    {
        if (length == 0) return RingFault.None;
        if (address > ulong.MaxValue - length) return RingFault.OutsideMemory;
        bool isWritable = (flags & Descriptor.IsWritable) != 0;
        if (!isWritable && writable > 0) return RingFault.ReadAfterWrite;
        ref uint sum = ref isWritable ? ref writable : ref readable;
        if (length > int.MaxValue - sum) return RingFault.TooManyBytes;
        sum += length;
        if (TryAdd(address, length, isWritable, buffers)) return RingFault.None;
        while (length > 0)   // once, but where a run of guest memory lies in two regions
        {
            if (!_memory.TryTranslate(new GuestAddress(address), length, ref _hint, out GuestBuffer buffer)) return RingFault.OutsideMemory;
            if (!buffers.TryAdd(buffer, isWritable)) return RingFault.ChainTooLong;
            address += (uint)buffer.Length;
            length -= (uint)buffer.Length;
        }
        _window = _memory.Regions[_hint].Window;
        return RingFault.None;
    }

    /// <summary>Finds the table that a descriptor points to.</summary>
    private protected RingFault FindTable(ulong address, uint length, ushort flags, out Span<byte> table)
    {
        table = default;
        if (!_tables) return RingFault.IndirectNotAgreed;
        if ((flags & Descriptor.HasNext) != 0) return RingFault.IndirectNested;
        if (length == 0 || length % Descriptor.Bytes != 0 || length / Descriptor.Bytes > ChainBuffers.MaxPieces) return RingFault.IndirectLength;
        if (address > ulong.MaxValue - length || !_memory.TryTranslate(new GuestAddress(address), length, ref _hint, out GuestBuffer buffer) || buffer.Length != length) return RingFault.OutsideMemory;
        table = buffer.Bytes;
        return RingFault.None;
    }

    /// <summary>Whether an index that the other side wants to hear of was passed. Source: virtio 1.1, 2.6.7.1, vring_need_event.</summary>
    private protected static bool NeedsEvent(ushort wanted, ushort now, ushort before) => (ushort)(now - wanted - 1) < (ushort)(now - before);

    /// <summary>How many bytes of the region that outlives us one ring takes.</summary>
    internal static int InFlightBytes(int size, bool isPacked) =>
        isPacked ? PackedInFlight.HeaderBytes + (size * PackedInFlight.EntryBytes) : SplitInFlight.HeaderBytes + (size * SplitInFlight.EntryBytes);

    private static string Outside(string what, UserAddress address, int bytes) => $"The ring's {what}, {bytes} bytes at {address}, are not within one region of the guest's memory.";
}
