// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>Copies between granted pages of different windows, for domains that must not see each other's window. The host has one for all its windows.</summary>
/// <remarks>
/// A request is copied once out of the requester's area, checked against both tables, and done: out of the one page into memory of our own, from there into the other. Both pages are marked as mapped
/// by the requester meanwhile, so that their granters cannot end access in the middle. A domain has at most 16 requests, and each turn takes one of each domain, so that none waits for another's
/// many. Copies within a window are not done here: there the domain maps by itself. Thread-safe.
/// </remarks>
public sealed class CopyDesk
{
    private readonly Lock _gate = new();   // guards _windows and _buffer, and that one copy is under way
    private readonly List<GrantWindow> _windows = [];
    private readonly byte[] _buffer = new byte[GrantWindowShape.PageBytes];

    /// <summary>Adds a window.</summary>
    /// <param name="window">Its domains' numbers must be nobody else's.</param>
    /// <exception cref="ArgumentException">A domain is in another window already.</exception>
    public void Add(GrantWindow window)
    {
        lock (_gate)
        {
            for (int place = 1; place < window.Shape.Domains; place++)
                if (Find(window.Shape.DomainOf(place)) is not null) throw new ArgumentException($"Domain {window.Shape.DomainOf(place)} is in another window already; give each window its own FirstDomain.", nameof(window));
            _windows.Add(window);
        }
    }

    /// <summary>Takes a window out.</summary>
    /// <param name="window">As added.</param>
    public void Remove(GrantWindow window)
    {
        lock (_gate) _ = _windows.Remove(window);
    }

    /// <summary>Does what a window's domains asked for.</summary>
    /// <param name="window">As added.</param>
    /// <param name="answered">Called with each place that got an answer; to ring it.</param>
    public void Serve(GrantWindow window, Action<int> answered)
    {
        bool again = true;
        for (int turn = 0; again && turn < GrantWindowShape.Copies; turn++)
        {
            again = false;
            for (int place = 1; place < window.Shape.Domains; place++)
            {
                lock (_gate)
                    if (!ServeOne(window, place)) continue;
                again = true;
                answered(place);
            }
        }
    }

    // The caller holds the gate. At most one request of a place.
    private bool ServeOne(GrantWindow window, int place)
    {
        for (int at = 0; at < GrantWindowShape.Copies; at++)
        {
            SharedView slot = window.Window.View(window.Shape.AreaOf(place) + GrantWindowShape.CopiesAt + (at * GrantWindowShape.CopyBytes), GrantWindowShape.CopyBytes);
            // ORDER: acquire by the exchange; the request is visible once its state is.  PAIRS WITH: smp_store_release() in tombolo_ask_host().
            if (slot.ReadAcquire32(0) != (uint)CopyState.Posted || slot.CompareExchange32(0, (uint)CopyState.Working, (uint)CopyState.Posted) != (uint)CopyState.Posted) continue;
            Span<byte> bytes = stackalloc byte[GrantWindowShape.CopyBytes];
            slot.CopyOut(0, bytes);
            CopyStatus status = Copy(window, place, CopyRequest.Read(bytes));
            slot.WriteRelease16(CopyRequest.StatusAt, (ushort)status);
            // ORDER: the bytes and the status before the state.  PAIRS WITH: smp_load_acquire() in tombolo_is_done().
            slot.WriteRelease32(0, (uint)CopyState.Done);
            return true;
        }
        return false;
    }

    private CopyStatus Copy(GrantWindow window, int place, CopyRequest request)
    {
        if (request.Check() is var wrong && wrong != CopyStatus.Okay) return wrong;
        DomainId self = window.Shape.DomainOf(place);
        CopyStatus status = Begin(window, place, self, request.Source, write: false, out End source);
        if (status != CopyStatus.Okay) return status;
        try
        {
            status = Begin(window, place, self, request.Destination, write: true, out End destination);
            if (status != CopyStatus.Okay) return status;
            try
            {
                Span<byte> bytes = _buffer.AsSpan(0, request.LengthBytes);
                source.Page.CopyOut(request.Source.OffsetBytes, bytes);
                destination.Page.CopyIn(request.Destination.OffsetBytes, bytes);
                return CopyStatus.Okay;
            }
            finally { destination.Release(self); }
        }
        finally { source.Release(self); }
    }

    private CopyStatus Begin(GrantWindow own, int place, DomainId self, CopyEnd end, bool write, out End taken)
    {
        taken = default;
        if (!end.IsGrant)
        {
            if (end.Number - own.FirstFrame(place) >= (uint)own.Shape.Pages) return CopyStatus.BadPage;
            taken = new(own, -1, default, end.Number, 0);
            return CopyStatus.Okay;
        }
        if (Find(end.Domain) is not { } window || window == own || window.Shape.PlaceOf(end.Domain) is not { } granter) return CopyStatus.BadDomain;
        ClaimResult result = window.Claim(granter, new(end.Number), self, write, out uint frame);
        taken = new(window, granter, new(end.Number), frame, GrantFlags.Reading | (write ? GrantFlags.Writing : 0));
        return result switch
        {
            ClaimResult.Taken => CopyStatus.Okay,
            ClaimResult.NoGrant => CopyStatus.BadReference,
            ClaimResult.NotAllowed => CopyStatus.PermissionDenied,
            _ => CopyStatus.GeneralError,
        };
    }

    private GrantWindow? Find(DomainId domain) => domain.Value == 0 ? null : _windows.Find(window => window.Shape.PlaceOf(domain) is not null);

    private readonly record struct End(GrantWindow Window, int Granter, GrantRef Reference, uint Frame, GrantFlags Marks)
    {
        public SharedView Page => Window.Window.View((long)Frame * GrantWindowShape.PageBytes, GrantWindowShape.PageBytes);

        public void Release(DomainId self)
        {
            if (Marks != 0) Window.Unclaim(Granter, Reference, self, Frame, Marks);
        }
    }
}
