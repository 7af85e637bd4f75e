// SPDX-License-Identifier: MIT
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Store;

/// <summary>What a store's server has counted.</summary>
public record struct StoreCounters
{
    /// <summary>Requests answered.</summary>
    public long Requests { get; set; }
    /// <summary>Connections that were made.</summary>
    public long Joins { get; set; }
    /// <summary>Connections that ended.</summary>
    public long Leaves { get; set; }
    /// <summary>Clients that were refused.</summary>
    public long Refused { get; set; }
    /// <summary>How often a quota stopped somebody.</summary>
    public long QuotaHits { get; set; }
}

/// <summary>A store's state in one moment.</summary>
/// <param name="Nodes">How many nodes it holds.</param>
/// <param name="Connections">How many connections are open.</param>
/// <param name="Watches">How many watches they have.</param>
/// <param name="Transactions">How many transactions are open.</param>
/// <param name="Domains">The domains that were introduced.</param>
/// <param name="Counters">What was counted since the server started.</param>
/// <param name="HasKeeper">Whether a keeper holds the connections.</param>
public sealed record StoreSnapshot(int Nodes, int Connections, int Watches, int Transactions, IReadOnlyList<DomainId> Domains, StoreCounters Counters, bool HasKeeper);

/// <summary>A node as the host sees it.</summary>
/// <param name="Name">Its name; empty for the root.</param>
/// <param name="Value">Its value as text.</param>
/// <param name="Permissions">Its permissions.</param>
/// <param name="Children">The names of its children, in order.</param>
public sealed record StoreNodeView(string Name, string Value, StorePermissions Permissions, IReadOnlyList<string> Children);

/// <summary>A store's server: what the clients of XenStore connect to, through a socket or a ring page.</summary>
/// <remarks>It runs on one thread of its own. With a keeper, it can be killed and started again under its clients: requests that they sent are answered, watches go on.</remarks>
public sealed class StoreServer : IAsyncDisposable
{
    private readonly StoreParts _parts;
    private readonly ServerLoop _loop;
    private readonly LoopThread _thread;
    private bool _isDisposed;

    private StoreServer(StoreServerOptions options, ILogger log)
    {
        _parts = StoreParts.Open(options, log);
        _loop = new(options, _parts, log);
        _thread = new("store-server", _loop.Run, exception => Log.LoopFault(log, exception.ToString()));
    }

    /// <summary>Ends when the server does; fails where a fault of ours ended it.</summary>
    public Task Completion => _thread.Completion;

    /// <summary>Whether this server took over the connections of another one, killed.</summary>
    public bool TookOver => _parts.TookOver;

    /// <summary>Starts a server.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="log">Where it says what it does; or null.</param>
    /// <returns>The running server: clients can connect.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="StoreException">A living server is there already, or what a dead one left cannot be used.</exception>
    /// <exception cref="TomboloException">The kernel refused, or the keeper cannot be started. Nothing is left behind.</exception>
    public static StoreServer Start(StoreServerOptions options, ILogger? log = null)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        log ??= NullLogger.Instance;
        var server = new StoreServer(options, log);
        Log.Serving(log, options.SocketPath, server._parts.Engine.Counts.All.Sum(pair => pair.Value), server.TookOver ? "a keeper" : options.JournalPath ?? "nowhere");
        server._thread.Start();
        return server;
    }

    /// <summary>Looks at a node, without a request: any thread, no lock, the newest state.</summary>
    /// <param name="path">An absolute path.</param>
    /// <returns>The node, or null where there is none.</returns>
    public StoreNodeView? Find(string path)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        if (!StorePath.IsAbsolute(bytes) || StoreTree.Find(_parts.Engine.Root, bytes) is not { } node) return null;
        return new(StoreText.ToText(node.Name), StoreText.ToText(node.Value), node.Permissions, [.. node.Children.From(0).Select(child => StoreText.ToText(child.Name))]);
    }

    /// <summary>Makes a domain known, with its ring page and a home of its own, and tells who watches for it.</summary>
    /// <remarks>The home is what Xen's tool stack makes: <c>/local/domain/N</c>, which the domain may read, with its number in <c>domid</c>, and <c>data</c>, which is the domain's. One that is there already, declared (<see cref="StoreServerOptions.Keys"/>) or written, is left alone.</remarks>
    /// <param name="domain">The domain, not 0; a ring that it has already is closed.</param>
    /// <param name="ring">Its ring; null where it has none. Borrowed.</param>
    /// <exception cref="StoreException">There is no place for another connection.</exception>
    public Task IntroduceAsync(DomainId domain, StoreRing? ring = null)
    {
        StoreRing? own = ring?.Duplicate();
        return OnLoopAsync(() => _loop.TryIntroduce(domain, own) ? true : throw CannotIntroduce(domain));
    }

    /// <summary>After a restart: makes sure that a domain which is still there is known, with its ring page. Where this server took the ring over, it goes on as if nothing had been; otherwise the domain is told
    /// by the page's error 1 that its session is lost, and may begin anew.</summary>
    /// <param name="domain">The domain, not 0.</param>
    /// <param name="ring">Its ring. Borrowed.</param>
    /// <exception cref="StoreException">There is no place for another connection.</exception>
    public Task ResumeAsync(DomainId domain, StoreRing ring)
    {
        StoreRing own = ring.Duplicate();
        return OnLoopAsync(() => _loop.TryResume(domain, own) ? true : throw CannotIntroduce(domain));
    }

    /// <summary>From now on, INTRODUCE finds rings there. Of a domain that nobody has, it makes one without a ring known.</summary>
    /// <param name="finder">Knows where rings are.</param>
    public void AddRings(IRingFinder finder) => _loop.Commands.Post(() => _loop.RingFinders.Add(finder));

    /// <summary>No longer; rings that are connected stay so.</summary>
    /// <param name="finder">What <see cref="AddRings"/> was given.</param>
    public void RemoveRings(IRingFinder finder) => _loop.Commands.Post(() => _loop.RingFinders.Remove(finder));

    /// <summary>Forgets a domain: its home, its ring, what it owns, what it was allowed; and tells who watches for it.</summary>
    /// <param name="domain">The domain.</param>
    /// <returns>False where it is not known.</returns>
    public Task<bool> ReleaseAsync(DomainId domain) => OnLoopAsync(() => _loop.TryRelease(domain));

    /// <summary>What the server's state is now.</summary>
    /// <exception cref="ObjectDisposedException">It has ended.</exception>
    public Task<StoreSnapshot> SnapshotAsync() => OnLoopAsync(_loop.Snapshot);

    /// <summary>Stops: connections are closed, nothing is left but the journal's file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _loop.Commands.Post(_loop.Stop);
        await _thread.WhenEndedAsync();
        _parts.Dispose();
        _loop.Dispose();
    }

    private static StoreException CannotIntroduce(DomainId domain) => new($"Domain {domain} cannot be introduced: as many connections are open as there may be, or the journal cannot be written.");

    private Task<T> OnLoopAsync<T>(Func<T> act) => _loop.Commands.AskAsync(act, _thread.Completion, "store's server");
}
