// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Store;

/// <summary>A domain's ring page and its doorbells.</summary>
/// <param name="Memory">The memory that holds the page; a duplicate is kept.</param>
/// <param name="OffsetBytes">Where the page begins in it; a multiple of 4.</param>
/// <param name="ToServer">Rung by the domain: there is a request, or room again. A duplicate is kept.</param>
/// <param name="ToDomain">Rung by the server: there is a reply, or room again. A duplicate is kept.</param>
public sealed record StoreRing(SafeFd Memory, long OffsetBytes, SafeFd ToServer, SafeFd ToDomain)
{
    internal StoreRing Duplicate() => new(Memory.Duplicate(), OffsetBytes, ToServer.Duplicate(), ToDomain.Duplicate());
}

/// <summary>Knows where domains have their ring pages, for INTRODUCE over a socket. Called on the store's loop; must not block.</summary>
public interface IRingFinder
{
    /// <summary>Whether this is where to look for a domain.</summary>
    /// <param name="domain">The domain.</param>
    bool Has(DomainId domain);

    /// <summary>A domain's ring.</summary>
    /// <param name="domain">One that <see cref="Has"/> says yes to.</param>
    /// <param name="frame">The page's number in the domain's memory, as INTRODUCE says it; 0: wherever it is.</param>
    /// <returns>Borrowed; null where the domain is not there, or has no ring at that page.</returns>
    StoreRing? Find(DomainId domain, ulong frame);
}

/// <summary>The layout of a ring page. Source: Xen public/io/xs_wire.h, struct xenstore_domain_interface.</summary>
public static class RingLayout
{
    /// <summary>Bytes of each of the two rings.</summary>
    public const int RingBytes = 1024;
    /// <summary>Requests, written by the domain.</summary>
    public const int Requests = 0;
    /// <summary>Replies and events, written by the server.</summary>
    public const int Replies = 1024;
    /// <summary>How many request bytes the server took, free-running.</summary>
    public const int RequestConsumer = 2048;
    /// <summary>How many request bytes the domain put, free-running.</summary>
    public const int RequestProducer = 2052;
    /// <summary>How many reply bytes the domain took, free-running.</summary>
    public const int ReplyConsumer = 2056;
    /// <summary>How many reply bytes the server put, free-running.</summary>
    public const int ReplyProducer = 2060;
    /// <summary>What the server can do: bit 0, reconnection.</summary>
    public const int Features = 2064;
    /// <summary>0: connected; 1: the domain asks to begin anew.</summary>
    public const int State = 2068;
    /// <summary>Why the server stopped listening: 0 nothing, 1 communication, 2 ring index, 3 protocol.</summary>
    public const int Error = 2072;
    /// <summary>Bytes that the layout takes.</summary>
    public const int TotalBytes = 2076;
}

/// <summary>A domain that talks through a ring page. Whatever it writes there is copied once and checked.</summary>
/// <remarks>
/// Theory of operation. The slot says how far the ring got; the page is told afterwards. So a server that was killed in between leaves a page that is behind, and its successor says first what the slot says,
/// and rings, for the dead one may not have come to that. A domain that is to begin anew finds state 1 as long as it is not so.
/// </remarks>
internal sealed class RingConnection : Connection
{
    private readonly Window _window;
    private readonly long _offset;
    private readonly Doorbell _toServer, _toDomain;

    /// <summary>Takes a ring up, whose slot says how far it got.</summary>
    /// <param name="memory">The server's memory.</param>
    /// <param name="slot">The ring's slot in it.</param>
    /// <param name="ring">Owned from now on.</param>
    /// <param name="domain">Whose it is.</param>
    /// <param name="mostEvents">How many events may wait.</param>
    /// <param name="isTakenOver">Another server had it, and was killed.</param>
    public RingConnection(StoreMemory memory, int slot, StoreRing ring, DomainId domain, int mostEvents, bool isTakenOver = false) : base(memory, slot, domain, mostEvents)
    {
        _offset = ring.OffsetBytes;
        _window = Window.Map(ring.Memory);
        (_toServer, _toDomain) = (new(ring.ToServer), new(ring.ToDomain));
        Ring = ring;
        SharedView page = Page;
        page.WriteRelease32(RingLayout.Features, 1);
        if (!isTakenOver)
        {
            page.WriteRelease32(RingLayout.Error, 0);
            return;
        }
        IsBroken = page.ReadAcquire32(RingLayout.Error) != 0;
        page.WriteRelease32(RingLayout.RequestConsumer, memory[slot].Received);
        page.WriteRelease32(RingLayout.ReplyProducer, memory[slot].Sent);
        _ = _toDomain.Ring();
    }

    /// <summary>What it was made from, for the keeper.</summary>
    public StoreRing Ring { get; }

    /// <summary>The domain broke the ring's rules; it is heard again when it asks to begin anew.</summary>
    public bool IsBroken { get; private set; }

    public override SafeFd Descriptor => _toServer.Descriptor;

