// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

internal sealed partial class ServerLoop
{
    // Accepting, admitting, refusing, and taking up what a dead server left.

    private void RefuseLast(SafeFd socket) => Refuse(socket, "no descriptor is left", isFull: true);

    private void Admit(SafeFd socket)
    {
        PeerCredentials who = UnixSocket.CredentialsOf(socket);
        if (_isStopping) Refuse(socket, "the server is stopping", isFull: true);
        else if (!IsAllowed(who)) Refuse(socket, "it is not among the users and groups that may connect", isFull: false);
        else if (!_membership.TryPlace(_options.PreferredId?.Invoke(who), out Member? member, out string reason)
            && (!CloseHungUp() || !_membership.TryPlace(_options.PreferredId?.Invoke(who), out member, out reason))) Refuse(socket, reason, isFull: true);
        else Join(socket, who, member!);
    }

    // A place is free as soon as its client hung up, also if that was not reported yet: who comes back at once shall find it.
    private bool CloseHungUp()
    {
        int before = _membership.Sessions.Count;
        var reports = new EpollReport[128];
        for (int left = (before / reports.Length) + 1; left > 0; left--)
        {
            int count = _epoll.Wait(reports, TimeSpan.Zero);
            foreach (EpollReport report in reports.AsSpan(0, count))
                if ((report.Events & Gone) != 0 && _byToken.TryGetValue(report.Token, out Session? session)) Close(session);
        }
        return _membership.Sessions.Count < before;
    }

    private bool IsAllowed(PeerCredentials who) =>
        (_options.AllowedUsers.Count == 0 && _options.AllowedGroups.Count == 0)
        || _options.AllowedUsers.Contains(who.UserId) || _options.AllowedGroups.Contains(who.GroupId);

    private void Refuse(SafeFd socket, string reason, bool isFull)
    {
        Span<byte> bytes = stackalloc byte[IvshmemMessage.Size];
        new IvshmemMessage(IvshmemMessage.Refused).Write(bytes);
        _ = UnixSocket.Send(socket, bytes);
        PeerCredentials who = UnixSocket.CredentialsOf(socket);
        socket.Dispose();
        Log.Refused(_log, who.ProcessId, who.UserId, reason);
        _counters = isFull ? _counters with { RefusedFull = _counters.RefusedFull + 1 } : _counters with { RefusedUser = _counters.RefusedUser + 1 };
    }

    private void Join(SafeFd socket, PeerCredentials who, Member member)
    {
        long sequence = ++_parts.Ledger.Sequence;
        // The keeper first: once it holds the connection, this server's death no longer cuts the client off.
        _parts.Keep(ServerParts.ConnectionName(member.Slot), socket);
        if (!_membership.IsSticky) _parts.Keep(ServerParts.EventsName(member.Slot), member.Events);
        _step();
        _parts.Ledger.ForgetTold(member.Slot);
        _parts.Ledger.Write(member.Slot, member.Id, member.Events.Length, who, sequence);
        _step();
        Begin(new(socket, who, member, sequence));
    }

    private void Begin(Session session)
    {
        _counters = _counters with { Joins = _counters.Joins + 1 };
        _membership.Add(session);
        Guard(session, () => _observer?.Joining(session.Member.Id, session.Who));
        _membership.EnqueueHandshake(session);
        Attach(session);
        if (_membership.IsSticky) return;
        _table.Set(session.Member.Id, session.Member.Events);
        _resident?.Tell(session.Member.Id, isJoin: true);
        foreach (Session other in _membership.Sessions.ToArray())
            if (other != session) Tell(other, NoticeKind.Join, session.Member);
    }

    // Takes up what a dead server left.
    private void GoOn(Recovery found)
    {
        foreach (Session session in _membership.Sessions.ToArray()) Resume(session);
        foreach (Member member in found.HalfGone) FinishLeave(member);
        foreach (SafeFd orphan in found.Orphans) Admit(orphan);
        var used = _membership.Sessions.SelectMany(session => new[] { ServerParts.ConnectionName(session.Member.Slot), ServerParts.EventsName(session.Member.Slot) }).ToHashSet();
        foreach ((string name, int count) in found.Unclaimed)
            if (!used.Contains(name)) _parts.Forget(name, count);
    }

    private void Resume(Session session)
    {
        _counters = _counters with { Kept = _counters.Kept + 1 };
        Guard(session, () => _observer?.Kept(session.Member.Id, session.Who));
        Attach(session);
    }

    // It left, and the last server died before everybody was told.
    private void FinishLeave(Member member)
    {
        _observer?.Left(member.Id);
        if (member.LeavesToTell == 0) _membership.Free(member);
    }

    private void Attach(Session session)
    {
        ulong token = _nextToken++;
        session.Token = token;
        _byToken.Add(token, session);
        _epoll.Add(session.Socket, Wanted(session), token);
        if (session.IsUnsettled) _later.Add(session);
        else Schedule(session);
    }
}
