// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Store;

namespace Tombolo.Fuzz.Targets;

/// <summary>Requests of two domains to a store: each is answered once, counts stay right, and what the journal hears gives the same tree.</summary>
internal sealed class StoreRequestTarget : IFuzzTarget
{
    private static readonly string[] _words = ["/a\0", "/a/b\0", "data/x\0", "/local/domain/5/data\0", "T\0", "F\0", "n5\0", "b0\0r5\0", "@releaseDomain\0", "t\0", "0\0", "5\0", "5\x001\x001\0", "check\0", "quota\0", "/a\0t\0"];

    public string Name => "store-request";

    public IReadOnlyList<byte[]> Words { get; } = [.. _words.Select(Encoding.Latin1.GetBytes)];

    public IEnumerable<byte[]> Seeds()
    {
        yield return Script((11, 0, 0, "/a/b\0v"), (2, 0, 0, "/a/b\0"), (1, 0, 0, "/a\0"), (13, 0, 0, "/a\0"));
        yield return Script((11, 0, 0, "/local/domain/5/data\0"), (14, 0, 0, "/local/domain/5/data\0n5\0"), (11, 1, 0, "data/x\x001"), (4, 1, 0, "data\0t\0"), (13, 0, 0, "/local\0"));
        yield return Script((6, 0, 0, "\0"), (2, 0, 1, "/\0"), (11, 0, 1, "/a\0v"), (11, 0, 0, "/b\0v"), (7, 0, 1, "T\0"));
        yield return Script((8, 0, 0, "5\x001\x001\0"), (19, 0, 0, "5\x005\0"), (9, 0, 0, "5\0"), (17, 0, 0, "5\0"), (22, 0, 0, "/\x000\0"), (21, 1, 0, "\0"), (0, 0, 0, "check\0"));
    }

    public string Run(ReadOnlySpan<byte> input)
    {
        var script = new ByteScript(input);
        var sink = new Sink();
        StoreEngine engine = new(new() { Nodes = 20, Watches = 5, Transactions = 3, TransactionNodes = 10, ValueBytes = 40, Permissions = 3 }, sink);
        Session[] sessions = [new(0), new(5)];
        string outcome = "nothing";
        for (uint i = 1; !script.IsAtEnd && i < 200; i++)
        {
            byte operation = script.Byte(), flags = script.Byte();
            ReadOnlySpan<byte> payload = script.Bytes(script.Byte());
            Session session = sessions[flags & 1];
            engine.Handle(session, new((StoreOperation)operation, i, (uint)(flags >> 1) & 7, (uint)payload.Length), payload);
            FuzzFinding.Require(session.Replies == 1 && session.Last.RequestId == i, $"Request {i} was answered {session.Replies} times.");
            FuzzFinding.Require(session.Last.Operation == StoreOperation.Error || (byte)session.Last.Operation == operation, "The answer is of another operation.");
            session.Replies = 0;
            outcome = $"{(StoreOperation)Math.Min(operation, (byte)23)} {(session.Last.Operation == StoreOperation.Error ? session.Text.Split('\0')[0] : "done")}{(session.Last.TransactionId == 0 ? "" : " in a transaction")}";
        }
        Session host = new(0);
        engine.Handle(host, new(StoreOperation.Control, 1, 0, 6), "check\0"u8);
        FuzzFinding.Require(host.Text == "OK\0", $"The counts are wrong: {host.Text}");
        StoreEngine again = new(new(), new Sink());
        JournalWriter written = new();
        foreach (StoreChange change in sink.Changes) written.Change(change);
        FuzzFinding.Require(JournalEntries.TryRead(written.Written, new Replayer(again)), "What was written to the journal cannot be read.");
        FuzzFinding.Require(Dump(again.Root) == Dump(engine.Root), "The journal gives another tree.");
        foreach (Session session in sessions) engine.Forget(session);
        return $"{outcome}, {(sink.Changes.Count > 3 ? "many" : sink.Changes.Count)} changes";
    }

    public void Dispose() { }

    internal static string Dump(StoreNode node) => $"{Encoding.Latin1.GetString(node.Name)}={Encoding.Latin1.GetString(node.Value)}({node.Permissions}){{{string.Concat(node.Children.From(0).Select(Dump))}}}";

    private static byte[] Script(params (byte Operation, byte Domain, byte Transaction, string Payload)[] requests) =>
        [.. requests.SelectMany(one => (byte[])[one.Operation, (byte)(one.Domain | (one.Transaction << 1)), (byte)one.Payload.Length, .. Encoding.Latin1.GetBytes(one.Payload)])];

    private sealed class Session(ushort domain) : StoreSession(new(domain))
    {
        private readonly byte[] _room = new byte[MessageBytes];

        public int Replies { get; set; }

        public StoreHeader Last { get; private set; }

        public string Text { get; private set; } = "";

        public override Span<byte> Reply() => _room;

        public override bool TryEvent(int bytes, out Span<byte> room)
        {
            room = _room;
            return bytes <= _room.Length;
        }

        public override void Advance(int bytes)
        {
            FuzzFinding.Require(StoreHeader.TryRead(_room, out StoreHeader header) && bytes == 16 + header.Length && header.Length <= StoreHeader.MaxPayload, "A message's length is wrong.");
            if (header.Operation == StoreOperation.WatchEvent) return;
            (Replies, Last, Text) = (Replies + 1, header, Encoding.Latin1.GetString(_room, 16, (int)header.Length));
        }
    }

    internal sealed class Replayer(StoreEngine engine) : IJournalReader
    {
        public void Change(in StoreChange change) => engine.Replay(change);
        public void Watch(ulong connection, int homeBytes, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token) { }
        public void Unwatch(ulong connection, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token) { }
        public void Transaction(ulong connection, uint id, bool isBegin) { }
        public void DomainKnown(DomainId domain, DomainId? target) => engine.Know(domain, target);
        public void DomainGone(DomainId domain) => engine.Unknow(domain);
    }

    internal sealed class Sink : IEngineSink
    {
        public List<StoreChange> Changes { get; } = [];
        public bool HasRoom(int bytes) => true;
        public void Changed(in StoreChange change) => Changes.Add(change);
        public void WatchAdded(StoreWatch watch) { }
        public void WatchRemoved(StoreWatch watch) { }
        public void TransactionBegun(StoreSession session, uint id) { }
        public void TransactionEnded(StoreSession session, uint id) { }
        public void DomainKnown(DomainId domain, DomainId? target) { }
        public void DomainGone(DomainId domain) { }
        public void QuotaHit(DomainId domain, string quota, string sentence) { }
    }
}
