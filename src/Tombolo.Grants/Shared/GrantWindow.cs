// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>How taking a grant for a mapping ended.</summary>
public enum ClaimResult
{
    /// <summary>It says now that we have it mapped.</summary>
    Taken,
    /// <summary>There is no such grant, or it was revoked.</summary>
    NoGrant,
    /// <summary>It is for another domain, or not for writing.</summary>
    NotAllowed,
    /// <summary>It names a page that is not its granter's: a lie.</summary>
    BadFrame,
    /// <summary>It changes faster than it can be taken: a lie, too.</summary>
    Unstable,
}

/// <summary>The steps on shared words that grants and event channels in a window consist of.</summary>
/// <remarks>
/// An entry and a port word are 64 bits each, changed by compare and exchange as a whole: whoever changes one has seen and checked all of it. Nothing here is believed twice, and a party that
/// flips a word for ever makes us try a few times. Thread-safe; it does not own the window. Source: docs/specs/grant-window.md, "Steps"; guest/linux/grant_table.c is the same in C.
/// </remarks>
/// <param name="window">At least as long as the shape says.</param>
/// <param name="shape">Its layout, read and checked.</param>
public sealed class GrantWindow(Window window, GrantWindowShape shape)
{
    private const int Tries = 16, AliveState = 1;

    /// <summary>The window, borrowed.</summary>
    public Window Window { get; } = window;

    /// <summary>Its layout.</summary>
    public GrantWindowShape Shape { get; } = shape;

    /// <summary>Called between a look at a word and the exchange that rests on it; for tests that bring the worst in between.</summary>
    internal Action<string>? Between { get; set; }

    /// <summary>The first page of a domain.</summary>
    /// <param name="place">The domain's place.</param>
    public uint FirstFrame(int place) => (uint)((Shape.AreaOf(place) + Shape.FirstPageAt) / GrantWindowShape.PageBytes);

    /// <summary>A grant as it is now.</summary>
    /// <param name="place">The granter's place.</param>
    /// <param name="reference">Its grant, less than <see cref="GrantWindowShape.Entries"/>.</param>
    public GrantEntry Entry(int place, GrantRef reference) => GrantEntry.Of(EntryWord(place, reference).ReadAcquire());

    /// <summary>A port as it is now.</summary>
    /// <param name="place">Its domain's place.</param>
    /// <param name="port">The port, less than <see cref="GrantWindowShape.Ports"/>.</param>
    public PortWord Port(int place, EventPort port) => PortWord.Of(Word(place, port).ReadAcquire());

    /// <summary>Grants a page of a place's own.</summary>
    public void Offer(int place, GrantRef reference, DomainId to, uint frame, bool readOnly) =>
        // ORDER: what the page holds before the grant.  PAIRS WITH: the exchange in Claim, and in tombolo_claim().
        EntryWord(place, reference).WriteRelease(new GrantEntry(GrantFlags.PermitAccess | (readOnly ? GrantFlags.ReadOnly : 0), to, frame).Word);

    /// <summary>Ends access to a grant of a place's own.</summary>
    /// <returns>False, and nothing is changed, where it is mapped.</returns>
    public bool TryEnd(int place, GrantRef reference)
    {
        SharedWord64 entry = EntryWord(place, reference);
        for (int tries = 0; tries < Tries; tries++)
        {
            ulong seen = entry.ReadAcquire();
            if (GrantEntry.Of(seen).IsMapped) return false;
            Between?.Invoke("end");
            // ORDER: the mapper's last use of the page before we use it again.  PAIRS WITH: the exchange in Unclaim.
            if (entry.CompareExchange(0, seen) == seen) return true;
        }
        return false;
    }

    /// <summary>Lets nobody map a grant anew; who has it mapped keeps it.</summary>
    public void Revoke(int place, GrantRef reference)
    {
        SharedWord64 entry = EntryWord(place, reference);
        for (int tries = 0; tries < Tries; tries++)
        {
            ulong seen = entry.ReadAcquire();
            Between?.Invoke("revoke");
            if (entry.CompareExchange(GrantEntry.Of(seen).Revoked.Word, seen) == seen) return;
        }
    }

