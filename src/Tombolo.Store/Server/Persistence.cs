// SPDX-License-Identifier: MIT
using System.Text;
using Microsoft.Extensions.Logging;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>Keeps what must outlive the server: the journal, and in the server's memory what is committed.</summary>
internal sealed class Persistence(StoreServerOptions options, StoreMemory memory, ILogger log) : IEngineSink, IDisposable
{
    private const int Margin = 512;   // of a request's own small entries

    private readonly JournalWriter _pending = new();
    private readonly HashSet<(DomainId, string)> _said = [];
    private Journal? _journal;
    private bool _isFull;

    /// <summary>Whether sessions are kept too: there is a keeper to hold their sockets.</summary>
    public bool KeepsSessions { get; init; }

    public required StoreEngine Engine { get; set; }

    public Func<IEnumerable<Connection>> Connections { get; set; } = static () => [];

    public KeeperLink? Keeper { get; set; }

    public Journal? Journal => _journal;

    public long QuotaHits { get; private set; }

    private bool Wants => options.JournalPath is not null || KeepsSessions;

    /// <summary>Whether something waits to be committed.</summary>
    public bool HasPending => !_pending.Written.IsEmpty;

    /// <summary>Commits what a request did, before anybody is told.</summary>
    /// <param name="touched">Connections with new output or input taken.</param>
    public void Commit(List<Connection> touched)
    {
        if (HasPending)
        {
            if (_journal is { } journal && journal.Fits(_pending.Written.Length)) journal.Append(_pending.Written);
            _pending.Clear();
        }
        else if (touched.Count == 1)
        {
            touched[0].CommitAlone();
            return;
        }
        if (!KeepsSessions || _journal is null)
        {
            foreach (Connection connection in touched) connection.CommitAlone();
            return;
        }
        Span<(int, ulong)> parts = touched.Count <= 64 ? stackalloc (int, ulong)[touched.Count] : new (int, ulong)[touched.Count];
        for (int i = 0; i < touched.Count; i++) parts[i] = (touched[i].Slot, touched[i].Progress);
        memory.Commit(parts, _journal.Tail);
    }

    public bool HasRoom(int bytes)
    {
        if (_journal is null) return !Wants || !_isFull;
        return _journal.Fits(_pending.Written.Length + bytes + Margin) || TryCompact(bytes + Margin);
    }

    /// <summary>Writes the journal anew, with what is so now.</summary>
    /// <param name="needed">Room that it must have besides.</param>
    /// <param name="epoch">The journal's; null: one more than the last.</param>
    public bool TryCompact(long needed, ulong? epoch = null)
    {
        if (!Wants) return true;
        try
        {
            JournalWriter all = new();
            Describe(all);
            long begin = Journal.Needed(all.Written.Length);
            Journal fresh = Journal.Create(options.JournalPath, Math.Max(options.JournalBytes, (Journal.HeaderBytes + (4 * begin) + (2 * Journal.Needed(needed)) + 4095) & ~4095L), epoch ?? ((_journal?.Epoch ?? 0) + 1));
            if (!all.Written.IsEmpty) fresh.Append(all.Written);
            fresh.Publish();
            if (options.JournalPath is null) Keeper?.Store("journal", fresh.Descriptor);
            memory.SetJournal(fresh.Epoch, fresh.Tail);
            _journal?.Dispose();
            _journal = fresh;
            _isFull = false;
            return true;
        }
        catch (LinuxException exception)
        {
            if (!_isFull) Log.JournalFull(log, exception.Message);
            _isFull = true;
            return false;
        }
    }

    public void Changed(in StoreChange change)
    {
        if (_journal is not null) _pending.Change(change);
    }

    public void WatchAdded(StoreWatch watch)
    {
        if (KeepsSessions && watch.Session is Connection connection) _pending.Watch(connection.Number, watch);
    }

    public void WatchRemoved(StoreWatch watch)
    {
        if (KeepsSessions && watch.Session is Connection connection) _pending.Unwatch(connection.Number, watch);
    }

    public void TransactionBegun(StoreSession session, uint id)
    {
        if (KeepsSessions && session is Connection connection) _pending.Transaction(connection.Number, id, isBegin: true);
    }

    public void TransactionEnded(StoreSession session, uint id)
    {
        if (KeepsSessions && session is Connection connection) _pending.Transaction(connection.Number, id, isBegin: false);
    }

    public void DomainKnown(DomainId domain, DomainId? target)
    {
        if (KeepsSessions) _pending.DomainKnown(domain, target);
    }

    public void DomainGone(DomainId domain)
    {
        if (KeepsSessions) _pending.DomainGone(domain);
        _ = _said.RemoveWhere(pair => pair.Item1 == domain);
    }

    public void QuotaHit(DomainId domain, string quota, string sentence)
    {
        QuotaHits++;
        if (_said.Add((domain, quota))) Log.QuotaHit(log, sentence);   // once for each domain and quota: a domain that tries on fills no log
    }

    public void Dispose() => _journal?.Dispose();

    private void Describe(JournalWriter all)
    {
        Describe(all, Engine.Root, []);
        foreach ((string path, StorePermissions permissions) in Engine.Specials)
            if (!permissions.Equals(StoreTree.Empty.Permissions)) all.Change(new(ChangeKind.Permissions, Encoding.ASCII.GetBytes(path), default, [], permissions));
        if (!KeepsSessions) return;
        foreach ((DomainId domain, StoreDomain known) in Engine.Domains) all.DomainKnown(domain, known.Target);
        foreach (Connection connection in Connections())
        {
            foreach (StoreWatch watch in connection.Watches) all.Watch(connection.Number, watch);
            foreach (StoreTransaction transaction in connection.Transactions) all.Transaction(connection.Number, transaction.Id, isBegin: true);
        }
    }

    private static void Describe(JournalWriter all, StoreNode node, byte[] path)
    {
        byte[] shown = path.Length == 0 ? "/"u8.ToArray() : path;
        all.Change(new(ChangeKind.Write, shown, default, node.Value, null));
        all.Change(new(ChangeKind.Permissions, shown, default, [], node.Permissions));
        foreach (StoreNode child in node.Children.From(0)) Describe(all, child, [.. path, (byte)'/', .. child.Name]);
    }
}
