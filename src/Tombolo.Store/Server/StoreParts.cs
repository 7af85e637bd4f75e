// SPDX-License-Identifier: MIT
using System.Globalization;
using Microsoft.Extensions.Logging;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>Everything a store's server holds: made anew, read from a journal, or taken over from a keeper.</summary>
internal sealed class StoreParts : IDisposable
{
    private readonly StoreServerOptions _options;
    private readonly FileLock _lock;
    private readonly FileLock? _journalLock;

    private StoreParts(StoreServerOptions options, FileLock held, FileLock? journalLock, StoreMemory memory, StoreEngine engine, Persistence persistence, SafeFd listener) =>
        (_options, _lock, _journalLock, Memory, Engine, Persistence, Listener) = (options, held, journalLock, memory, engine, persistence, listener);

    public StoreMemory Memory { get; }
    public StoreEngine Engine { get; }
    public Persistence Persistence { get; }
    public SafeFd Listener { get; }

    /// <summary>Connections that were taken over.</summary>
    public List<Connection> Found { get; private init; } = [];

    /// <summary>Sockets that the keeper held for no slot: accepted, and nothing more.</summary>
    public List<SafeFd> Orphans { get; private init; } = [];

    public bool TookOver { get; private init; }

    public static string NameOf(int slot, bool isRing) => string.Create(CultureInfo.InvariantCulture, $"{(isRing ? "ring" : "conn")}.{slot}");

    /// <summary>Makes or takes over everything.</summary>
    /// <exception cref="StoreException">A living server is there already, or what was left cannot be used.</exception>
    /// <exception cref="TomboloException">The kernel refused, or the keeper cannot be started.</exception>
    public static StoreParts Open(StoreServerOptions options, ILogger log)
    {
        FileLock held = FileLock.TryTake(options.SocketPath + ".lock", out int owner) ?? throw new StoreException(SocketClaim.Alive(options.SocketPath, owner).Message);
        FileLock? journalLock = null;
        KeeperLink? keeper = null;
        Dictionary<string, List<SafeFd>> kept = [];
        try
        {
            if (options.JournalPath is { } path)
                journalLock = FileLock.TryTake(path + ".lock", out owner) ?? throw new StoreException($"The process {owner} has the journal '{path}' already; stop it, or choose another file.");
            if (options.KeeperCommand.Count > 0)
            {
                keeper = KeeperLink.TryConnect(options.KeeperPath) ?? KeeperLink.Launch(options.KeeperCommand, options.KeeperPath);
                kept = keeper.TakeAll();
            }
            StoreParts parts = Make(options, log, held, journalLock, keeper, kept);
            return parts;
        }
        catch
        {
            foreach (SafeFd fd in kept.Values.SelectMany(fds => fds)) fd.Dispose();
            keeper?.Dispose();
            journalLock?.Dispose();
            held.Dispose();
            throw;
        }
    }

    /// <summary>Entrusts everything to a keeper.</summary>
    public void Entrust(KeeperLink keeper, IEnumerable<Connection> connections)
    {
        Persistence.Keeper = keeper;
        keeper.Store("listener", Listener);
        if (_options.JournalPath is null && Persistence.Journal is { } journal) keeper.Store("journal", journal.Descriptor);
        foreach (Connection connection in connections) Entrust(keeper, connection);
        keeper.Store("memory", Memory.Descriptor);   // last: without it, nothing is taken over
    }

    public static void Entrust(KeeperLink keeper, Connection connection)
    {
        if (connection is RingConnection { Ring: var ring }) keeper.Store(NameOf(connection.Slot, isRing: true), ring.Memory, ring.ToServer, ring.ToDomain);
        else keeper.Store(NameOf(connection.Slot, isRing: false), connection.Descriptor);
    }

    /// <summary>An orderly end: nothing is left but the journal's file, and the keeper ends too.</summary>
    public void Dispose()
    {
        Persistence.Keeper?.Quit();
        Persistence.Keeper?.Dispose();
        File.Delete(_options.SocketPath);
        Listener.Dispose();
        Persistence.Dispose();
        Memory.Dispose();
        _journalLock?.Dispose();
        _lock.Dispose();
    }

    private static StoreParts Make(StoreServerOptions options, ILogger log, FileLock held, FileLock? journalLock, KeeperLink? keeper, Dictionary<string, List<SafeFd>> kept)
    {
        StoreMemory? memory = kept.TryGetValue("memory", out List<SafeFd>? kind) && kind.Count == 1 ? StoreMemory.TryOpen(kind[0]) : null;
        if (memory is null && kind is not null)
            throw new StoreException($"The keeper at '{options.KeeperPath}' holds a store of another version; end that keeper to begin anew.");
        bool tookOver = memory is not null;
        memory ??= StoreMemory.Create(options.MaxConnections);
        Persistence persistence = new(options, memory, log) { KeepsSessions = keeper is not null, Keeper = keeper, Engine = null! };
        StoreEngine engine = new(options.Quotas, persistence);
        persistence.Engine = engine;
        Recovery recovery = new(options, memory, engine, kept);
        ulong epoch = recovery.Run(tookOver);
        persistence.Connections = () => recovery.Connections;
        if (!persistence.TryCompact(0, epoch + 1)) throw new StoreException($"The journal {(options.JournalPath is { } path ? $"'{path}' " : "")}cannot be written; see the log.");
        SafeFd? listener = tookOver && kept.TryGetValue("listener", out List<SafeFd>? old) && Path.Exists(options.SocketPath) ? old[0] : null;
        if (listener is null)
        {
            if (SocketClaim.Clear(options.SocketPath)) Log.StaleSocket(log, options.SocketPath);
            listener = UnixSocket.Listen(options.SocketPath, UnixSocketKind.Stream, options.SocketMode, options.SocketGroup);
        }
        StoreParts parts = new(options, held, journalLock, memory, engine, persistence, listener) { Found = recovery.Connections, Orphans = recovery.Orphans, TookOver = tookOver };
        foreach (string name in recovery.Unclaimed) keeper?.Remove(name);
        if (keeper is not null) parts.Entrust(keeper, recovery.Connections);
        if (tookOver) Log.TookOver(log, recovery.Connections.Count, recovery.Connections.Sum(connection => connection.Watches.Count));
        return parts;
    }
}
