// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>The client of an offer: takes messages, one after the other, out of the page that the server granted.</summary>
/// <remarks>
/// Theory of operation. <code>announced --gnt_ref ≠ 0: reset it, map the page--> joined --msg_len ≠ 0: read as many bytes, then write 0--> joined</code>
/// The keys' changes are heard in their order. A write of server_id is a server that begins: what the one before granted is worth nothing any more, and this client announces itself again, unless its
/// announcement still stands, or the new server has answered it. A message counts as taken once the caller asks for the next one: a client that is killed before gets it again after its restart, so that
/// none is lost. Source: docs/specs/grants.md, "Offer and accept".
/// </remarks>
public sealed class GrantAccept : IAsyncDisposable
{
    private readonly StoreClient _store;
    private readonly IDomain _domain;
    private readonly OfferKeys _keys;
    private readonly OfferNews _news;
    private MappedPages? _pages;
    private EventChannel? _port;
    private bool _hadServer, _isOver;

    private GrantAccept(StoreClient store, IDomain domain, OfferKeys keys)
    {
        (_store, _domain, _keys) = (store, domain, keys);
        _news = new(store, keys.Path);
    }

    private readonly record struct Table(uint Server, uint Reference, uint Length, uint Port);

    /// <summary>Whose messages these are; null until the first.</summary>
    public DomainId? Server => _pages?.From;

    /// <summary>Announces this domain. The server need not be there yet.</summary>
    /// <param name="store">A client of the store, borrowed.</param>
    /// <param name="domain">The own standing, borrowed; not domain 0.</param>
    /// <param name="keys">Where the keys are; null for the default.</param>
    /// <exception cref="GrantException">The keys are not there, or this is domain 0.</exception>
    /// <exception cref="StoreException">The store refused.</exception>
    public static async Task<GrantAccept> StartAsync(StoreClient store, IDomain domain, OfferKeys? keys = null)
    {
        GrantOffer.RefuseZero(domain);
        keys ??= new();
        await store.TransactAsync(async all =>
        {
            foreach (string name in OfferKeys.Names) _ = await OfferKeys.ReadAsync(all, $"{keys.Path}/{name}");
            await OfferKeys.WriteAsync(all, keys.ClientPort, 0);
            await OfferKeys.WriteAsync(all, keys.Reference, 0);   // an answer to one before us
            await OfferKeys.WriteAsync(all, keys.ClientId, domain.Id.Value);
        });
        return new(store, domain, keys);
    }

    /// <summary>Takes messages until the server ends its offer.</summary>
    /// <param name="most">How many to take at the most.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>Each message. It counts as taken when the next one is asked for.</returns>
    /// <exception cref="GrantException">The service that hands grants over is gone, or a quota is used up.</exception>
    /// <exception cref="StoreException">The store refused, or is gone.</exception>
    /// <exception cref="Tombolo.Wire.ProtocolException">The server says a length that no page has.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public async IAsyncEnumerable<byte[]> ReceiveAllAsync(long most = long.MaxValue, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        while (!_isOver && most > 0)
        {
            string? news = await _news.NextAsync(cancel);
            if (news == _keys.ServerId || news == _keys.Path) await LookAtServerAsync();
            while (!_isOver && most > 0 && await TakeAsync() is { } message)
            {
                yield return message;
                await AcknowledgeAsync();
                most--;
                await BindAsync();
            }
            await BindAsync();
        }
    }

    /// <summary>Ends: the page is unmapped, the port closed, and the announcement taken back if it still stands.</summary>
    public async ValueTask DisposeAsync()
    {
        await _news.DisposeAsync();
        LetGo();
        try
        {
            await _store.TransactAsync(async all =>
            {
                if (await OfferKeys.ReadAsync(all, _keys.ClientId) == _domain.Id.Value) await OfferKeys.WriteAsync(all, _keys.ClientId, 0);
                await OfferKeys.WriteAsync(all, _keys.ClientPort, 0);
            });
        }
        catch (Exception exception) when (exception is StoreException or GrantException) { }   // the store is gone, or the keys are: nobody is told
    }

    // A server began, or ended; or something changed, and nobody knows what.
    private async Task LookAtServerAsync()
    {
        uint server = await _store.TransactAsync(async all =>
        {
            uint found = await OfferKeys.ReadAsync(all, _keys.ServerId);
            if (found != 0 && await OfferKeys.ReadAsync(all, _keys.ClientId) == 0 && await OfferKeys.ReadAsync(all, _keys.Reference) == 0)
                await OfferKeys.WriteAsync(all, _keys.ClientId, _domain.Id.Value);
            return found;
        });
        if (server == 0) _isOver = _hadServer;
        LetGo();
    }

    // A message that is there, or null. First a page, if there is a new one.
    private async Task<byte[]?> TakeAsync()
    {
        Table table = await _store.TransactAsync(async all =>
        {
            Table found = new(await OfferKeys.ReadAsync(all, _keys.ServerId), await OfferKeys.ReadAsync(all, _keys.Reference), await OfferKeys.ReadAsync(all, _keys.MessageLength), await OfferKeys.ReadAsync(all, _keys.Port));
            if (found.Reference != 0) await OfferKeys.WriteAsync(all, _keys.Reference, 0);
            return found;
        });
        if (table.Reference != 0 && table.Server is not 0 and <= DomainId.Highest)
        {
            LetGo();
            try { _pages = _domain.Grants.Map(new((ushort)table.Server), [new(table.Reference)], writable: false); }
            catch (GrantException exception) when (exception.Fault == GrantFault.BadReference) { return null; }   // of a server that was killed; the next one writes server_id
            _hadServer = true;
        }
        if (_pages is null || table.Length == 0) return null;
        if (table.Length > GrantOffer.MaxMessage)
            throw new Wire.ProtocolException(Wire.WireFault.PayloadTooLong, $"Domain {table.Server} offers a message of {table.Length} bytes at '{_keys.Path}'; a page has {GrantOffer.MaxMessage}.");
        byte[] message = new byte[table.Length];
        _pages.Window.View(0, message.Length).CopyOut(0, message);
        return message;
    }

    // Unless a server has begun meanwhile: then the length is that of another message.
    private async Task AcknowledgeAsync()
    {
        await _store.TransactAsync(async all =>
        {
            if (await OfferKeys.ReadAsync(all, _keys.Reference) == 0) await OfferKeys.WriteAsync(all, _keys.MessageLength, 0);
        });
        _port?.Notify();
    }

    private async Task BindAsync()
    {
        if (_port is not null || _pages is null) return;
        uint port = await OfferKeys.ReadAsync(_store, _keys.Port);
        if (port == 0) return;   // not made yet; its key's change is heard
        try { _port = _domain.Events.BindInterdomain(_pages.From, new(port)); }
        catch (GrantException exception) when (exception.Fault == GrantFault.BadPort) { return; }   // another process of this domain has it, or the server was killed; the keys' changes are heard anyway
        _news.Hear(_port);
        await OfferKeys.WriteAsync(_store, _keys.ClientPort, _port.Port.Value);
    }

    private void LetGo()
    {
        _news.Hear(null);
        _port?.Dispose();
        _pages?.Dispose();
        (_port, _pages) = (null, null);
    }
}
