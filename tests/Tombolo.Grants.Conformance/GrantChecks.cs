// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using static Tombolo.Grants.Conformance.CheckSide;

namespace Tombolo.Grants.Conformance;

/// <summary>What every back end must do.</summary>
public static partial class GrantChecks
{
    private const int Messages = 1000, Channels = 200, MostGrants = 1 << 20;

    /// <summary>All checks, of pages, events and links.</summary>
    public static IReadOnlyList<GrantCheck> All { get; } =
    [
        new("Page_Written_IsSeenByTheOther", Granter(1, false, static (_, _) => { }, static (_, pages) => Equal(0xBEEFu, Word(pages.Window, 4), "what the other wrote")), static side =>
        {
            using MappedPages mapped = side.Grants.Map(side.Peer, side.ReceiveReferences());
            Equal((long)IGrants.PageBytes, mapped.Window.LengthBytes, "the window's length");
            Equal(Pattern(0), Word(mapped.Window, 0), "what the granter wrote");
            mapped.Window.View(4, 4).WriteRelease32(0, 0xBEEF);
            side.Send("written");
        }),
        new("References_AreNotReserved_AndDiffer", static side =>
        {
            using GrantedPages one = side.Grants.Grant(side.Peer, 3), other = side.Grants.Grant(side.Peer);
            GrantRef[] all = [.. one.References, .. other.References];
            Equal(4, all.Distinct().Count(), "how many references differ");
            That(all.All(reference => reference.Value >= GrantRef.First), "references 0 to 7 stay reserved");
            Equal((long)3 * IGrants.PageBytes, one.Window.LengthBytes, "the window's length");
        }, static _ => { }),
        new("FreshPages_AreZero", static side =>
        {
            for (int round = 0; round < 3; round++)
            {
                using GrantedPages pages = side.Grants.Grant(side.Peer, 2);
                byte[] bytes = new byte[2 * IGrants.PageBytes];
                pages.Window.View(0, bytes.Length).CopyOut(0, bytes);
                That(bytes.All(value => value == 0), "fresh pages are zero");
                bytes.AsSpan().Fill(0xAA);
                pages.Window.View(0, bytes.Length).CopyIn(0, bytes);
            }
        }, static _ => { }),
        new("SeveralPages_LieNextToEachOther", Granter(5, false), static side =>
        {
            IReadOnlyList<GrantRef> references = side.ReceiveReferences();
            Equal(5, references.Count, "how many references there are");
            using (MappedPages all = side.Grants.Map(side.Peer, references))
                for (int page = 0; page < 5; page++) Equal(Pattern(page), Word(all.Window, page * IGrants.PageBytes), $"page {page}");
            using MappedPages some = side.Grants.Map(side.Peer, [references[2], references[3]]);
            for (int page = 0; page < 2; page++) Equal(Pattern(page + 2), Word(some.Window, page * IGrants.PageBytes), $"page {page} of a part");
            side.Send("seen");
        }),
        new("ReadOnly_CannotBeMappedForWriting", Granter(1, true, static (side, pages) =>
        {
            pages.Window.View(0, 4).WriteRelease32(0, 77);   // the granter still writes
            side.Send("changed");
        }), static side =>
        {
            IReadOnlyList<GrantRef> references = side.ReceiveReferences();
            Refused(GrantFault.BadReference, () => side.Grants.Map(side.Peer, references).Dispose(), "mapping a read-only page for writing");
            Refused(GrantFault.BadReference, () => side.Grants.CopyIn(side.Peer, references[0], 0, [1]), "copying into a read-only page");
            using MappedPages mapped = side.Grants.Map(side.Peer, references, writable: false);
            That(!mapped.Window.IsWritable, "the window is for reading only");
            side.Send("mapped");
            Equal("changed", side.Receive(), "what the granter says");
            Equal(77u, Word(mapped.Window, 0), "what the granter wrote later");
            side.Send("seen");
        }),
        new("BadReference_IsRefused", Granter(1, false), static side =>
        {
            IReadOnlyList<GrantRef> references = side.ReceiveReferences();
            foreach (uint bad in (uint[])[0, references[0].Value + 900, uint.MaxValue - 1])
                Refused(GrantFault.BadReference, () => side.Grants.Map(side.Peer, [new(bad)]).Dispose(), $"mapping reference {bad}");
            side.Send("seen");
        }),
        new("OthersReference_IsRefused", static side =>
        {
            using GrantedPages pages = side.Grants.Grant(side.Domain.Id);   // to itself, not to the other
            side.Send(pages.References);
            Equal("seen", side.Receive(), "what the other says");
        }, static side =>
        {
            IReadOnlyList<GrantRef> references = side.ReceiveReferences();
            Refused(GrantFault.BadReference, () => side.Grants.Map(side.Peer, references).Dispose(), "mapping what was granted to another domain");
            Refused(GrantFault.BadReference, () => side.Grants.CopyOut(side.Peer, references[0], 0, new byte[1]), "copying out of what was granted to another domain");
            side.Send("seen");
        }),
        new("Grant_ToItself_Works", static side =>
        {
            using GrantedPages pages = side.Grants.Grant(side.Domain.Id);
            using MappedPages mapped = side.Grants.Map(side.Domain.Id, pages.References);
            pages.Window.View(0, 4).WriteRelease32(0, 5);
            Equal(5u, Word(mapped.Window, 0), "what was written");
        }, static _ => { }),
        new("Page_MappedTwice_IsTheSame", Granter(1, false), static side =>
        {
            IReadOnlyList<GrantRef> references = side.ReceiveReferences();
            MappedPages one = side.Grants.Map(side.Peer, references);
            using MappedPages other = side.Grants.Map(side.Peer, references);
            one.Window.View(8, 4).WriteRelease32(0, 9);
            Equal(9u, Word(other.Window, 8), "what was written in the other mapping");
            one.Dispose();
            one.Dispose();   // once is enough
            Equal(9u, Word(other.Window, 8), "the mapping that is left");
            side.Send("seen");
        }),
        new("End_WhileMapped_IsRefused", EndGranter, EndMapper),
        new("Revoke_WhileMapped_LeavesTheMapping", RevokeGranter, RevokeMapper),
        new("Copy_MovesBytesWithoutAMapping", Granter(1, false, static (_, _) => { }, static (_, pages) => Equal(0x04030201u, Word(pages.Window, 100), "what was copied in")), static side =>
        {
            GrantRef reference = side.ReceiveReferences()[0];
            byte[] bytes = new byte[4];
            side.Grants.CopyOut(side.Peer, reference, 0, bytes);
            Equal(Pattern(0), BitConverter.ToUInt32(bytes), "what was copied out");
            side.Grants.CopyIn(side.Peer, reference, 100, [1, 2, 3, 4]);
            try
            {
                side.Grants.CopyOut(side.Peer, reference, IGrants.PageBytes - 2, bytes);
                throw new CheckException("A copy beyond the page is not refused.");
            }
            catch (ArgumentOutOfRangeException) { }
            side.Send("copied");
        }),
        new("Quota_UsedUp_SaysSo_AndIsGivenBack", QuotaUser, static _ => { }),
        new("PersistentPage_CarriesManyMessages", PersistentGranter, PersistentMapper),
        .. EventChecks,
        .. LinkChecks,
    ];

