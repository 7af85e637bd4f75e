// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>Finds out what a dead server left: nodes from the journal; connections, with what they watch, from the keeper.</summary>
internal sealed class Recovery(StoreServerOptions options, StoreMemory memory, StoreEngine engine, Dictionary<string, List<SafeFd>> kept) : IJournalReader
{
    private readonly Dictionary<ulong, Connection> _byNumber = [];
    private readonly HashSet<(ulong Connection, uint Id)> _open = [];
    private bool _isTakeover;

    public List<Connection> Connections { get; } = [];

    public List<SafeFd> Orphans { get; } = [];

    /// <summary>Names that the keeper may forget.</summary>
    public List<string> Unclaimed { get; } = [];

    /// <summary>Brings the engine to where the dead server was.</summary>
    /// <param name="isTakeover">The memory is a dead server's; otherwise only the journal's file counts.</param>
    /// <returns>The journal's epoch.</returns>
    public ulong Run(bool isTakeover)
    {
        _isTakeover = isTakeover;
        if (isTakeover)
        {
            memory.CarryOut();
            memory.FinishCall();
            FindConnections();
        }
        ulong epoch = ReadJournal();
        foreach ((ulong number, uint id) in _open)
            if (_byNumber.TryGetValue(number, out Connection? owner)) engine.RestoreTransaction(owner, id);
        foreach (Connection connection in Connections)
        {
            uint flags = memory[connection.Slot].Flags;
            connection.WantsDetails = (flags & 2) != 0;
            if (engine.Domains.TryGetValue(connection.Domain, out StoreDomain? domain)) connection.Target = domain.Target;
            if ((flags & 1) == 0) continue;
            connection.HasOverdue = true;
            foreach (StoreWatch watch in connection.Watches) watch.IsOverdue = true;
        }
        return epoch;
    }

    public void Change(in StoreChange change) => engine.Replay(change);

    public void Watch(ulong connection, int homeBytes, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        if (_byNumber.TryGetValue(connection, out Connection? session)) _ = engine.Restore(session, path, token, homeBytes);
    }

    public void Unwatch(ulong connection, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        if (_byNumber.TryGetValue(connection, out Connection? session)) _ = engine.Drop(session, path, token);
    }

    public void Transaction(ulong connection, uint id, bool isBegin)
    {
        if (isBegin) _ = _open.Add((connection, id));
        else _ = _open.Remove((connection, id));
    }

    public void DomainKnown(DomainId domain, DomainId? target)
    {
        if (_isTakeover) engine.Know(domain, target);
    }

    public void DomainGone(DomainId domain)
    {
        if (_isTakeover) engine.Unknow(domain);
    }

    private void FindConnections()
    {
        for (int slot = 0; slot < memory.SlotCount; slot++)
        {
            SlotState state = memory[slot].State;
            if (state == SlotState.Free) continue;
            bool isRing = state == SlotState.Ring;
            if (kept.Remove(StoreParts.NameOf(slot, isRing), out List<SafeFd>? fds) && fds.Count == (isRing ? 3 : 1) && TryResume(slot, fds) is { } connection)
            {
                Connections.Add(connection);
                _byNumber[connection.Number] = connection;
            }
            else memory[slot].State = SlotState.Free;   // it went in the moment of the death
        }
        foreach ((string name, List<SafeFd> fds) in kept)
        {
            bool isSocket = name.StartsWith("conn.", StringComparison.Ordinal);
            if (!isSocket && !name.StartsWith("ring.", StringComparison.Ordinal)) continue;
            Unclaimed.Add(name);
            if (isSocket) Orphans.AddRange(fds);
            else fds.ForEach(fd => fd.Dispose());
        }
    }

    private Connection? TryResume(int slot, List<SafeFd> fds)
    {
        ref Slot mine = ref memory[slot];
        DomainId domain = new((ushort)mine.Domain);
        try
        {
            return mine.State == SlotState.Ring
                ? new RingConnection(memory, slot, new(fds[0], mine.RingOffset, fds[1], fds[2]), domain, options.Quotas.Events, isTakenOver: true)
                : new SocketConnection(memory, slot, fds[0], UnixSocket.CredentialsOf(fds[0]), domain, options.Quotas.Events);
        }
        catch (LinuxException) { return null; }
    }

    private ulong ReadJournal()
    {
        (ulong, long)? limit = _isTakeover ? (memory.JournalEpoch, memory.JournalTail) : null;
        if (options.JournalPath is not { } path)
            return kept.TryGetValue("journal", out List<SafeFd>? held) && _isTakeover ? Checked(Journal.TryRead(held[0], limit, this, out ulong kin), "that the keeper holds", kin) : 0;
        if (!File.Exists(path)) return 0;
        using SafeFd file = SharedFile.Open(path);
        return Checked(Journal.TryRead(file, limit, this, out ulong epoch), $"'{path}'", epoch);
    }

    private static ulong Checked(string? fault, string which, ulong epoch) =>
        fault is null ? epoch : throw new StoreException($"The journal {which} {fault}; move it away to begin anew.");
}