    /// <summary>How far the page's indices are, for a connection that begins: nobody else has written to the slot.</summary>
    public static (uint Received, uint Sent) Indices(StoreRing ring)
    {
        using Window window = Window.Map(ring.Memory);
        SharedView page = window.View(ring.OffsetBytes, RingLayout.TotalBytes);
        return (page.ReadAcquire32(RingLayout.RequestConsumer), page.ReadAcquire32(RingLayout.ReplyProducer));
    }

    /// <summary>Takes the doorbell's rings.</summary>
    public void Answer() => _ = _toServer.TryTake();

    /// <summary>Whether the domain asks to begin anew.</summary>
    public bool AsksAnew => Page.ReadAcquire32(RingLayout.State) == 1;

    /// <summary>Whether this is its page, and the domain that it has.</summary>
    public bool IsFor(StoreRing ring) => ring.OffsetBytes == _offset && EventFd.IdentityOf(_toDomain.Descriptor) is { } bell && EventFd.IdentityOf(ring.ToDomain) == bell;

    /// <summary>Empties both rings, for a connection that is to begin at 0. The domain waits until it is told (<see cref="SayItIsAnew"/>).</summary>
    public void Empty()
    {
        SharedView page = Page;
        page.WriteRelease32(RingLayout.RequestConsumer, 0);
        page.WriteRelease32(RingLayout.RequestProducer, 0);
        page.WriteRelease32(RingLayout.ReplyConsumer, 0);
        page.WriteRelease32(RingLayout.ReplyProducer, 0);
    }

    /// <summary>Tells the domain that it may begin.</summary>
    public void SayItIsAnew()
    {
        // ORDER: release; the indices, and a slot that has them, before the state.  PAIRS WITH: the domain's read of state before its indices.
        Page.WriteRelease32(RingLayout.State, 0);
        _ = _toDomain.Ring();
    }

    /// <summary>Stops listening, and says why in the page.</summary>
    public void Break(uint error)
    {
        IsBroken = true;
        Page.WriteRelease32(RingLayout.Error, error);
        _ = _toDomain.Ring();
    }

    public override Transfer Pull()
    {
        if (IsBroken) return Transfer.Waits;
        SharedView page = Page;
        ref Slot mine = ref Memory[Slot];
        // ORDER: acquire; the request's bytes are visible once their count is.  PAIRS WITH: the domain's write of req_prod after its bytes.
        uint available = page.ReadAcquire32(RingLayout.RequestProducer) - mine.Received;
        page.WriteRelease32(RingLayout.RequestConsumer, mine.Received);   // also what a dead server took, and did not come to say
        if (available > RingLayout.RingBytes) return Transfer.Gone;
        Span<byte> room = InputRoom();
        int count = Math.Min((int)available, room.Length);
        if (count == 0) return Transfer.Waits;
        CopyOut(page, mine.Received, room[..count]);
        Volatile.Write(ref mine.Received, mine.Received + (uint)count);
        page.WriteRelease32(RingLayout.RequestConsumer, mine.Received);
        _ = _toDomain.Ring();
        return Transfer.Moved;
    }

    public override Transfer Push()
    {
        ReadOnlySpan<byte> bytes = Output();
        if (IsBroken) return Transfer.Waits;
        SharedView page = Page;
        uint sent = Memory[Slot].Sent;
        page.WriteRelease32(RingLayout.ReplyProducer, sent);   // also what a dead server put, and did not come to say
        uint waiting = sent - page.ReadAcquire32(RingLayout.ReplyConsumer);
        if (waiting > RingLayout.RingBytes) return Transfer.Gone;
        int count = Math.Min(bytes.Length, RingLayout.RingBytes - (int)waiting);
        if (count == 0) return Transfer.Waits;
        CopyIn(page, sent, bytes[..count]);
        Sent(count);
        // ORDER: release; the reply's bytes before their count.  PAIRS WITH: the domain's read of rsp_prod before its bytes.
        page.WriteRelease32(RingLayout.ReplyProducer, Memory[Slot].Sent);
        _ = _toDomain.Ring();
        return Transfer.Moved;
    }

    public override void Close()
    {
        _window.Dispose();
        _toServer.Dispose();
        _toDomain.Dispose();
        Ring.Memory.Dispose();
    }

    private SharedView Page => _window.View(_offset, RingLayout.TotalBytes);

    private static void CopyOut(SharedView page, uint index, Span<byte> destination)
    {
        int at = (int)(index % RingLayout.RingBytes), first = Math.Min(destination.Length, RingLayout.RingBytes - at);
        page.CopyOut(RingLayout.Requests + at, destination[..first]);
        page.CopyOut(RingLayout.Requests, destination[first..]);
    }

    private static void CopyIn(SharedView page, uint index, ReadOnlySpan<byte> source)
    {
        int at = (int)(index % RingLayout.RingBytes), first = Math.Min(source.Length, RingLayout.RingBytes - at);
        page.CopyIn(RingLayout.Replies + at, source[..first]);
        page.CopyIn(RingLayout.Replies, source[first..]);
    }
}
