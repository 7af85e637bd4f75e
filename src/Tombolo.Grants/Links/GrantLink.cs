// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Channels;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A stream of bytes, or messages both ways, between two domains, through pages that one of them granted: what libxenvchan is on Xen, with our rings.</summary>
/// <remarks>
/// The side that offers grants the pages, lays a channel area out in them, and writes two nodes that the other domain may read: <c>ring-ref</c>, runs of references such as <c>8+133</c>, and
/// <c>event-channel</c>. The other side maps, binds, and opens. While both are busy nobody rings. When a side dies, the other one reads what is left and is told; it disposes its link, and a new one
/// can be made at the same path. Source: docs/specs/grants.md, "Links"; docs/specs/channels.md.
/// </remarks>
public sealed class GrantLink : IDisposable, IAsyncDisposable
{
    private const string StreamName = "stream", UpName = "up", DownName = "down";
    private static readonly ChannelAreaOptions _area = new() { Entries = 4, Parties = 2 };

    private readonly IDisposable _pages;
    private readonly EventChannel _port;
    private readonly FabricParty _party;
    private readonly ChannelArea _channels;
    private readonly (StoreClient Store, string Path)? _nodes;

    private GrantLink(IDisposable pages, Window window, EventChannel port, bool isOfferer, GrantLinkOptions options, (StoreClient, string)? nodes)
    {
        (_pages, _port, _nodes) = (pages, port, nodes);
        _party = new(new GrantFabric(port, isOfferer), options.Party);
        try { _channels = ChannelArea.Open(window, _party, _area with { Creates = isOfferer }); }
        catch
        {
            _party.Dispose();
            throw;
        }
    }

    /// <summary>The stream, where the link carries bytes. Disposed with the link.</summary>
    public ChannelStream? Stream { get; private set; }

    /// <summary>Where to send messages, where the link carries them. Disposed with the link.</summary>
    public RingProducer? Out { get; private set; }

    /// <summary>Where messages come from, where the link carries them. Disposed with the link.</summary>
    public RingConsumer? In { get; private set; }

    /// <summary>Makes a link, for another domain to accept. It can be used at once: what is sent waits in the pages.</summary>
    /// <param name="store">Where the nodes are made, borrowed; the path must be writable for this client. They are removed with the link.</param>
    /// <param name="domain">The own standing, borrowed.</param>
    /// <param name="peer">Who may accept.</param>
    /// <param name="path">The node above <c>ring-ref</c> and <c>event-channel</c>.</param>
    /// <param name="options">Its shape; null for the defaults.</param>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    /// <exception cref="GrantException">A quota is used up, or the service is gone.</exception>
    /// <exception cref="StoreException">The store refused.</exception>
    public static async Task<GrantLink> OfferAsync(StoreClient store, IDomain domain, DomainId peer, string path, GrantLinkOptions? options = null)
    {
        options ??= new();
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        GrantedPages pages = domain.Grants.Grant(peer, PagesFor(options.CapacityBytes));
        EventChannel? port = null;
        GrantLink? link = null;
        try
        {
            port = domain.Events.AllocateUnbound(peer);
            link = new(pages, pages.Window, port, isOfferer: true, options, (store, path));
            link.Make(options);
            StorePermissions permissions = StorePermissions.Parse(string.Create(CultureInfo.InvariantCulture, $"n{domain.Id} r{peer}"));
            EventPort made = port.Port;
            await store.TransactAsync(async all =>
            {
                foreach ((string name, string value) in ((string, string)[])[("ring-ref", ReferenceRuns.Of(pages.References)), ("event-channel", made.ToString())])
                {
                    await all.WriteAsync($"{path}/{name}", value);
                    await all.SetPermissionsAsync($"{path}/{name}", permissions);
                }
            });
            return link;
        }
        catch
        {
            if (link is not null) link.Dispose();
            else
            {
                port?.Dispose();
                pages.Dispose();
            }
            throw;
        }
    }

