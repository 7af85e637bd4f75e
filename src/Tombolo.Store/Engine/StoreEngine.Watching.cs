// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

internal sealed partial class StoreEngine
{
    // WATCH, UNWATCH, RESET_WATCHES, and telling the watchers.

    private readonly Dictionary<string, StorePermissions> _specials = new(StringComparer.Ordinal)
    {
        [StorePath.IntroduceDomain] = StoreTree.Empty.Permissions,
        [StorePath.ReleaseDomain] = StoreTree.Empty.Permissions,
    };

    private WatchIndex IndexOf(ReadOnlySpan<byte> path) => path[0] == (byte)'@' ? _specialWatches : _watches;

    private StoreError Watch(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TryTake(ref payload, out ReadOnlySpan<byte> text) || !StoreText.TrySingle(payload, out ReadOnlySpan<byte> token)) return StoreError.EINVAL;
        ReadOnlySpan<byte> path = text;
        if (!StorePath.IsSpecial(text) && !StorePath.TryResolve(text, session.Home, _path, out path)) return StoreError.EINVAL;
        if (Find(session, path, token) is not null) return StoreError.EEXIST;
        if (!session.IsPrivileged && _watchCounts[session.Domain] >= _quotas.Watches)
            return OverQuota(session, "Watches", $"It has {_watchCounts[session.Domain]} watches, as many as it may", StoreError.E2BIG);
        if (!_sink.HasRoom(32 + path.Length + token.Length)) return NoRoom();
        bool isRelative = text[0] is not ((byte)'/' or (byte)'@');
        StoreWatch watch = Restore(session, path, token, isRelative ? session.Home.Length + 1 : 0);
        _sink.WatchAdded(watch);
        Acknowledge(session, header);
        Send(watch, path);   // once at the start, so that the watcher need not look before it watches
        return StoreError.None;
    }

    /// <summary>Registers a watch, without an event.</summary>
    public StoreWatch Restore(StoreSession session, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token, int homeBytes)
    {
        StoreWatch watch = new(session, path.ToArray(), token.ToArray(), homeBytes);
        session.Watches.Add(watch);
        _watchCounts.Add(session.Domain, 1);
        IndexOf(path).Add(watch);
        return watch;
    }

    /// <summary>Takes a watch back, told of a journal.</summary>
    public bool Drop(StoreSession session, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        if (Find(session, path, token) is not { } watch) return false;
        _ = session.Watches.Remove(watch);
        _watchCounts.Add(session.Domain, -1);
        IndexOf(path).Remove(watch);
        return true;
    }

    private StoreError Unwatch(StoreSession session, in StoreHeader header, ReadOnlySpan<byte> payload)
    {
        if (!StoreText.TryTake(ref payload, out ReadOnlySpan<byte> text) || !StoreText.TrySingle(payload, out ReadOnlySpan<byte> token)) return StoreError.EINVAL;
        ReadOnlySpan<byte> path = text;
        if (!StorePath.IsSpecial(text) && !StorePath.TryResolve(text, session.Home, _path, out path)) return StoreError.EINVAL;
        if (Find(session, path, token) is not { } watch) return StoreError.ENOENT;
        if (!_sink.HasRoom(32 + path.Length + token.Length)) return NoRoom();
        _ = Drop(session, path, token);
        _sink.WatchRemoved(watch);
        Acknowledge(session, header);
        return StoreError.None;
    }

    private StoreError ResetWatches(StoreSession session, in StoreHeader header)
    {
        int bytes = 0;
        foreach (StoreWatch watch in session.Watches) bytes += 32 + watch.Path.Length + watch.Token.Length;
        if (!_sink.HasRoom(bytes)) return NoRoom();
        foreach (StoreWatch watch in session.Watches) _sink.WatchRemoved(watch);
        foreach (StoreTransaction transaction in session.Transactions) _sink.TransactionEnded(session, transaction.Id);
        Forget(session);
        Acknowledge(session, header);
        return StoreError.None;
    }

    private static StoreWatch? Find(StoreSession session, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        foreach (StoreWatch watch in session.Watches)
            if (watch.IsSame(path, token)) return watch;
        return null;
    }

    // Tells everybody who watches the changed path or one above it; after a removal also those who watch a node that went with it.
    private void Announce(in StoreChange change, StoreNode? before)
    {
        if (_watches.IsEmpty) return;
        if (before is null && change.Kind is ChangeKind.Remove or ChangeKind.Permissions) return;
        ReadOnlySpan<byte> path = change.Path;
        StoreNode? now = change.Kind == ChangeKind.Remove ? null : StoreTree.Find(_root, path);
        StoreNode above = StoreTree.Deepest(_root, StorePath.Above(path), out _);
        WatchIndex at = _watches;
        ReadOnlySpan<byte> rest = path.Length == 1 ? default : path;
        Tell(at, path, now, before, above);
        while (!rest.IsEmpty)
        {
            if (at.Below(StorePath.TakePart(ref rest)) is not { } next) return;
            Tell(at = next, path, now, before, above);
        }
        if (change.Kind == ChangeKind.Remove && before is not null) TellBelow(at, path.ToArray(), before);
    }

    private static void TellBelow(WatchIndex at, byte[] path, StoreNode gone)
    {
        foreach (StoreNode child in gone.Children.From(0))
        {
            if (at.Below(child.Name) is not { } below) continue;
            byte[] whole = [.. path, (byte)'/', .. child.Name];
            Tell(below, whole, null, child, gone);
            TellBelow(below, whole, child);
        }
    }

    private static void Tell(WatchIndex index, ReadOnlySpan<byte> path, StoreNode? now, StoreNode? before, StoreNode above)
    {
        foreach (StoreWatch watch in index.Here)
            if (MayHear(watch.Session, now, before, above)) Send(watch, path);
    }

    // Whoever may read the node, might read it before, or may read its parent's list of names.
    private static bool MayHear(StoreSession session, StoreNode? now, StoreNode? before, StoreNode above) =>
        session.IsPrivileged || Reads(session, now) || Reads(session, before) || Reads(session, above);

    private static bool Reads(StoreSession session, StoreNode? node) => node is not null && (session.AccessTo(node) & StoreAccess.Read) != 0;

    private static void Send(StoreWatch watch, ReadOnlySpan<byte> path)
    {
        StoreSession session = watch.Session;
        // A relative watch on the home itself does not exist: relative paths have at least one part, so an event's path is longer than what is cut off.
        ReadOnlySpan<byte> shown = path[watch.HomeBytes..];
        int payload = shown.Length + watch.Token.Length + 2;
        if (watch.IsOverdue) return;   // what is on its way says this too
        if (!session.TryEvent(16 + payload, out Span<byte> room))
        {
            watch.IsOverdue = session.HasOverdue = true;
            return;
        }
        new StoreHeader(StoreOperation.WatchEvent, 0, 0, (uint)payload).Write(room);
        int at = 16 + Put(room[16..], shown);
        at += Put(room[at..], watch.Token);
        session.Advance(at);
    }
}
