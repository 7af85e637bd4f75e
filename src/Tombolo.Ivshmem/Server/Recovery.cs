// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Puts a dead server's members, clients and unfinished conversations together again from the ledger and what the keeper held.</summary>
/// <remarks>
/// Theory of operation. For each row: present with a connection → goes on where it stood; present without one → its client went, and the ordinary path for that is taken, by way of a connection that is
/// at its end; leaving → those who heard of it and were not told are told. A connection without a row was accepted and not spoken to: a newcomer.
/// What remains to be told to a client follows from what it was told: everything that is there and not told, and its own vectors last.
/// </remarks>
internal sealed class Recovery(Ledger ledger, Membership membership, SafeFd pipeReader)
{
    private readonly List<SafeFd> _orphans = [];
    private readonly List<(string Name, int Count)> _unclaimed = [];
    private readonly List<Member> _halfGone = [];
    private int _undecided;

    /// <summary>Connections that were accepted, and not spoken to.</summary>
    public IReadOnlyList<SafeFd> Orphans => _orphans;

    /// <summary>Names that the keeper holds for nothing.</summary>
    public IReadOnlyList<(string Name, int Count)> Unclaimed => _unclaimed;

    /// <summary>Left, and not everybody was told.</summary>
    public IReadOnlyList<Member> HalfGone => _halfGone;

    /// <summary>What was undecided, for the log.</summary>
    public string Summary => _undecided == 0 ? "nothing was under way" : $"{_undecided} message was under way";

    /// <summary>Restores everything; what is not needed of the descriptors is closed.</summary>
    public void Restore(Dictionary<string, List<SafeFd>> kept)
    {
        for (int row = 0; row < ledger.RowCount; row++) RestoreMember(row, kept);
        membership.Ids.Resume(ledger.NextId, ledger.WasRound, ++ledger.Sequence);
        membership.RebuildFreeRows();
        for (int row = 1; row < ledger.RowCount; row++) RestoreSession(row, kept);
        foreach (Session session in membership.Sessions) FinishPiped(session.Member.Slot);
        foreach (Session session in membership.Sessions) Requeue(session);
        Span<byte> left = stackalloc byte[64];
        _ = Pipe.Read(pipeReader, left);   // what still lies there was never sent, and is queued again
        foreach ((string name, List<SafeFd> fds) in kept)
        {
            if (!name.Contains('.', StringComparison.Ordinal)) continue;   // not a row's
            _unclaimed.Add((name, fds.Count));
            if (name.StartsWith("conn", StringComparison.Ordinal)) _orphans.AddRange(fds);
            else foreach (SafeFd fd in fds) fd.Dispose();
        }
    }

    private void RestoreMember(int row, Dictionary<string, List<SafeFd>> kept)
    {
        LedgerRow entry = ledger.Read(row);
        if (entry.State is not (RowState.Present or RowState.Leaving)) return;
        List<SafeFd> events = Take(kept, ServerParts.EventsName(row));
        bool isWhole = entry.State == RowState.Present && events.Count == entry.Vectors;
        var member = new Member(row, entry.Id, isWhole ? [.. events] : []) { IsPresent = isWhole };
        if (!isWhole)
        {
            foreach (SafeFd fd in events) fd.Dispose();
            ledger.SetState(row, RowState.Leaving);
            _halfGone.Add(member);
        }
        membership.Install(member);
    }

    private void RestoreSession(int row, Dictionary<string, List<SafeFd>> kept)
    {
        if (membership.At(row) is not { } member) return;
        if (!member.IsPresent)
        {
            foreach (SafeFd fd in Take(kept, ServerParts.ConnectionName(row))) fd.Dispose();
            return;
        }
        LedgerRow entry = ledger.Read(row);
        if (entry.JoinSequence == 0) return;   // an empty sticky slot; a connection there was not spoken to
        SafeFd socket = Take(kept, ServerParts.ConnectionName(row)).FirstOrDefault() ?? EndedConnection();
        membership.Add(new(socket, entry.Who, member, entry.JoinSequence) { IsLive = entry.IsLive });
    }

    private void Requeue(Session session)
    {
        int client = session.Member.Slot;
        if (!session.IsLive) membership.EnqueueHandshake(session);
        else
            foreach (Member other in membership.Present)
                if (other != session.Member && ledger.Told(client, other.Slot) < other.Events.Length) session.Enqueue(NoticeKind.Join, other);
        session.IsUnsettled = ledger.Mark(client) is { } mark && IsUndecided(session, mark);
        if (session.IsUnsettled) RememberUndecided(session);
        else if (ledger.Mark(client) is { Kind: NoticeKind.Memory or NoticeKind.Join }) ledger.End(client);
        foreach (Member gone in _halfGone)
        {
            if (!membership.MayHaveHeardOf(session, gone)) continue;
            session.Enqueue(NoticeKind.Leave, gone);
            gone.LeavesToTell++;
        }
    }

    // By its number: whoever hears on that eventfd may leave, and it be closed, before the question is settled.
    private void RememberUndecided(Session session)
    {
        _undecided++;
        if (ledger.Mark(session.Member.Slot) is { Kind: NoticeKind.Join } mark && membership.At(mark.Member) is { } about && (uint)mark.Index < (uint)about.Events.Length)
            session.UndecidedEventFd = Evidence.IdentityOf(about.Events[mark.Index]);
    }

    private bool IsUndecided(Session session, Undecided mark) => mark.Kind switch
    {
        NoticeKind.Memory => ledger.Read(session.Member.Slot).HeaderSteps < 2,
        NoticeKind.Join => (uint)mark.Member < (uint)ledger.RowCount && ledger.Told(session.Member.Slot, mark.Member) == mark.Index,
        _ => false,
    };

    // A message without a descriptor went through the pipe: it was sent if the pipe is empty.
    private void FinishPiped(int client)
    {
        if (ledger.Mark(client) is not { Kind: NoticeKind.Greeting or NoticeKind.Leave } mark) return;
        if (Pipe.Waiting(pipeReader) == 0 && (uint)mark.Member < (uint)ledger.RowCount) Courier.Record(ledger, mark.Kind, client, mark.Member, 0);
        ledger.End(client);
    }

    private static SafeFd EndedConnection()
    {
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.Stream);
        second.Dispose();
        return first;
    }

    private static List<SafeFd> Take(Dictionary<string, List<SafeFd>> kept, string name) => kept.Remove(name, out List<SafeFd>? fds) ? fds : [];
}
