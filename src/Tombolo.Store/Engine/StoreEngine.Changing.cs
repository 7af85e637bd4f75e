// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

internal sealed partial class StoreEngine
{
    // WRITE, MKDIR, RM, SET_PERMS: checked, then applied to the tree or to the transaction.

    private StoreError Write(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TryTake(ref payload, out ReadOnlySpan<byte> text) || !StorePath.TryResolve(text, session.Home, _path, out ReadOnlySpan<byte> path)) return StoreError.EINVAL;
        if (CheckMaking(session, transaction, path, out _) is var error && error != StoreError.None) return error;
        if (!session.IsPrivileged && payload.Length > _quotas.ValueBytes)
            return OverQuota(session, "ValueBytes", $"A value of {payload.Length} bytes is more than the {_quotas.ValueBytes} that a domain's node may hold", StoreError.ENOSPC);
        return Change(session, transaction, header, new(ChangeKind.Write, path.ToArray(), session.Domain, payload.ToArray(), null));
    }

    private StoreError MakeDirectory(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text) || !StorePath.TryResolve(text, session.Home, _path, out ReadOnlySpan<byte> path)) return StoreError.EINVAL;
        if (CheckMaking(session, transaction, path, out bool exists) is var error && error != StoreError.None) return error;
        if (!exists) return Change(session, transaction, header, new(ChangeKind.Make, path.ToArray(), session.Domain, [], null));
        Acknowledge(session, header);
        return StoreError.None;
    }

    private StoreError Remove(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> text) || !StorePath.TryResolve(text, session.Home, _path, out ReadOnlySpan<byte> path) || path.Length == 1) return StoreError.EINVAL;
        transaction?.See(path, Aspects.Presence | Aspects.Permissions);
        StoreNode root = transaction?.Root ?? _root;
        StoreNode deepest = StoreTree.Deepest(root, path, out int used);
        if ((session.AccessTo(deepest) & StoreAccess.Write) == 0) return StoreError.EACCES;
        if (used == path.Length) return Change(session, transaction, header, new(ChangeKind.Remove, path.ToArray(), session.Domain, [], null));
        if (used != path.LastIndexOf((byte)'/')) return StoreError.ENOENT;   // its parent is missing too
        Acknowledge(session, header);                                         // gone already
        return StoreError.None;
    }

    private StoreError SetPermissions(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TryTake(ref payload, out ReadOnlySpan<byte> text) || !StorePermissions.TryRead(payload, out StorePermissions permissions)) return StoreError.EINVAL;
        if (StorePath.IsSpecial(text)) return SetSpecial(session, header, text, permissions);
        if (!StorePath.TryResolve(text, session.Home, _path, out ReadOnlySpan<byte> path)) return StoreError.EINVAL;
        transaction?.See(path, Aspects.Presence | Aspects.Permissions);
        StoreNode root = transaction?.Root ?? _root;
        StoreNode node = StoreTree.Deepest(root, path, out int used);
        bool isThere = used == path.Length || path.Length == 1;
        if (isThere ? !session.Owns(node) : (session.AccessTo(node) & StoreAccess.Write) == 0) return StoreError.EACCES;
        if (!isThere) return StoreError.ENOENT;
        if (!session.IsPrivileged && permissions.Owner != node.Permissions.Owner) return StoreError.EPERM;   // nodes cannot be given away: their new owner would pay for them
        if (!session.IsPrivileged && permissions.Entries.Count > _quotas.Permissions)
            return OverQuota(session, "Permissions", $"{permissions.Entries.Count} entries are more than the {_quotas.Permissions} that a node's permissions may have", StoreError.ENOSPC);
        return Change(session, transaction, header, new(ChangeKind.Permissions, path.ToArray(), session.Domain, [], permissions));
    }

    // May the caller write at a path, and make what is missing of it?
    private StoreError CheckMaking(StoreSession session, StoreTransaction? transaction, ReadOnlySpan<byte> path, out bool exists)
    {
        transaction?.See(path, Aspects.Presence | Aspects.Permissions);
        StoreNode root = transaction?.Root ?? _root;
        StoreNode deepest = StoreTree.Deepest(root, path, out int used);
        exists = used == path.Length || path.Length == 1;
        if ((session.AccessTo(deepest) & StoreAccess.Write) == 0) return StoreError.EACCES;
        if (exists || session.IsPrivileged) return StoreError.None;
        int nodes = _counts[session.Domain] + (transaction?.Counts[session.Domain] ?? 0);
        return nodes + StoreChange.MissingNodes(path, used) <= _quotas.Nodes ? StoreError.None
            : OverQuota(session, "Nodes", $"It has {nodes} nodes, and may have {_quotas.Nodes}", StoreError.ENOSPC);
    }

    private StoreError Change(StoreSession session, StoreTransaction? transaction, in StoreHeader header, StoreChange change)
    {
        if (transaction is not null)
        {
            transaction.Change(change, NextStamp());
        }
        else
        {
            if (!_sink.HasRoom(SizeOf(change))) return NoRoom();
            Commit(change);
        }
        Acknowledge(session, header);
        return StoreError.None;
    }

    // The change happens: tree, journal, events.
    private void Commit(in StoreChange change)
    {
        StoreNode root = change.Apply(_root, NextStamp(), _counts, out StoreNode? before);
        Volatile.Write(ref _root, root);
        _sink.Changed(change);
        Announce(change, before);
    }

    /// <summary>Makes a change that is in the journal already, or that the host itself wants. No events.</summary>
    public void Replay(in StoreChange change)
    {
        if (change.Path[0] == (byte)'@') _specials[StoreText.ToText(change.Path)] = change.Permissions!;
        else Volatile.Write(ref _root, change.Apply(_root, NextStamp(), _counts, out _));
    }

    /// <summary>Makes a change for the host itself, as the privileged domain does.</summary>
    public bool TryChange(in StoreChange change)
    {
        if (!_sink.HasRoom(SizeOf(change))) return false;
        Commit(change);
        return true;
    }

    private StoreError NoRoom()
    {
        _detail = "The journal cannot be written.";
        return StoreError.ENOSPC;
    }

    private StoreError OverQuota(StoreSession session, string quota, string reason, StoreError error)
    {
        _detail = $"Domain {session.Domain}: {reason} (quota {quota}).";
        _sink.QuotaHit(session.Domain, quota, _detail);
        return error;
    }

    internal static int SizeOf(in StoreChange change) => 32 + change.Path.Length + change.Value.Length + (8 * (change.Permissions?.Entries.Count ?? 0));

    private StoreError TransactionStart(StoreSession session, in StoreHeader header)
    {
        if (!session.IsPrivileged && _transactionCounts[session.Domain] >= _quotas.Transactions)
            return OverQuota(session, "Transactions", $"It has {_transactionCounts[session.Domain]} open transactions, as many as it may", StoreError.ENOSPC);
        StoreTransaction transaction = session.Begin(_root);
        _transactionCounts.Add(session.Domain, 1);
        _sink.TransactionBegun(session, transaction.Id);
        Span<byte> room = session.Reply()[16..];
        _ = System.Buffers.Text.Utf8Formatter.TryFormat(transaction.Id, room, out int bytes);
        room[bytes++] = 0;
        Finish(session, header, bytes);
        return StoreError.None;
    }

    /// <summary>Notes a transaction that was open when the server was killed: it cannot be committed any more.</summary>
    public void RestoreTransaction(StoreSession session, uint id)
    {
        session.Restore(id, _root).Doom();
        _transactionCounts.Add(session.Domain, 1);
    }

    private StoreError TransactionEnd(StoreSession session, StoreTransaction? transaction, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TrySingle(payload, out ReadOnlySpan<byte> word) || (!word.SequenceEqual("T"u8) && !word.SequenceEqual("F"u8))) return StoreError.EINVAL;
        if (transaction is null) return StoreError.ENOENT;
        StoreError error = word[0] == (byte)'T' ? MayCommit(session, transaction) : StoreError.None;
        session.End(transaction.Id);
        _transactionCounts.Add(session.Domain, -1);
        _sink.TransactionEnded(session, transaction.Id);
        if (error != StoreError.None) return error;
        if (word[0] == (byte)'T') Commit(transaction);
        Acknowledge(session, header);
        return StoreError.None;
    }

    private StoreError MayCommit(StoreSession session, StoreTransaction transaction)
    {
        if (!transaction.Holds(_root)) return StoreError.EAGAIN;
        int bytes = 0;
        foreach (ref readonly StoreChange change in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(transaction.Changes)) bytes += SizeOf(change);
        if (!_sink.HasRoom(bytes)) return NoRoom();
        int nodes = _counts[session.Domain] + transaction.Counts[session.Domain];
        return session.IsPrivileged || transaction.Counts[session.Domain] <= 0 || nodes <= _quotas.Nodes ? StoreError.None
            : OverQuota(session, "Nodes", $"It would have {nodes} nodes, and may have {_quotas.Nodes}", StoreError.ENOSPC);
    }

    private void Commit(StoreTransaction transaction)
    {
        // All changes first, then all events: a watcher that looks finds the whole of it.
        StoreNode root = _root;
        StoreNode?[] before = new StoreNode?[transaction.Changes.Count];
        for (int i = 0; i < before.Length; i++)
        {
            root = transaction.Changes[i].Apply(root, NextStamp(), _counts, out before[i]);
            _sink.Changed(transaction.Changes[i]);
        }
        Volatile.Write(ref _root, root);
        HashSet<byte[]>? told = before.Length > 1 ? new(BytesComparer.Instance) : null;
        for (int i = 0; i < before.Length; i++)
            if (told is null || told.Add(transaction.Changes[i].Path) || transaction.Changes[i].Kind == ChangeKind.Remove) Announce(transaction.Changes[i], before[i]);
    }
}
