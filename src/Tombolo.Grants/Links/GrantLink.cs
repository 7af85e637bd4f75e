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
    private (StoreClient Store, string Path)? _nodes;

    private GrantLink(IDisposable pages, IReadOnlyList<GrantRef> references, Window window, EventChannel port, bool isOfferer, GrantLinkOptions options)
    {
        (_pages, References, _port) = (pages, references, port);
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

    /// <summary>The pages' references, in order: what the other side needs to accept.</summary>
    public IReadOnlyList<GrantRef> References { get; }

    /// <summary>The own port; of the side that offers, it is what the other side needs to accept.</summary>
    public EventPort Port => _port.Port;

    /// <summary>Makes a link without a store: the caller tells the other side <see cref="References"/> and <see cref="Port"/>.</summary>
    /// <param name="domain">The own standing, borrowed.</param>
    /// <param name="peer">Who may accept.</param>
    /// <param name="options">Its shape; null for the defaults.</param>
    /// <exception cref="ArgumentException">The settings have problems.</exception>
    /// <exception cref="GrantException">A quota is used up, or the service is gone.</exception>
    public static GrantLink Offer(IDomain domain, DomainId peer, GrantLinkOptions? options = null)
    {
        options = Checked(options);
        GrantedPages pages = domain.Grants.Grant(peer, PagesFor(options.CapacityBytes));
        EventChannel? port = null;
        GrantLink? link = null;
        try
        {
            port = domain.Events.AllocateUnbound(peer);
            link = new(pages, pages.References, pages.Window, port, isOfferer: true, options);
            link.Make(options);
            return link;
        }
        catch
        {
            Undo(link, port, pages);
            throw;
        }
    }

    /// <summary>Accepts a link of which the other side told the references and the port.</summary>
    /// <param name="domain">The own standing, borrowed.</param>
    /// <param name="peer">Who offers.</param>
    /// <param name="references">The other side's <see cref="References"/>.</param>
    /// <param name="port">The other side's <see cref="Port"/>.</param>
    /// <param name="options">How to wait; null for the defaults.</param>
    /// <exception cref="ArgumentException">The settings have problems, or there are no references.</exception>
    /// <exception cref="GrantException"><see cref="GrantFault.BadReference"/>, <see cref="GrantFault.BadPort"/>: it has ended, or somebody else accepted it; a quota is used up, or the service is gone.</exception>
    /// <exception cref="Tombolo.Wire.ProtocolException">What the pages hold cannot be.</exception>
    public static GrantLink Accept(IDomain domain, DomainId peer, IReadOnlyList<GrantRef> references, EventPort port, GrantLinkOptions? options = null)
    {
        options = Checked(options);
        MappedPages? pages = null;
        EventChannel? bound = null;
        GrantLink? link = null;
        try
        {
            pages = domain.Grants.Map(peer, references);
            bound = domain.Events.BindInterdomain(peer, port);
            link = new(pages, pages.References, pages.Window, bound, isOfferer: false, options);
            link.Open(options);
            return link;
        }
        catch
        {
            Undo(link, bound, pages);
            throw;
        }
    }

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
        GrantLink link = Offer(domain, peer, options);
        link._nodes = (store, path);
        try
        {
            StorePermissions permissions = StorePermissions.Parse(string.Create(CultureInfo.InvariantCulture, $"n{domain.Id} r{peer}"));
            await store.TransactAsync(async all =>
            {
                foreach ((string name, string value) in ((string, string)[])[("ring-ref", ReferenceRuns.Of(link.References)), ("event-channel", link.Port.ToString())])
                {
                    await all.WriteAsync($"{path}/{name}", value);
                    await all.SetPermissionsAsync($"{path}/{name}", permissions);
                }
            });
            return link;
        }
        catch
        {
            link.Dispose();
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
        options = Checked(options);
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
        Task removed = _nodes is var (store, path) ? RemoveAsync(store, path, ReferenceRuns.Of(References)) : Task.CompletedTask;
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
        try { return Accept(domain, peer, references, remote, options); }
        catch (GrantException exception) when (exception.Fault is GrantFault.BadReference or GrantFault.BadPort) { return null; }
    }

    private static GrantLinkOptions Checked(GrantLinkOptions? options)
    {
        options ??= new();
        string[] problems = [.. options.Problems()];
        return problems.Length == 0 ? options : throw new ArgumentException(string.Join(' ', problems), nameof(options));
    }

    private static void Undo(GrantLink? link, EventChannel? port, IDisposable? pages)
    {
        if (link is not null)
        {
            link.Dispose();
            return;
        }
        port?.Dispose();
        pages?.Dispose();
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