    /// <summary>Says in the granter's table that a domain maps a page.</summary>
    /// <param name="place">The granter's place.</param>
    /// <param name="reference">Its grant; any number.</param>
    /// <param name="self">Who maps.</param>
    /// <param name="write">Whether for writing, too.</param>
    /// <param name="frame">Which page it is: one of the granter's.</param>
    public ClaimResult Claim(int place, GrantRef reference, DomainId self, bool write, out uint frame)
    {
        frame = 0;
        if (reference.Value >= Shape.Entries) return ClaimResult.NoGrant;
        SharedWord64 word = EntryWord(place, reference);
        for (int tries = 0; tries < Tries; tries++)
        {
            ulong seen = word.ReadAcquire();
            var entry = GrantEntry.Of(seen);
            if (!entry.IsGrant) return ClaimResult.NoGrant;
            if (entry.Domain != self || (write && entry.Flags.HasFlag(GrantFlags.ReadOnly))) return ClaimResult.NotAllowed;
            if (entry.Frame - FirstFrame(place) >= (uint)Shape.Pages) return ClaimResult.BadFrame;
            Between?.Invoke("claim");
            if (word.CompareExchange((entry with { Flags = entry.Flags | GrantFlags.Reading | (write ? GrantFlags.Writing : 0) }).Word, seen) != seen) continue;
            frame = entry.Frame;
            return ClaimResult.Taken;
        }
        return ClaimResult.Unstable;
    }

    /// <summary>Takes back what <see cref="Claim"/> said. Whatever the entry holds instead is not ours, and stays.</summary>
    public void Unclaim(int place, GrantRef reference, DomainId self, uint frame, GrantFlags marks)
    {
        SharedWord64 word = EntryWord(place, reference);
        for (int tries = 0; tries < Tries; tries++)
        {
            ulong seen = word.ReadAcquire();
            var entry = GrantEntry.Of(seen);
            if (entry.Domain != self || entry.Frame != frame || (entry.Flags & marks) == 0) return;
            Between?.Invoke("unclaim");
            // ORDER: our last use of the page before it is the granter's again (a full barrier).  PAIRS WITH: the exchange in TryEnd, and in tombolo_end().
            if (word.CompareExchange((entry with { Flags = entry.Flags & ~marks }).Word, seen) == seen) return;
        }
    }

    /// <summary>Makes a port of a place's own wait for a domain.</summary>
    public void Listen(int place, EventPort port, DomainId remote) => Word(place, port).WriteRelease(PortWord.UnboundFor(remote).Word);

    /// <summary>Binds a port of a place's own to one that waits for it.</summary>
    /// <returns>False where that one does not; then the own port is free again.</returns>
    public bool TryBind(int place, EventPort port, int remotePlace, EventPort remote)
    {
        (DomainId self, DomainId other) = (Shape.DomainOf(place), Shape.DomainOf(remotePlace));
        // The own end first: whoever dies between the two leaves the other end as it was, and its own goes with the rest of it.
        Word(place, port).WriteRelease(PortWord.BoundTo(other, remote).Word);
        Between?.Invoke("bind");
        ulong waiting = PortWord.UnboundFor(self).Word;
        if (remote.Value is >= GrantWindowShape.FirstPort && remote.Value < Shape.Ports && Word(remotePlace, remote).CompareExchange(PortWord.BoundTo(self, port).Word, waiting) == waiting) return true;
        Word(place, port).WriteRelease(0);
        return false;
    }

    /// <summary>Closes a port of a place's own. Its other end, if it is that, waits for this domain again.</summary>
    public void Close(int place, EventPort port)
    {
        var word = PortWord.Of(Word(place, port).Exchange(0));
        Between?.Invoke("close");
        if (word.State != PortState.Interdomain || word.Port.Value >= Shape.Ports || Shape.PlaceOf(word.Domain) is not { } other) return;
        DomainId self = Shape.DomainOf(place);
        _ = Word(other, word.Port).CompareExchange(PortWord.UnboundFor(self).Word, PortWord.BoundTo(self, port).Word);
    }

    /// <summary>Makes an event pending at the other end of a port.</summary>
    /// <returns>The place to ring; null where there is no other end, or it is masked.</returns>
    public int? Notify(int place, EventPort port)
    {
        PortWord word = Port(place, port);
        if (word.State != PortState.Interdomain || word.Port.Value >= Shape.Ports || Shape.PlaceOf(word.Domain) is not { } other) return null;
        if (Port(other, word.Port) != PortWord.BoundTo(Shape.DomainOf(place), port)) return null;
        // ORDER: what was written before, the pending bit, then the look at the mask; both exchanges are full barriers.  PAIRS WITH: SetMask and the look at pending after it; tombolo_unmask().
        _ = Pending(other, word.Port).Or(Bit(word.Port));
        Between?.Invoke("notify");
        return (Masked(other, word.Port).ReadAcquire() & Bit(word.Port)) == 0 ? other : null;
    }

    /// <summary>Says whether a port of a place's own is to be rung for.</summary>
    public void SetMask(int place, EventPort port, bool isMasked) => _ = isMasked ? Masked(place, port).Or(Bit(port)) : Masked(place, port).And(~Bit(port));

    /// <summary>Takes the pending event of a port of a place's own.</summary>
    public bool TakePending(int place, EventPort port) => (Pending(place, port).And(~Bit(port)) & Bit(port)) != 0;

