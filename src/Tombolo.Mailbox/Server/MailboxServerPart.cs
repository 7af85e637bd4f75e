// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;

namespace Tombolo.Mailbox;

/// <summary>The server as a peer: answers, asks newcomers who they are, and, as the primary fabric manager, hands out addresses.</summary>
/// <remarks>
/// Theory of operation, per client.
/// <code>joined --> asked --Link CTL ACK--> known
///   Link RFC --> CTL-Write (SID 27, CID = ID·100, a fresh tag) --Standalone Acknowledgment with that tag--> addressed --> asked again</code>
/// A guest is asked in vain before its driver is up; it is asked once more when its first message comes.
/// Source: FAME-Z server; docs/specs/mailbox.md, "Words".
/// </remarks>
public sealed class MailboxServerPart : IAsyncDisposable
{
    /// <summary>The subnet ID that the primary fabric manager gives to everybody. Source: FAME-Z.</summary>
    public const ulong ManagerSid = 27;
    /// <summary>A client's component ID is its peer ID times this. Source: FAME-Z.</summary>
    public const ulong CidPerId = 100;

    // A newcomer that does not take the question so soon has no driver yet; it must not hold up answers to others.
    private static readonly TimeSpan _questionTimeout = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();   // guards _records and _nextTag
    private readonly Dictionary<PeerId, Record> _records = [];
    private readonly bool _isManager;
    private readonly MailTrace? _trace;
    private MailboxEndpoint _endpoint = null!;
    private ulong _nextTag;

    private MailboxServerPart(bool isManager, MailTrace? trace) => (_isManager, _trace) = (isManager, trace);

    /// <summary>"Z-switch" for a managing server, else "Z-server".</summary>
    public string ClassText => _isManager ? "Z-switch" : "Z-server";

    /// <summary>The server's own address; default where it does not manage.</summary>
    public SidCid Address { get; private init; }

    /// <summary>The server's endpoint, borrowed: for messages of one's own.</summary>
    public MailboxEndpoint Endpoint => _endpoint;

    /// <summary>Starts the server's part in a mailbox that was formatted already.</summary>
    /// <param name="resident">The server's standing on its own fabric, borrowed.</param>
    /// <param name="isManager">Whether it hands out addresses.</param>
    /// <param name="trace">Sees every message go by; or null.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public static MailboxServerPart Start(IParticipant resident, bool isManager, MailTrace? trace = null, TimeProvider? time = null)
    {
        SidCid address = isManager ? new(ManagerSid, resident.Id.Value * CidPerId) : default;
        var part = new MailboxServerPart(isManager, trace) { Address = address };
        var slots = new MailboxSlots(resident.Window, MailboxGeometry.Read(resident.Window));
        slots.SetAddress(resident.Id, address);
        part._endpoint = MailboxEndpoint.Start(resident, new()
        {
            Name = part.ClassText,
            ClassText = part.ClassText,
            Answers = false,
            AsksServer = false,
            Handler = part.Take,
            Trace = part.OnTrace,
            KeepsOwnSlot = true,
            Time = time ?? TimeProvider.System,
        });
        return part;
    }

    /// <summary>A client joined, or is still there after a restart: it is asked who it is. From any thread.</summary>
    /// <param name="id">Its number.</param>
    public void PeerJoined(PeerId id)
    {
        lock (_gate) _records[id] = new();
        Ask(id);
    }

    /// <summary>A client left. From any thread; what it left in its slot is the caller's to clear.</summary>
    /// <param name="id">Its number.</param>
    public void PeerLeft(PeerId id)
    {
        lock (_gate) _ = _records.Remove(id);
        _endpoint.Forget(id);
    }

    /// <summary>What is known of a client.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>Its attributes, the address it acknowledged, messages taken from it and sent to it.</returns>
    public (string Attributes, SidCid Address, long Received, long Sent) KnownOf(PeerId id)
    {
        lock (_gate) return _records.TryGetValue(id, out Record? record) ? (record.Attributes, record.Address, record.Received, record.Sent) : ("", default, 0, 0);
    }

    /// <summary>Ends the server's part; the resident stays.</summary>
    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    private void OnTrace(bool isSent, PeerId peer, ReadOnlySpan<byte> message)
    {
        if (isSent)
            lock (_gate)
                if (_records.TryGetValue(peer, out Record? record)) record.Sent++;
        _trace?.Invoke(isSent, peer, message);
    }

    // On the endpoint's loop.
    private void Take(PeerId from, ReadOnlySpan<byte> bytes)
    {
        bool isFirst;
        lock (_gate)
        {
            if (!_records.TryGetValue(from, out Record? record)) _records[from] = record = new();   // a peer that nobody announced: a forged source, or a guest faster than the news of it
            record.Received++;
            isFirst = record.Received == 1 && record.Attributes.Length == 0;
        }
        if (FabricMessage.Parse(bytes) is { } message) Answer(from, message);
        if (isFirst && KnownOf(from).Attributes.Length == 0) Ask(from);
    }

    private void Answer(PeerId from, FabricMessage message)
    {
        switch (message.Word)
        {
            case FabricWord.Ping: Reply(from, message, FabricMessage.Pong); break;
            case FabricWord.AttributeQuery: Reply(from, message, FabricMessage.AttributesOf(ClassText, Address)); break;
            case FabricWord.Attributes: Note(from, MailboxText.Pairs(message)); break;
            case FabricWord.Refusal: Note(from, MailboxText.Line($"NAK {message.Reason}")); break;
            case FabricWord.RequestForConfiguration when _isManager: Assign(from, message); break;
            case FabricWord.RequestForConfiguration: Reply(from, message, FabricMessage.RefusalFor("this server manages nothing")); break;
            case FabricWord.Acknowledgment: Acknowledged(from, message); break;
            case FabricWord.Malformed: Reply(from, message, FabricMessage.RefusalFor(message.Reason)); break;
        }
    }

    private void Assign(PeerId to, FabricMessage request)
    {
        ulong tag;
        lock (_gate)
        {
            tag = ++_nextTag;
            Record record = _records[to];
            (record.Tag, record.Offered) = (tag, new(ManagerSid, to.Value * CidPerId));
        }
        Reply(to, request, FabricMessage.Assign(Address, new(ManagerSid, to.Value * CidPerId), tag));
    }

    private void Acknowledged(PeerId from, FabricMessage message)
    {
        lock (_gate)
        {
            if (!_records.TryGetValue(from, out Record? record) || record.Tag == 0 || record.Tag != message.Tag) return;   // late, doubled, or made up
            record.Tag = 0;
            if (message.ValueOf("Reason") != "OK") return;
            record.Address = record.Offered;
        }
        Ask(from);
    }

    private void Note(PeerId from, string attributes)
    {
        lock (_gate)
            if (_records.TryGetValue(from, out Record? record)) record.Attributes = attributes;
    }

    private void Ask(PeerId id) => _endpoint.Post(id, FabricMessage.AttributeQuery, _questionTimeout);

    private void Reply(PeerId to, FabricMessage question, FabricMessage answer) => _endpoint.Post(to, answer.InReplyTo(question));

    private sealed class Record
    {
        public string Attributes { get; set; } = "";
        public SidCid Address { get; set; }
        public SidCid Offered { get; set; }
        public ulong Tag { get; set; }
        public long Received { get; set; }
        public long Sent { get; set; }
    }
}
