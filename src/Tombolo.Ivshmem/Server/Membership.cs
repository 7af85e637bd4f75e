// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Who is there, which rows and IDs are free, and who has to be told what. Belongs to the server's loop.</summary>
/// <remarks>
/// Rule of rows: row 0 is the resident's; clients have the rows from 1 on. With sticky slots, row s is slot FirstId + s − 1 and is present from the start;
/// otherwise a row is present while its client is connected, and leaving until everybody was told.
/// </remarks>
internal sealed class Membership
{
    private readonly DoorbellServerOptions _options;
    private readonly Ledger _ledger;
    private readonly Member?[] _members;
    private readonly Stack<int> _freeRows = new();
    private readonly List<Session> _sessions = [];

    public Membership(DoorbellServerOptions options, Ledger ledger, int maxPeers)
    {
        (_options, _ledger, MaxPeers) = (options, ledger, maxPeers);
        _members = new Member?[ledger.RowCount];
        Ids = new(options.Ids, options.FirstId, options.Seed, options.LastId);
        if (options.ResidentId is { } own) Ids.Reserve(own);
        for (int row = ledger.RowCount - 1; row >= 1; row--) _freeRows.Push(row);
    }

    public int MaxPeers { get; }
    public IdAllocator Ids { get; }
    public bool IsSticky => _options.Ids == IdPolicy.Sticky;
    public IReadOnlyList<Session> Sessions => _sessions;
    public IEnumerable<Member> Present => _members.Where(member => member is { IsPresent: true })!;

    public Member? At(int row) => _members[row];

    /// <summary>Finds a place for a newcomer.</summary>
    /// <param name="preferred">The ID it should have if that is free.</param>
    /// <param name="member">Its membership: a free sticky slot, or a new one with new eventfds.</param>
    /// <param name="reason">Why there is none.</param>
    public bool TryPlace(PeerId? preferred, out Member? member, out string reason)
    {
        member = null;
        reason = MaxPeers == 1 && _sessions.Count == 1 ? $"the only place is taken, by process {_sessions[0].Who.ProcessId}" : $"all {MaxPeers} places are taken";
        if (_sessions.Count >= MaxPeers) return false;
        if (IsSticky)
        {
            member = preferred is { } wish && FindSlot(wish) is { Session: null } wished ? wished
                : FirstFree(candidate => !_options.ReservedIds.Contains(candidate.Id.Value)) ?? FirstFree(static _ => true);
            return member is not null;
        }
        long oldest = _sessions.Count == 0 ? long.MaxValue : _sessions.Min(session => session.JoinSequence);
        if (_freeRows.Count == 0)
        {
            reason = "too many of those who left have yet to be told of to clients that do not read";
            return false;
        }
        if (!Ids.TryTake(preferred?.Value, oldest, out int id))
        {
            reason = "every ID is in use, or was seen leaving by somebody still connected";
            return false;
        }
        _ledger.SetNextId(Ids.Next, wasRound: id > Ids.Next || _options.Ids == IdPolicy.Random);
        try { member = new(_freeRows.Pop(), new((ushort)id), CreateEvents(_options.VectorsFor(id))); }
        catch (LinuxException exception)
        {
            Ids.Release(id, _ledger.Sequence);
            reason = exception.Message;
            return false;
        }
        _members[member.Slot] = member;
        return true;
    }

    /// <summary>Puts a member into its row: a sticky slot, the resident, or one found after a restart.</summary>
    public void Install(Member member)
    {
        _members[member.Slot] = member;
        if (!IsSticky && member.Slot != 0) Ids.Reserve(member.Id.Value);
    }

    /// <summary>After everything found was installed: which rows are free.</summary>
    public void RebuildFreeRows()
    {
        _freeRows.Clear();
        for (int row = _members.Length - 1; row >= 1; row--)
            if (_members[row] is null) _freeRows.Push(row);
    }

    public void Add(Session session)
    {
        session.Member.Session = session;
        _sessions.Add(session);
    }

    /// <summary>Writes a newcomer's whole handshake into its queue.</summary>
    public void EnqueueHandshake(Session session)
    {
        int told = _ledger.Read(session.Member.Slot).HeaderSteps;
        if (told < 1) session.Enqueue(NoticeKind.Greeting, session.Member);
        if (told < 2) session.Enqueue(NoticeKind.Memory, session.Member);
        foreach (Member other in Present)
            if (other != session.Member) session.Enqueue(NoticeKind.Join, other);
        session.Enqueue(NoticeKind.Join, session.Member);
    }

    /// <summary>Takes a client out: decides who has to be told that it left, and frees what nobody needs any more.</summary>
    /// <param name="session">The client; closed already.</param>
    /// <param name="toTell">Receives the clients that got a notice.</param>
    /// <param name="freedRows">Receives members whose rows became free.</param>
    public void Remove(Session session, List<Session> toTell, List<Member> freedRows)
    {
        _ = _sessions.Remove(session);
        session.Member.Session = null;
        foreach (Notice notice in session.TakeAll())
            if (notice.Kind == NoticeKind.Leave) CountTold(notice.Member, freedRows);
        if (IsSticky) return;
        Member member = session.Member;
        member.IsPresent = false;
        foreach (Session other in _sessions)
        {
            if (!MayHaveHeardOf(other, member)) continue;   // a leave of somebody it never heard of would make QEMU stumble
            other.Enqueue(NoticeKind.Leave, member);
            member.LeavesToTell++;
            toTell.Add(other);
        }
        if (member.LeavesToTell == 0) freedRows.Add(member);
    }

    /// <summary>Whether a client was sent one of a member's vectors at least, or it is undecided whether it was. The latter is settled before anything more is sent to it; a leave that then proves needless is skipped.</summary>
    public bool MayHaveHeardOf(Session session, Member member) =>
        _ledger.Told(session.Member.Slot, member.Slot) > 0
        || (session.IsUnsettled && _ledger.Mark(session.Member.Slot) is { Kind: NoticeKind.Join } mark && mark.Member == member.Slot);

    /// <summary>Counts one client as told that a member left.</summary>
    public static void CountTold(Member member, List<Member> freedRows)
    {
        if (--member.LeavesToTell == 0) freedRows.Add(member);
    }

    /// <summary>Frees the row and gives back the ID of a member of whom nobody has to be told any more.</summary>
    public void Free(Member member)
    {
        _ledger.SetState(member.Slot, RowState.Free);
        long sequence = ++_ledger.Sequence;
        Ids.Release(member.Id.Value, sequence);
        _members[member.Slot] = null;
        _freeRows.Push(member.Slot);
    }

    /// <summary>Makes eventfds for a member.</summary>
    /// <exception cref="LinuxException">No descriptor is left; none of them stays open.</exception>
    public static SafeFd[] CreateEvents(int count)
    {
        var events = new SafeFd[count];
        int made = 0;
        try
        {
            for (; made < count; made++) events[made] = EventFd.Create();
            return events;
        }
        catch
        {
            while (made > 0) events[--made].Dispose();
            throw;
        }
    }

    private Member? FirstFree(Func<Member, bool> mayBe) => _members.Skip(1).FirstOrDefault(candidate => candidate is { Session: null } && mayBe(candidate));

    private Member? FindSlot(PeerId id)
    {
        int row = id.Value - _options.FirstId + 1;
        return row >= 1 && row < _members.Length ? _members[row] : null;
    }
}
