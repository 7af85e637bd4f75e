// SPDX-License-Identifier: MIT
namespace Tombolo.Ivshmem;

internal sealed partial class ServerLoop
{
    // Telling clients what they have to know, a few messages each in turn.

    private void Tell(Session session, NoticeKind kind, Member about)
    {
        if (session.IsClosed) return;
        if (session.IsLive && session.Waiting >= _options.QueueNotices)
        {
            session.Compact();
            if (session.Waiting >= _options.QueueNotices)
            {
                Log.DroppedSlow(_log, session.Member.Id, session.Waiting);
                _counters = _counters with { DroppedSlow = _counters.DroppedSlow + 1 };
                Close(session);
                return;
            }
        }
        session.Enqueue(kind, about);
        Schedule(session);
    }

    private void Schedule(Session session)
    {
        if (session.IsScheduled || session.IsClosed || session.AwaitsWritable || session.IsUnsettled) return;
        session.IsScheduled = true;
        _ready.Enqueue(session);
    }

    private void SendRound()
    {
        for (int turn = _ready.Count; turn > 0; turn--)
        {
            Session session = _ready.Dequeue();
            session.IsScheduled = false;
            if (session.IsClosed) continue;
            try { SendSome(session); }
            catch (Exception exception) when (exception is not OutOfMemoryException) { Fail(session, exception); }
        }
    }

    private void SendSome(Session session)
    {
        for (int i = 0; i < MessagesPerTurn; i++)
        {
            if (!session.TryPeek(out Notice notice) && session.Rest.IsEmpty) return;
            if (session.Rest.IsEmpty && IsOver(session, notice))
            {
                Complete(session, notice);
                continue;
            }
            switch (_courier.Send(session, notice))
            {
                case Delivery.Full:
                    session.AwaitsWritable = true;
                    Watch(session);
                    return;
                case Delivery.Later:
                    _counters = _counters with { WaitsInFlight = _counters.WaitsInFlight + 1 };
                    _later.Add(session);
                    return;
                case Delivery.Gone:
                    Close(session);
                    return;
            }
            if (session.Rest.IsEmpty && session.TryPeek(out Notice sent) && IsSent(session, sent)) Complete(session, sent);
        }
        Schedule(session);
    }

    // Told already (found so after a restart), or who joined has left again meanwhile.
    private bool IsOver(Session session, Notice notice) => (notice.Kind == NoticeKind.Join && !notice.Member.IsPresent) || IsSent(session, notice);

    private bool IsSent(Session session, Notice notice) => notice.Kind switch
    {
        NoticeKind.Greeting => _parts.Ledger.Read(session.Member.Slot).HeaderSteps >= 1,
        NoticeKind.Memory => _parts.Ledger.Read(session.Member.Slot).HeaderSteps >= 2,
        NoticeKind.Join => _parts.Ledger.Told(session.Member.Slot, notice.Member.Slot) >= notice.Member.Events.Length,
        _ => _parts.Ledger.Told(session.Member.Slot, notice.Member.Slot) == 0,
    };

    private void Complete(Session session, Notice notice)
    {
        session.Dequeue();
        if (notice.Kind == NoticeKind.Leave)
        {
            var freed = new List<Member>();
            Membership.CountTold(notice.Member, freed);
            FreeRows(freed);
        }
        else if (notice.Kind == NoticeKind.Join && notice.Member == session.Member && !session.IsLive)
        {
            session.IsLive = true;
            _parts.Ledger.SetLive(session.Member.Slot);
            _step();
            Log.Joined(_log, session.Member.Id, session.Who.ProcessId, session.Who.UserId, session.Member.Events.Length);
            _observer?.Joined(session.Member.Id);
        }
    }

    private void RetryLater()
    {
        if (_later.Count == 0) return;
        Session[] waiting = [.. _later];
        _later.Clear();
        foreach (Session session in waiting)
        {
            if (session.IsClosed) continue;
            if (session.IsUnsettled && !_parts.TrySettle(session)) _later.Add(session);
            else Schedule(session);
        }
    }
}