    // Grants pages with a pattern, sends the references, and waits for the other's word.
    private static Action<CheckSide> Granter(int count, bool readOnly, Action<CheckSide, GrantedPages>? whenMapped = null, Action<CheckSide, GrantedPages>? after = null) => side =>
    {
        using GrantedPages pages = side.Grants.Grant(side.Peer, count, readOnly);
        for (int page = 0; page < count; page++) pages.Window.View(page * IGrants.PageBytes, 4).WriteRelease32(0, Pattern(page));
        Equal(readOnly, pages.IsReadOnly, "whether the pages are read-only");
        Equal(side.Peer, pages.To, "whom the pages are granted to");
        side.Send(pages.References);
        string said = side.Receive();
        if (said == "mapped")
        {
            whenMapped?.Invoke(side, pages);
            _ = side.Receive();
        }
        after?.Invoke(side, pages);
    };

    private static void EndGranter(CheckSide side)
    {
        GrantedPages pages = side.Grants.Grant(side.Peer);
        pages.Window.View(0, 4).WriteRelease32(0, 123);
        side.Send(pages.References);
        _ = side.Receive();   // mapped
        if (side.Grants.SeesMappings)
        {
            Equal(EndOfAccess.StillMapped, pages.TryEnd(), "the end while mapped");
            pages.Window.View(0, 4).WriteRelease32(0, 124);   // nothing has changed
            side.Send("refused");
            _ = side.Receive();   // unmapped
            Equal(EndOfAccess.Ended, pages.TryEnd(), "the end when unmapped");
        }
        else
        {
            That(pages.TryEnd() is EndOfAccess.PutOff or EndOfAccess.Ended, "the end is put off");
            side.Send("put off");
            _ = side.Receive();   // unmapped
        }
        side.Send("ended");
        _ = side.Receive();
        pages.Dispose();
    }

