// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>What moving bytes came to.</summary>
internal enum Transfer
{
    /// <summary>Some moved.</summary>
    Moved,
    /// <summary>None can be moved now.</summary>
    Waits,
    /// <summary>The other side is gone, or broke the protocol.</summary>
    Gone,
}

/// <summary>A caller with a slot of the server's memory. Its input and output are there; so is how far it got.</summary>
/// <remarks>
/// Theory of operation. Pull puts bytes behind what was received; the loop takes whole messages from the front; replies and events are put behind what was produced, where they do not count
/// until the request is committed; Push takes committed bytes away. All counters only grow (and wrap); when a buffer is empty, its origin moves to the counter, so that it begins at its start again.
/// </remarks>
internal abstract class Connection : StoreSession
{
    private readonly int _mostEvents;
    private readonly byte[] _message = new byte[MessageBytes];
    private uint _produced;
    private int _events;

    protected Connection(StoreMemory memory, int slot, DomainId domain, int mostEvents) : base(domain)
    {
        (Memory, Slot, _mostEvents) = (memory, slot, mostEvents);
        (Consumed, _produced) = Split(memory[slot].Progress);
        Number = memory[slot].Connection;
    }

    public StoreMemory Memory { get; }

    public int Slot { get; }

    /// <summary>A number that no other connection has or had.</summary>
    public ulong Number { get; }

    /// <summary>What epoll reports it as.</summary>
    public ulong Token { get; set; }

    public bool IsClosed { get; set; }

    /// <summary>In the loop's list of those with something new to send.</summary>
    public bool IsDirty { get; set; }

    /// <summary>In the loop's list of those touched by the request under way.</summary>
    public bool IsTouched { get; set; }

    /// <summary>In the loop's queue of those with more requests to work on.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The other side takes no more for now.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>Told when something is produced.</summary>
    public Action<Connection>? Touched { get; set; }

    protected uint Consumed { get; private set; }

    /// <summary>What would be committed now.</summary>
    public ulong Progress => Consumed | ((ulong)_produced << 32);

    /// <summary>Committed bytes that wait to be sent.</summary>
    public int Unsent => (int)(uint)((Memory[Slot].Progress >> 32) - Memory[Slot].Sent);

    /// <summary>Whether a request can be answered: there is room for the longest reply.</summary>
    public bool HasRoom => StoreMemory.OutBytes - OutEnd >= MessageBytes;

    /// <summary>The descriptor that says when there is something to pull, borrowed.</summary>
    public abstract SafeFd Descriptor { get; }

    /// <summary>Gets bytes from the other side.</summary>
    public abstract Transfer Pull();

    /// <summary>Gives bytes to the other side.</summary>
    public abstract Transfer Push();

    /// <summary>Closes what it holds.</summary>
    public abstract void Close();

    /// <summary>The next whole message, a copy that nobody else can change.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="payload">Its payload; valid until the next call.</param>
    /// <param name="fault">A header that no message can follow: the session is over.</param>
    public bool TryTake(out StoreHeader header, out ReadOnlySpan<byte> payload, out bool fault)
    {
        fault = false;
        payload = default;
        ref Slot slot = ref Memory[Slot];
        int start = (int)(Consumed - slot.InOrigin), length = (int)(slot.Received - Consumed);
        ReadOnlySpan<byte> bytes = Memory.In(Slot).Slice(start, length);
        if (!StoreHeader.TryRead(bytes, out header)) return false;
        if (header.Length > StoreHeader.MaxPayload)
        {
            fault = true;
            return false;
        }
        int whole = StoreHeader.Size + (int)header.Length;
        if (length < whole) return false;
        bytes[StoreHeader.Size..whole].CopyTo(_message);
        payload = _message.AsSpan(0, (int)header.Length);
        Consumed += (uint)whole;
        return true;
    }

    /// <summary>The request is committed, if nothing but this connection was touched.</summary>
    public void CommitAlone() => Volatile.Write(ref Memory[Slot].Progress, Progress);

    /// <summary>Flags that a successor has to know.</summary>
    public void SaveFlags() => Memory[Slot].Flags = (HasOverdue ? 1u : 0) | (WantsDetails ? 2u : 0);

    public sealed override Span<byte> Reply()
    {
        Touch();
        return Memory.Out(Slot)[OutEnd..];
    }

    public sealed override bool TryEvent(int bytes, out Span<byte> room)
    {
        int end = OutEnd;
        room = default;
        if (StoreMemory.OutBytes - end - MessageBytes < bytes || _events >= _mostEvents) return false;   // a reply must always fit behind it
        _events++;
        Touch();
        room = Memory.Out(Slot)[end..];
        return true;
    }

    public sealed override void Advance(int bytes) => _produced += (uint)bytes;

    /// <summary>Room for input; moves what is there to the buffer's start where that helps.</summary>
    protected Span<byte> InputRoom()
    {
        ref Slot slot = ref Memory[Slot];
        Span<byte> buffer = Memory.In(Slot);
        int start = (int)(Consumed - slot.InOrigin), end = (int)(slot.Received - slot.InOrigin), length = end - start;
        if (Consumed != (uint)slot.Progress) return buffer[end..];   // a request is under way
        if (start > 0 && length <= start)
        {
            buffer.Slice(start, length).CopyTo(buffer);
            Volatile.Write(ref slot.InOrigin, Consumed);   // after the copy: until here a successor would take the old place
            end = length;
        }
        return buffer[end..];
    }

    /// <summary>Committed bytes to send.</summary>
    protected ReadOnlySpan<byte> Output()
    {
        ref Slot slot = ref Memory[Slot];
        return Memory.Out(Slot).Slice((int)(slot.Sent - slot.OutOrigin), Unsent);
    }

    /// <summary>Bytes were sent.</summary>
    protected void Sent(int bytes)
    {
        ref Slot slot = ref Memory[Slot];
        Volatile.Write(ref slot.Sent, slot.Sent + (uint)bytes);
        int start = (int)(slot.Sent - slot.OutOrigin), length = (int)(_produced - slot.Sent);
        if (length == 0) _events = 0;
        if (length > start || (length > 0 && start < StoreMemory.OutBytes / 2)) return;
        Memory.Out(Slot).Slice(start, length).CopyTo(Memory.Out(Slot));
        Volatile.Write(ref slot.OutOrigin, slot.Sent);
    }

    private int OutEnd => (int)(_produced - Memory[Slot].OutOrigin);

    private void Touch()
    {
        if (!IsTouched) Touched?.Invoke(this);
    }

    private static (uint Low, uint High) Split(ulong progress) => ((uint)progress, (uint)(progress >> 32));
}
