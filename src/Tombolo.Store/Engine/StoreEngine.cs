// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>The store itself: what each operation means. No sockets, no files, no clock: the same requests in the same order give the same answers.</summary>
/// <remarks>
/// Theory of operation. The tree is immutable; <see cref="Root"/> is replaced whole, so a transaction begins by keeping it, and whoever reads it on another thread needs no lock.
/// One thread calls <see cref="Handle"/>. A request is checked (syntax, path, permissions, quota), then its change is applied, told to the sink, and its events are put into the watchers' streams
/// before the reply goes into the caller's. Within a transaction, changes apply to the transaction's own tree; nothing is told to anybody before the commit.
/// Source: Xen docs/misc/xenstore.txt, and the measured behaviour of xenstored 4.17.
/// </remarks>
internal sealed partial class StoreEngine
{
    private readonly IEngineSink _sink;
    private readonly StoreQuotas _quotas;
    private readonly DomainCounts _counts = new(), _watchCounts = new(), _transactionCounts = new();
    private readonly WatchIndex _watches = new(), _specialWatches = new();
    private readonly Dictionary<DomainId, StoreDomain> _domains = [];
    private readonly byte[] _path = new byte[StorePath.MaxAbsoluteBytes];
    private StoreNode _root;
    private ulong _stamp;
    private string _detail = "";

    public StoreEngine(StoreQuotas quotas, IEngineSink sink)
    {
        (_quotas, _sink) = (quotas, sink);
        _root = StoreTree.Empty;
        _counts.AddAll(_root, 1);
    }

    /// <summary>The tree as it is. Any thread may keep it.</summary>
    public StoreNode Root => Volatile.Read(ref _root);

    public DomainCounts Counts => _counts;

    public StoreQuotas Quotas => _quotas;

    public IReadOnlyDictionary<DomainId, StoreDomain> Domains => _domains;

    /// <summary>Answers one request.</summary>
    /// <param name="session">Whose it is; it has room for a reply.</param>
    /// <param name="header">Checked by the caller for its length alone.</param>
    /// <param name="payload">As many bytes as the header says.</param>
    public void Handle(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        StoreTransaction? transaction = null;
        if (header.TransactionId != 0)
        {
            if (!TakesTransaction(header.Operation))
            {
                Fail(session, header, header.Operation == StoreOperation.TransactionStart ? StoreError.EBUSY : StoreError.EINVAL);
                return;
            }
            if ((transaction = session.Transaction(header.TransactionId)) is null)
            {
                Fail(session, header, StoreError.ENOENT);
                return;
            }
            if (header.Operation != StoreOperation.TransactionEnd && !session.IsPrivileged && transaction.Nodes >= _quotas.TransactionNodes)
            {
                // Also for one that only looks: what it has seen is remembered until its end.
                Fail(session, header, OverQuota(session, "TransactionNodes", $"The transaction touches {transaction.Nodes} nodes, as many as it may", StoreError.ENOSPC));
                return;
            }
        }
        StoreError error = header.Operation switch
        {
            StoreOperation.Read => Read(session, transaction, header, payload),
            StoreOperation.Directory => Directory(session, transaction, header, payload),
            StoreOperation.DirectoryPart => DirectoryPart(session, transaction, header, payload),
            StoreOperation.GetPermissions => GetPermissions(session, transaction, header, payload),
            StoreOperation.Write => Write(session, transaction, header, payload),
            StoreOperation.MakeDirectory => MakeDirectory(session, transaction, header, payload),
            StoreOperation.Remove => Remove(session, transaction, header, payload),
            StoreOperation.SetPermissions => SetPermissions(session, transaction, header, payload),
            StoreOperation.TransactionStart => TransactionStart(session, header),
            StoreOperation.TransactionEnd => TransactionEnd(session, transaction, header, payload),
            StoreOperation.Watch => Watch(session, header, payload),
            StoreOperation.Unwatch => Unwatch(session, header, payload),
            StoreOperation.ResetWatches => ResetWatches(session, header),
            StoreOperation.GetDomainPath => GetDomainPath(session, header, payload),
            StoreOperation.IsDomainIntroduced => IsDomainIntroduced(session, header, payload),
            StoreOperation.Control => Control(session, header, payload),
            StoreOperation.Introduce or StoreOperation.Release or StoreOperation.Resume or StoreOperation.SetTarget =>
                session.IsPrivileged ? Privileged(session, header, payload) : StoreError.EACCES,
            _ => StoreError.ENOSYS,
        };
        if (error != StoreError.None) Fail(session, header, error);
    }

    /// <summary>A session is over: what it watched and began is forgotten.</summary>
    public void Forget(StoreSession session)
    {
        foreach (StoreWatch watch in session.Watches) IndexOf(watch.Path).Remove(watch);
        _watchCounts.Add(session.Domain, -session.Watches.Count);
        _transactionCounts.Add(session.Domain, -session.TransactionCount);
        session.Watches.Clear();
        session.EndAll();
    }

    /// <summary>Sends what had no room before. Call it when there is some again.</summary>
    public static void CatchUp(StoreSession session)
    {
        if (!session.HasOverdue) return;
        session.HasOverdue = false;
        foreach (StoreWatch watch in session.Watches)
        {
            if (!watch.IsOverdue) continue;
            watch.IsOverdue = false;
            Send(watch, watch.Path);
            if (watch.IsOverdue) return;   // no room again
        }
    }

