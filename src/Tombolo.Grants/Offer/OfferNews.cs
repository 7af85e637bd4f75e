// SPDX-License-Identifier: MIT
using System.Threading.Channels;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>What an offer's side waits for: changes of the keys, in their order, and events of its port.</summary>
internal sealed class OfferNews : IAsyncDisposable
{
    private const int Most = 1024;   // of news that wait: whoever may write the keys, or notify, decides how many there are

    private readonly Channel<string?> _news = Channel.CreateBounded<string?>(Most);
    private readonly Lock _saying = new();   // one at a time writes to _news
    private readonly string _path;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _watching;
    private CancellationTokenSource? _listening;

    /// <param name="store">Watched, borrowed.</param>
    /// <param name="path">The node above the keys. All of them are watched at once, so that their changes come in order.</param>
    public OfferNews(StoreClient store, string path)
    {
        _path = path;
        _watching = WatchAsync(store, path);
    }

    /// <summary>Waits for news.</summary>
    /// <returns>The path that changed; the node above for "look again"; null: the port's event.</returns>
    public ValueTask<string?> NextAsync(CancellationToken cancel) => _news.Reader.ReadAsync(cancel);

    /// <summary>Has somebody look again.</summary>
    public void Poke() => Say(null);

    /// <summary>From now on hears this port, and no other.</summary>
    public void Hear(EventChannel? port)
    {
        _listening?.Cancel();
        _listening?.Dispose();
        _listening = null;
        if (port is null) return;
        _listening = new();
        _ = HearAsync(port, _listening.Token);
    }

    public async ValueTask DisposeAsync()
    {
        Hear(null);
        await _ending.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
    }

    // Where nobody takes them, what waits and this become "look again".
    private void Say(string? news)
    {
        lock (_saying)
        {
            if (_news.Writer.TryWrite(news)) return;
            while (_news.Reader.TryRead(out _)) { }
            _ = _news.Writer.TryWrite(_path);
        }
    }

    private async Task WatchAsync(StoreClient store, string path)
    {
        try
        {
            await foreach (StoreEvent change in store.WatchAsync(path, _ending.Token)) Say(change.Path);
            _ = _news.Writer.TryComplete(new StoreException("The store's connection ended."));
        }
        catch (Exception exception) { _ = _news.Writer.TryComplete(exception); }
    }

    private async Task HearAsync(EventChannel port, CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                await port.WaitAsync(cancel);
                Say(null);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException) { }   // the port is closed, or another one is heard
    }
}