    /// <summary>Accepts a link that another domain offers, and waits until it does.</summary>
    /// <param name="store">Where the nodes are, borrowed.</param>
    /// <param name="domain">The own standing, borrowed.</param>
    /// <param name="peer">Who offers.</param>
    /// <param name="path">The node above <c>ring-ref</c> and <c>event-channel</c>.</param>
    /// <param name="options">How to wait; null for the defaults.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    /// <exception cref="GrantException">A quota is used up, or the service is gone.</exception>
    /// <exception cref="Tombolo.Wire.ProtocolException">What the pages hold cannot be.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public static async Task<GrantLink> AcceptAsync(StoreClient store, IDomain domain, DomainId peer, string path, GrantLinkOptions? options = null, CancellationToken cancel = default)
    {
        options ??= new();
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        await foreach (StoreEvent _ in store.WatchAsync(path, cancel))
        {
            (string? runs, string? number) = await store.TransactAsync(async all => (await ReadAsync(all, $"{path}/ring-ref"), await ReadAsync(all, $"{path}/event-channel")), cancel);
            if (runs is null || !ReferenceRuns.TryRead(runs, out IReadOnlyList<GrantRef> references) || !uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out uint port)) continue;
            if (TryAccept(domain, peer, references, new(port), options) is { } link) return link;
        }
        throw new OperationCanceledException(cancel);
    }

    /// <summary>How many pages a link takes.</summary>
    /// <param name="capacityBytes">Bytes of each direction's ring.</param>
    public static int PagesFor(int capacityBytes) => (int)((((2L * capacityBytes) + 4095) / 4096) + 4);   // directory, and a block's header for each of at most two channels

    /// <summary>Closes it in order: what was sent stays for the other side. The nodes are removed by the side that offered, soon after: see <see cref="DisposeAsync"/>.</summary>
    public void Dispose() => _ = End();

    /// <summary>Closes it as <see cref="Dispose"/> does, and waits until its nodes are gone from the store.</summary>
    public ValueTask DisposeAsync() => new(End());

    private Task End()
    {
        Stream?.Dispose();
        Out?.Dispose();
        In?.Dispose();
        _channels.Dispose();
        _party.Dispose();
        _port.Dispose();
        Task removed = _nodes is var (store, path) ? RemoveAsync(store, path, ReferenceRuns.Of(((GrantedPages)_pages).References)) : Task.CompletedTask;
        _pages.Dispose();
        return removed;
    }

    // The value is what we wrote: a successor's nodes are not ours to remove. Without it, an accepter finds a reference that has ended, and goes on waiting.
    private static async Task RemoveAsync(StoreClient store, string path, string runs)
    {
        try
        {
            await store.TransactAsync(async all =>
            {
                if (await all.ReadAsync($"{path}/ring-ref") != runs) return;
                _ = await all.RemoveAsync($"{path}/ring-ref");
                _ = await all.RemoveAsync($"{path}/event-channel");
            });
        }
        catch (Exception exception) when (exception is StoreException or ObjectDisposedException) { }
    }

    // A node that may not be read is one that is not ours: not offered to us.
    private static async ValueTask<string?> ReadAsync(StoreReader all, string path)
    {
        try { return await all.ReadAsync(path); }
        catch (StoreException exception) when (exception.Error == StoreError.EACCES) { return null; }
    }

    // Null: what the nodes name has ended, or another process of this domain has it; they will change.
    private static GrantLink? TryAccept(IDomain domain, DomainId peer, IReadOnlyList<GrantRef> references, EventPort remote, GrantLinkOptions options)
    {
        MappedPages? pages = null;
        EventChannel? port = null;
        GrantLink? link = null;
        try
        {
            pages = domain.Grants.Map(peer, references);
            port = domain.Events.BindInterdomain(peer, remote);
            link = new(pages, pages.Window, port, isOfferer: false, options, null);
            link.Open(options);
            return link;
        }
        catch (Exception exception)
        {
            if (link is not null) link.Dispose();
            else
            {
                port?.Dispose();
                pages?.Dispose();
            }
            if (exception is GrantException { Fault: GrantFault.BadReference or GrantFault.BadPort }) return null;
            throw;
        }
    }

    private void Make(GrantLinkOptions options)
    {
        if (options.Kind == GrantLinkKind.Bytes)
        {
            _ = _channels.Create(StreamName, new() { Kind = ChannelKind.Stream, CapacityBytes = options.CapacityBytes });
            Stream = _channels.OpenListener(StreamName, options.Ends);
            return;
        }
        _ = _channels.Create(UpName, new() { CapacityBytes = options.CapacityBytes });
        _ = _channels.Create(DownName, new() { CapacityBytes = options.CapacityBytes });
        In = _channels.OpenConsumer(UpName, options.Ends);
        Out = _channels.OpenProducer(DownName, options.Ends);
    }

    private void Open(GrantLinkOptions options)
    {
        if (_channels.Find(StreamName) is not null)
        {
            Stream = _channels.OpenCaller(StreamName, options.Ends);
            return;
        }
        Out = _channels.OpenProducer(UpName, options.Ends);
        In = _channels.OpenConsumer(DownName, options.Ends);
    }
}