    private static void EndMapper(CheckSide side)
    {
        IReadOnlyList<GrantRef> references = side.ReceiveReferences();
        MappedPages mapped = side.Grants.Map(side.Peer, references);
        side.Send("mapped");
        bool wasRefused = side.Receive() == "refused";
        Equal(wasRefused ? 124u : 123u, Word(mapped.Window, 0), "what the page holds after the end was asked for");
        if (wasRefused) side.Grants.Map(side.Peer, references).Dispose();   // as good as before
        mapped.Dispose();
        side.Send("unmapped");
        _ = side.Receive();   // ended
        AwaitRefusal(side, references);
        side.Send("seen");
    }

    private static void RevokeGranter(CheckSide side)
    {
        GrantedPages pages = side.Grants.Grant(side.Peer);
        pages.Window.View(0, 4).WriteRelease32(0, 321);
        side.Send(pages.References);
        _ = side.Receive();   // mapped
        pages.Revoke();
        pages.Dispose();   // once is enough
        side.Send("revoked");
        _ = side.Receive();
    }

    private static void RevokeMapper(CheckSide side)
    {
        IReadOnlyList<GrantRef> references = side.ReceiveReferences();
        using (MappedPages mapped = side.Grants.Map(side.Peer, references))
        {
            side.Send("mapped");
            _ = side.Receive();   // revoked
            Equal(321u, Word(mapped.Window, 0), "what the page holds after it was revoked");
            mapped.Window.View(0, 4).WriteRelease32(0, 322);
            if (side.Grants.SeesMappings) Refused(GrantFault.BadReference, () => side.Grants.Map(side.Peer, references).Dispose(), "mapping a revoked page anew");
        }
        AwaitRefusal(side, references);
        side.Send("seen");
    }

    // At once where mappings are seen; elsewhere the kernel looks after it now and then.
    private static void AwaitRefusal(CheckSide side, IReadOnlyList<GrantRef> references)
    {
        using EventChannel pause = side.Events.AllocateUnbound(side.Domain.Id);
        for (int tries = 0; ; tries++)
        {
            try { side.Grants.Map(side.Peer, references).Dispose(); }
            catch (GrantException exception)
            {
                Equal(GrantFault.BadReference, exception.Fault, "why a page that has ended is refused");
                return;
            }
            That(!side.Grants.SeesMappings && tries < 60, "a page that has ended cannot be mapped");
            _ = pause.Wait(TimeSpan.FromSeconds(1));
        }
    }

    private static void QuotaUser(CheckSide side)
    {
        List<GrantedPages> all = [];
        try
        {
            while (true)
            {
                That(all.Count < MostGrants, "there is a quota of grants");
                try { all.Add(side.Grants.Grant(side.Peer)); }
                catch (GrantException exception)
                {
                    Equal(GrantFault.Quota, exception.Fault, $"why grant {all.Count} is refused ('{exception.Message}')");
                    break;
                }
            }
            That(all.Count >= Channels, $"a domain can grant {Channels} pages");
            all[0].Dispose();
            all[0] = side.Grants.Grant(side.Peer);
        }
        finally { foreach (GrantedPages pages in all) pages.Dispose(); }
    }

    private static void PersistentGranter(CheckSide side)
    {
        using GrantedPages pages = side.Grants.Grant(side.Peer);
        using EventChannel port = side.Events.AllocateUnbound(side.Peer);
        side.Send(pages.References);
        side.Send(port.Port.Value);
        _ = side.Receive();   // bound
        for (uint message = 1; message <= Messages; message++)
        {
            pages.Window.View(4, 4).WriteRelease32(0, message * 7);
            pages.Window.View(0, 4).WriteRelease32(0, message);
            port.Notify();
            while (Word(pages.Window, 0) != 0) side.Heard(port, "that the message was taken");
        }
    }

    private static void PersistentMapper(CheckSide side)
    {
        using MappedPages mapped = side.Grants.Map(side.Peer, side.ReceiveReferences());
        using EventChannel port = side.Events.BindInterdomain(side.Peer, side.ReceivePort());
        side.Send("bound");
        for (uint message = 1; message <= Messages; message++)
        {
            while (Word(mapped.Window, 0) == 0) side.Heard(port, "that there is a message");
            Equal(message, Word(mapped.Window, 0), "which message it is");
            Equal(message * 7, Word(mapped.Window, 4), "what the message says");
            mapped.Window.View(0, 4).WriteRelease32(0, 0);
            port.Notify();
        }
    }

    private static uint Pattern(int page) => 0xC0DE0000u + (uint)page;

    private static uint Word(Window window, long offset) => window.View(offset, 4).ReadAcquire32(0);
}