    /// <summary>The pending bits of 64 ports of a place's own, at this moment.</summary>
    /// <param name="place">The place.</param>
    /// <param name="group">Which 64.</param>
    public ulong PendingOf(int place, int group) => Window.Word64(Shape.AreaOf(place) + Shape.PendingAt + (8L * group)).ReadAcquire();

    /// <summary>Whether anybody ever became a place.</summary>
    internal bool WasUsed(int place) => Window.View(Shape.AreaOf(place), 8).ReadAcquire32(4) != 0;

    /// <summary>A place's grants as a list shows them: those that follow each other in one line.</summary>
    internal IEnumerable<GrantInfo> GrantsOf(int place, string who)
    {
        GrantEntry first = default;
        int pages = 0;
        for (uint reference = GrantRef.First; reference <= Shape.Entries; reference++)
        {
            GrantEntry entry = reference < Shape.Entries ? Entry(place, new(reference)) : default;
            if (pages > 0 && entry == first with { Frame = first.Frame + (uint)pages })
            {
                pages++;
                continue;
            }
            if (pages > 0) yield return new(Shape.DomainOf(place), new(reference - (uint)pages), pages, first.Domain, first.Flags.HasFlag(GrantFlags.ReadOnly), first.IsMapped ? 1 : 0, !first.IsGrant, who);
            (first, pages) = (entry, entry.IsGrant || entry.IsMapped ? 1 : 0);
        }
    }

    /// <summary>A place's ports as a list shows them.</summary>
    internal IEnumerable<PortInfo> PortsOf(int place, string who)
    {
        for (uint port = GrantWindowShape.FirstPort; port < Shape.Ports; port++)
            if (Port(place, new(port)) is { State: not PortState.Free } word) yield return new(Shape.DomainOf(place), new(port), word.Domain, word.State == PortState.Interdomain ? word.Port : null, who);
    }

    /// <summary>Becomes a place: nothing is left of whoever was it before, but for its pages that others still have mapped.</summary>
    public void Arrive(int place)
    {
        Forget(place);
        SharedView area = Window.View(Shape.AreaOf(place), 8);
        area.WriteRelease32(4, area.ReadAcquire32(4) + 1);
        area.WriteRelease32(0, AliveState);
    }

    /// <summary>Takes a dead domain out of the window, from any place in which it died. Nobody may be that domain meanwhile.</summary>
    public void Forget(int place)
    {
        Window.View(Shape.AreaOf(place), 8).WriteRelease32(0, 0);
        Window.View(Shape.AreaOf(place) + GrantWindowShape.CopiesAt, GrantWindowShape.Copies * GrantWindowShape.CopyBytes).Clear(0, GrantWindowShape.Copies * GrantWindowShape.CopyBytes);
        for (uint port = 0; port < Shape.Ports; port++) Word(place, new(port)).WriteRelease(0);
        for (uint port = 0; port < Shape.Ports; port += 64)
        {
            Pending(place, new(port)).WriteRelease(0);
            Masked(place, new(port)).WriteRelease(0);
        }
        for (uint reference = 0; reference < Shape.Entries; reference++) Revoke(place, new(reference));
        for (int other = 0; other < Shape.Domains; other++) ForgetIn(other, Shape.DomainOf(place));
    }

    private void ForgetIn(int place, DomainId dead)
    {
        for (uint reference = 0; reference < Shape.Entries; reference++)
        {
            GrantEntry entry = Entry(place, new(reference));
            if (entry.IsMapped && entry.Domain == dead) Unclaim(place, new(reference), dead, entry.Frame, GrantFlags.Mapped);
        }
        for (uint port = 0; port < Shape.Ports; port++)
        {
            PortWord word = Port(place, new(port));
            if (word.State == PortState.Interdomain && word.Domain == dead) _ = Word(place, new(port)).CompareExchange(PortWord.UnboundFor(dead).Word, word.Word);
        }
    }

    private SharedWord64 EntryWord(int place, GrantRef reference) => Window.Word64(Shape.AreaOf(place) + Shape.TableAt + (8L * reference.Value));

    private SharedWord64 Word(int place, EventPort port) => Window.Word64(Shape.AreaOf(place) + Shape.WordsAt + (8L * port.Value));

    private SharedWord64 Pending(int place, EventPort port) => Window.Word64(Shape.AreaOf(place) + Shape.PendingAt + (port.Value / 64 * 8));

    private SharedWord64 Masked(int place, EventPort port) => Window.Word64(Shape.AreaOf(place) + Shape.MaskedAt + (port.Value / 64 * 8));

    private static ulong Bit(EventPort port) => 1UL << (int)(port.Value % 64);
}
