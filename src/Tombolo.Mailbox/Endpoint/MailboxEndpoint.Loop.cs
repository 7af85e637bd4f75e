// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Mailbox;

// The endpoint's thread: everything here belongs to it, but for Begin, which runs before it.
public sealed partial class MailboxEndpoint
{
    private void Begin()
    {
        _epoll.Add(_wake.Descriptor, EpollEvents.Readable, WakeToken);
        _epoll.Add(_self.Control, EpollEvents.Readable, ControlToken);
        WatchVectors();
        _self.Left += Forget;
        _sender.Adopt();
        Address = _slots.AddressOf(Id);   // a server that came back; a fresh client's was cleared when its slot was vacated
        _slots.SetName(Id, _options.Name);
        _thread.Start();
        if (_options.AsksServer && Id != Geometry.ServerId) Post(Geometry.ServerId, FabricMessage.AttributeQuery);
    }

    private void Run()
    {
        Exception? fault = null;
        try
        {
            LookAtAll();   // what was rung for before we listened
            Span<EpollReport> reports = stackalloc EpollReport[64];
            while (!_isStopping) Turn(reports);
        }
        catch (Exception exception) { fault = exception; }
        End();
        if (fault is null) _ended.SetResult();
        else _ended.SetException(fault);
    }

    private void Turn(Span<EpollReport> reports)
    {
        TimeSpan timeout = _sender.IsBusy ? _sender.NextLook() : Timeout.InfiniteTimeSpan;
        int count = _epoll.Wait(reports, timeout);
        _ = Interlocked.Increment(ref _wakeUps);
        bool lookAtAll = _mustLookAgain;
        foreach (EpollReport report in reports[..count])
        {
            if (report.Token == WakeToken) lookAtAll |= _wake.TryTake();
            else if (report.Token == ControlToken) TakeNews();
            else lookAtAll |= TakeRing((int)(report.Token - FirstVectorToken));
        }
        if (lookAtAll) LookAtAll();
        _sender.Pump();
        SpinForAcknowledgement();
    }

    // Whoever was just sent something from this thread mostly takes it within microseconds.
    private void SpinForAcknowledgement()
    {
        for (int i = 0; _sender.IsBusy && _sender.SincePublished < _options.Spin; i++)
        {
            if (_sender.LooksTaken) _sender.Pump();
            else if ((i & 7) == 7) _ = Thread.Yield();
            else Thread.SpinWait(10);
        }
    }

    private void TakeNews()
    {
        try
        {
            if (!_self.ProcessControl()) LeaveServer(null);
        }
        catch (ProtocolException exception) { LeaveServer(exception.Message); }
        WatchVectors();
    }

    private void LeaveServer(string? fault)
    {
        (HasServer, ServerFault) = (false, fault);
        _epoll.Remove(_self.Control);
    }

    // A client's last vectors may come after its handshake.
    private void WatchVectors()
    {
        IReadOnlyList<SafeFd> vectors = _self.Vectors;
        for (; _vectorsWatched < vectors.Count; _vectorsWatched++)
            _epoll.Add(vectors[_vectorsWatched], EpollEvents.Readable, FirstVectorToken + (ulong)_vectorsWatched);
    }

    // True: look at every slot. QEMU 7.2 masks a vector with 255 on its slow path, so a ring may stand for any sender with the same low byte.
    private bool TakeRing(int vector)
    {
        _ = EventFd.TryRead(_self.Vectors[vector], out _);
        if (Geometry.Events <= FewSlots) return true;
        for (int id = vector & 255; id <= Geometry.ServerId.Value; id += 256)
            if (id > 0) _mustLookAgain |= !Look(new((ushort)id));
        return false;
    }

    private void LookAtAll()
    {
        bool isDone = true;
        for (int id = 1; id <= Geometry.ServerId.Value; id++) isDone &= Look(new((ushort)id));
        _mustLookAgain = !isDone;
    }

    // False: a message stays there because too much is queued already; it must be looked at again when the queue is shorter. A full inbox rings when it has room.
    private bool Look(PeerId from)
    {
        if (from == Id) return true;
        ulong length = _slots.LengthOf(from);
        if (length == 0 || _slots.ResponderOf(from) != Id.Value) return true;
        if (length > (ulong)MaxMessage)
        {
            _ = Interlocked.Increment(ref _bad);
            _ = _slots.TryAcknowledge(from, length);
            return true;
        }
        Span<byte> message = _scratch.AsSpan(0, (int)length);
        _slots.CopyMessage(from, message);
        FabricMessage? fabric = _options.Answers ? FabricMessage.Parse(message) : null;
        bool isForInbox = _options.Handler is null && !IsAnswered(fabric);
        if (!isForInbox && _sender.Queued >= MostQueued) return false;
        if (isForInbox && !HasInboxRoom()) return true;
        if (_slots.TryAcknowledge(from, length)) Take(from, length, message, fabric);
        return true;
    }

    private bool HasInboxRoom()
    {
        if (_inbox.Reader.Count < _options.InboxCapacity) return true;
        _isInboxBlocked = true;
        Interlocked.MemoryBarrier();   // a reader that took one between the two looks must see the flag, or we must see its room
        return _inbox.Reader.Count < _options.InboxCapacity;
    }

    private void Take(PeerId from, ulong length, ReadOnlySpan<byte> message, FabricMessage? fabric)
    {
        _ = Interlocked.Increment(ref _received);
        _options.Trace?.Invoke(false, from, message);
        if (IsAnswered(fabric)) Answer(from, fabric!);
        else if (_options.Handler is { } handler) handler(from, message);
        else _ = _inbox.Writer.TryWrite(new(from, _slots.AddressOf(from), message[..(int)length].ToArray()));
    }

    private static bool IsAnswered(FabricMessage? message) => message?.Word is
        FabricWord.Ping or FabricWord.AttributeQuery or FabricWord.Attributes or FabricWord.Refusal or FabricWord.Assignment or FabricWord.Malformed;

    private void Answer(PeerId from, FabricMessage message)
    {
        switch (message.Word)
        {
            case FabricWord.Ping: Reply(from, message, FabricMessage.Pong); break;
            case FabricWord.AttributeQuery: Reply(from, message, FabricMessage.AttributesOf(_options.ClassText, Address)); break;
            case FabricWord.Attributes: _attributes[from] = MailboxText.Pairs(message); break;
            case FabricWord.Refusal: _attributes[from] = MailboxText.Line($"NAK {message.Reason}"); break;
            case FabricWord.Assignment when from == Geometry.ServerId:
                Address = message.Address;
                _slots.SetAddress(Id, Address);
                Reply(from, message, FabricMessage.Acknowledge(message.Tag));
                break;
            default: _ = Interlocked.Increment(ref _bad); break;   // malformed, or an address from somebody who is not the manager
        }
    }

    private void Reply(PeerId to, FabricMessage question, FabricMessage answer) => Post(to, answer.InReplyTo(question));

    private void End()
    {
        _self.Left -= Forget;
        _sender.Close();
        _slots.SetName(Id, "");
        _ = _inbox.Writer.TryComplete();
        _epoll.Dispose();
        _wake.Dispose();
        if (_ownsParticipant) _self.Dispose();
    }
}
