// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>The server of an offer: gives messages to whoever accepts, one after the other, through one granted page.</summary>
/// <remarks>
/// Theory of operation. <code>offered --client_id ≠ 0: grant the page, make the port, write msg_len, gnt_ref, evt_chn_port--> joined --message: fill the page, write msg_len--> posted --msg_len = 0--> joined</code>
/// What is read together and written together is so in one transaction, so that a kill between two steps leaves keys as before or after. A client that comes again (it was killed) finds the same page and
/// port, with the message that nobody took; another domain gets pages of its own. The page is filled before its length is written, and nobody reads it before. One caller at a time.
/// Source: docs/specs/grants.md, "Offer and accept".
/// </remarks>
public sealed class GrantOffer : IAsyncDisposable
{
    private readonly StoreClient _store;
    private readonly IDomain _domain;
    private readonly OfferKeys _keys;
    private readonly OfferNews _news;
    private GrantedPages? _pages;
    private EventChannel? _port;
    private bool _isPosted;

    private GrantOffer(StoreClient store, IDomain domain, OfferKeys keys)
    {
        (_store, _domain, _keys) = (store, domain, keys);
        _news = new(store, keys.Path);
    }

    /// <summary>The longest message in bytes: a page.</summary>
    public const int MaxMessage = IGrants.PageBytes;

    /// <summary>Who accepted last; null until somebody did.</summary>
    public DomainId? Client => _pages?.To;

    /// <summary>Begins an offer.</summary>
    /// <param name="store">A client of the store, borrowed.</param>
    /// <param name="domain">The own standing, borrowed; not domain 0, since 0 means nobody in the keys.</param>
    /// <param name="keys">Where the keys are; null for the default.</param>
    /// <exception cref="GrantException">The keys are not there (<see cref="GrantFault.Lost"/>), or this is domain 0 (<see cref="GrantFault.BadDomain"/>).</exception>
    /// <exception cref="StoreException">The store refused.</exception>
    public static async Task<GrantOffer> StartAsync(StoreClient store, IDomain domain, OfferKeys? keys = null)
    {
        RefuseZero(domain);
        keys ??= new();
        await store.TransactAsync(async all =>
        {
            foreach (string name in OfferKeys.Names) _ = await OfferKeys.ReadAsync(all, $"{keys.Path}/{name}");
            await OfferKeys.WriteAsync(all, keys.Reference, 0);   // what a killed server left
            await OfferKeys.WriteAsync(all, keys.MessageLength, 0);
            await OfferKeys.WriteAsync(all, keys.Port, 0);
            await OfferKeys.WriteAsync(all, keys.ServerId, domain.Id.Value);
        });
        return new(store, domain, keys);
    }

    /// <summary>Gives a message to whoever accepts.</summary>
    /// <param name="message">1 to <see cref="MaxMessage"/> bytes.</param>
    /// <param name="cancel">Gives up: the message may be taken all the same.</param>
    /// <returns>When it was taken.</returns>
    /// <exception cref="ArgumentException">The message is empty or too long.</exception>
    /// <exception cref="GrantException">The quota does not allow a page or a port, another server has taken the place, or the grants' service is gone.</exception>
    /// <exception cref="StoreException">The store refused, or is gone.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancel = default)
    {
        if (message.Length is 0 or > MaxMessage) throw new ArgumentException($"The message has {message.Length} bytes; it must have 1 to {MaxMessage}.", nameof(message));
        _isPosted = false;
        while (!await StepAsync(message)) _ = await _news.NextAsync(cancel);
    }

    /// <summary>Ends the offer: the keys say so, and the page is revoked. Whoever accepted keeps what it has mapped until it notices.</summary>
    public async ValueTask DisposeAsync()
    {
        await _news.DisposeAsync();
        try
        {
            await _store.TransactAsync(async all =>
            {
                if (await OfferKeys.ReadAsync(all, _keys.ServerId) != _domain.Id.Value) return;
                foreach (string key in (string[])[_keys.ServerId, _keys.Reference, _keys.MessageLength, _keys.Port]) await OfferKeys.WriteAsync(all, key, 0);
            });
        }
        catch (Exception exception) when (exception is StoreException or GrantException) { }   // the store is gone, or the keys are: nobody is told
        _port?.Dispose();
        _pages?.Dispose();
    }

    internal static void RefuseZero(IDomain domain)
    {
        if (domain.Id == DomainId.Privileged) throw new GrantException(GrantFault.BadDomain, "Domain 0 can neither offer nor accept, since 0 in the keys means nobody; stand as another domain.");
    }

    // Looks, and does what is to be done. True: the message was taken.
    private async Task<bool> StepAsync(ReadOnlyMemory<byte> message)
    {
        (uint server, uint client, uint left) = await _store.TransactAsync(async all =>
            (await OfferKeys.ReadAsync(all, _keys.ServerId), await OfferKeys.ReadAsync(all, _keys.ClientId), await OfferKeys.ReadAsync(all, _keys.MessageLength)));
        if (server != _domain.Id.Value) throw new GrantException(GrantFault.Lost, $"Another server (domain {server}) has taken the place at '{_keys.Path}'.");
        if (_isPosted && left == 0) return true;
        if (client is not 0 and <= DomainId.Highest) await JoinAsync(new((ushort)client), message);
        else if (!_isPosted && _pages is not null) await PostAsync(message);
        return false;
    }

    private async Task JoinAsync(DomainId client, ReadOnlyMemory<byte> message)
    {
        if (_pages is { } old && old.To != client)
        {
            _news.Hear(null);
            _port?.Dispose();
            old.Dispose();
            _pages = null;
        }
        if (_pages is null)
        {
            _pages = _domain.Grants.Grant(client);
            _port = _domain.Events.AllocateUnbound(client);
            _news.Hear(_port);
        }
        bool wasPosted = _isPosted;
        if (!wasPosted) Fill(message);
        bool isJoined = await _store.TransactAsync(async all =>   // it may run several times: nothing here may change because of that
        {
            if (wasPosted && await OfferKeys.ReadAsync(all, _keys.MessageLength) == 0) return false;   // taken by the one before, in this moment
            if (await OfferKeys.ReadAsync(all, _keys.ClientId) != client.Value) return false;
            await OfferKeys.WriteAsync(all, _keys.ClientId, 0);
            await OfferKeys.WriteAsync(all, _keys.MessageLength, (uint)message.Length);
            await OfferKeys.WriteAsync(all, _keys.Reference, _pages.References[0].Value);
            await OfferKeys.WriteAsync(all, _keys.Port, _port!.Port.Value);
            return true;
        });
        if (isJoined) _isPosted = true;
        _news.Poke();
    }

    private async Task PostAsync(ReadOnlyMemory<byte> message)
    {
        Fill(message);
        await OfferKeys.WriteAsync(_store, _keys.MessageLength, (uint)message.Length);
        _isPosted = true;
        _port!.Notify();
    }

    private void Fill(ReadOnlyMemory<byte> message) => _pages!.Window.View(0, MaxMessage).CopyIn(0, message.Span);
}