    private static bool TakesTransaction(StoreOperation operation) => operation is StoreOperation.Read or StoreOperation.Directory or StoreOperation.DirectoryPart or StoreOperation.GetPermissions
        or StoreOperation.Write or StoreOperation.MakeDirectory or StoreOperation.Remove or StoreOperation.SetPermissions or StoreOperation.TransactionEnd;

    private ulong NextStamp() => ++_stamp;

    // Checks what reading operations have in common. The path, made absolute, stays in the engine's buffer until the next request.
    private StoreError Look(StoreSession session, StoreTransaction? transaction, ReadOnlySpan<byte> text, Aspects aspects, out StoreNode node)
    {
        node = null!;
        if (StorePath.IsSpecial(text)) return Special(session, text, out node);
        if (!StorePath.TryResolve(text, session.Home, _path, out ReadOnlySpan<byte> path)) return StoreError.EINVAL;
        transaction?.See(path, session.IsPrivileged ? aspects : aspects | Aspects.Permissions);
        StoreNode root = transaction?.Root ?? _root;
        StoreNode deepest = StoreTree.Deepest(root, path, out int used);
        bool isThere = used == path.Length || path.Length == 1;
        // Who may not read here is not told whether there is anything (xenstored: errno_from_parents).
        if ((session.AccessTo(deepest) & StoreAccess.Read) == 0) return StoreError.EACCES;
        if (!isThere) return StoreError.ENOENT;
        node = deepest;
        return StoreError.None;
    }

    private StoreError Read(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text) || StorePath.IsSpecial(text)) return StoreError.EINVAL;
        if (Look(session, transaction, text, Aspects.Value, out StoreNode node) is var error && error != StoreError.None) return error;
        Answer(session, header, node.Value);
        return StoreError.None;
    }

    private StoreError GetPermissions(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text)) return StoreError.EINVAL;
        if (Look(session, transaction, text, Aspects.Permissions, out StoreNode node) is var error && error != StoreError.None) return error;
        int bytes = node.Permissions.Write(session.Reply()[16..(16 + StoreHeader.MaxPayload)]);
        if (bytes < 0) return StoreError.E2BIG;
        Finish(session, header, bytes);
        return StoreError.None;
    }

    private StoreError Directory(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text) || StorePath.IsSpecial(text)) return StoreError.EINVAL;
        if (Look(session, transaction, text, Aspects.Children, out StoreNode node) is var error && error != StoreError.None) return error;
        Span<byte> room = session.Reply()[16..(16 + StoreHeader.MaxPayload)];
        int at = 0;
        foreach (StoreNode child in node.Children.From(0))
        {
            if (room.Length - at < child.Name.Length + 1) return StoreError.E2BIG;   // DIRECTORY_PART is for this
            at += Put(room[at..], child.Name);
        }
        Finish(session, header, at);
        return StoreError.None;
    }

    // "path\0offset\0", where the offset counts bytes of the whole list; answered with "generation\0", names, and one more zero at the list's end.
    private StoreError DirectoryPart(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TryTake(ref payload, out ReadOnlySpan<byte> text) || !StoreText.TrySingle(payload, out ReadOnlySpan<byte> number) || StorePath.IsSpecial(text)
            || !StoreText.TryNumber(number, int.MaxValue, out ulong offset)) return StoreError.EINVAL;
        if (Look(session, transaction, text, Aspects.Children, out StoreNode node) is var error && error != StoreError.None) return error;
        Span<byte> room = session.Reply()[16..(16 + StoreHeader.MaxPayload)];
        _ = System.Buffers.Text.Utf8Formatter.TryFormat(node.ChildrenStamp, room, out int at);
        room[at++] = 0;
        ulong skipped = 0;
        bool isWhole = true;
        foreach (StoreNode child in node.Children.From(0))
        {
            if (skipped < offset)
            {
                skipped += (ulong)child.Name.Length + 1;
                continue;
            }
            if (room.Length - at < child.Name.Length + 2)
            {
                isWhole = false;
                break;
            }
            at += Put(room[at..], child.Name);
        }
        if (isWhole) room[at++] = 0;
        Finish(session, header, at);
        return StoreError.None;
    }

    private static int Put(Span<byte> room, ReadOnlySpan<byte> name)
    {
        name.CopyTo(room);
        room[name.Length] = 0;
        return name.Length + 1;
    }

    private static void Answer(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        payload.CopyTo(session.Reply()[16..]);
        Finish(session, header, payload.Length);
    }

    private static void Acknowledge(StoreSession session, in StoreHeader header) => Answer(session, header, "OK\0"u8);

    // The payload is in its place: the header before it, and out.
    private static void Finish(StoreSession session, in StoreHeader header, int bytes)
    {
        (header with { Length = (uint)bytes }).Write(session.Reply());
        session.Advance(16 + bytes);
    }

    private void Fail(StoreSession session, in StoreHeader header, StoreError error)
    {
        Span<byte> room = session.Reply()[16..];
        ReadOnlySpan<byte> name = StoreErrors.NameOf(error);
        int bytes = Put(room, name);
        if (session.WantsDetails && _detail.Length > 0) bytes += Put(room[bytes..], System.Text.Encoding.UTF8.GetBytes(_detail));
        _detail = "";
        Finish(session, header with { Operation = StoreOperation.Error }, bytes);
    }
}
