// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

internal sealed partial class ServerLoop
{
    // Closing a client, and telling the others.

    private void Close(Session session)
    {
        if (session.IsClosed) return;
        session.IsClosed = true;
        int row = session.Member.Slot;
        _step();
        if (!_membership.IsSticky) _parts.Ledger.SetState(row, RowState.Leaving);
        _step();
        _parts.Forget(ServerParts.ConnectionName(row));
        _ = _byToken.Remove(session.Token);
        _epoll.Remove(session.Socket);
        session.Socket.Dispose();
        _step();
        _counters = _counters with { Leaves = _counters.Leaves + 1 };
        Log.Left(_log, session.Member.Id);
        Guard(session, () => _observer?.Left(session.Member.Id));
        var toTell = new List<Session>();
        var freed = new List<Member>();
        _membership.Remove(session, toTell, freed);
        if (_membership.IsSticky) Vacate(session.Member);
        else Retire(session.Member);
        foreach (Session other in toTell) Schedule(other);
        FreeRows(freed);
    }

    // A sticky slot is empty again: rings that nobody took are thrown away, so that the next one there is not woken for them.
    private void Vacate(Member slot)
    {
        foreach (SafeFd fd in slot.Events) _ = EventFd.TryRead(fd, out _);
        _parts.Ledger.Write(slot.Slot, slot.Id, slot.Events.Length, default, 0);
        _parts.Ledger.ForgetTold(slot.Slot);
    }

    private void Retire(Member member)
    {
        _table.Set(member.Id, null);
        _resident?.Tell(member.Id, isJoin: false);
        _parts.Forget(ServerParts.EventsName(member.Slot), member.Events.Length);
        member.CloseEvents();
    }

    private void FreeRows(List<Member> freed)
    {
        foreach (Member member in freed) _membership.Free(member);
    }
}
