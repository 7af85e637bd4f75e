// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Store;

/// <summary>A client of a store: of ours, or of any server that speaks XenStore's protocol on a UNIX socket.</summary>
/// <remarks>
/// Theory of operation. Many requests may be under way at once; their replies find them by request id. When the server goes away, what was under way fails (nobody knows whether it was done),
/// and the client connects again: watches are registered anew and say "look again", requests that come meanwhile wait. Thread-safe.
/// </remarks>
public sealed class StoreClient : StoreReader, IAsyncDisposable
{
    private readonly StoreClientOptions _options;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();   // guards _watches with what they hold, _link, _connecting
    private readonly Dictionary<string, Watcher> _watches = new(StringComparer.Ordinal);
    private Task<StoreLink> _connecting;
    private StoreLink? _link;
    private Task _tending = Task.CompletedTask;
    private int _lastToken;
    private volatile bool _wantsDetails;

    private sealed record Watcher(string Path, Channel<StoreEvent> Events)
    {
        /// <summary>Where the server was asked for it last.</summary>
        public StoreLink? Link { get; set; }
    }

    private StoreClient(StoreClientOptions options)
    {
        _options = options;
        _connecting = null!;
    }

    /// <summary>Connects to a server.</summary>
    /// <param name="options">Where it is.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="StoreException">Nobody serves there.</exception>
    public static async Task<StoreClient> ConnectAsync(StoreClientOptions options, CancellationToken cancel = default)
    {
        StoreClient client = new(options);
        StoreLink link = await client.OpenAsync(cancel);
        client._link = link;
        client._connecting = Task.FromResult(link);
        client._tending = client.TendAsync();
        return client;
    }

    /// <summary>As above, with the default settings.</summary>
    /// <param name="socketPath">The server's socket.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="StoreException">Nobody serves there.</exception>
    public static Task<StoreClient> ConnectAsync(string socketPath, CancellationToken cancel = default) => ConnectAsync(new StoreClientOptions { SocketPath = socketPath }, cancel);

    /// <summary>Does something in a transaction, and does it again after a conflict.</summary>
    /// <param name="act">Reads and changes through what it is given; it may run several times, so it should do nothing else. An exception gives the transaction up.</param>
    /// <param name="cancel">Gives up between two tries, and while there is no server.</param>
    /// <returns>What the last run gave.</returns>
    /// <exception cref="StoreException">A request failed; or it met a conflict more often than <see cref="StoreClientOptions.TransactionRetries"/> allows (EAGAIN).</exception>
    public async Task<T> TransactAsync<T>(Func<StoreTransactionScope, Task<T>> act, CancellationToken cancel = default)
    {
        for (int tries = 0; ; tries++)
        {
            cancel.ThrowIfCancellationRequested();
            StoreLink link = await CurrentAsync(cancel);
            StoreTransactionScope scope = new(link, Number(await link.Ask(StoreOperation.TransactionStart, 0, "", default)));
            T result;
            try { result = await act(scope); }
            catch
            {
                try { await scope.EndAsync(commit: false); }
                catch (StoreException) { }   // the link is gone, and the transaction with it
                throw;
            }
            try
            {
                await scope.EndAsync(commit: true);
                return result;
            }
            catch (StoreException exception) when (exception.Error == StoreError.EAGAIN && tries < _options.TransactionRetries) { }
        }
    }

    /// <summary>As above, without a result.</summary>
    /// <param name="act">Reads and changes through what it is given; it may run several times.</param>
    /// <param name="cancel">Gives up between two tries.</param>
    public Task TransactAsync(Func<StoreTransactionScope, Task> act, CancellationToken cancel = default) => TransactAsync(async scope =>
    {
        await act(scope);
        return true;
    }, cancel);

    /// <summary>Watches a path and all below it.</summary>
    /// <param name="path">Absolute, relative to the caller's home, or <see cref="StorePath.IntroduceDomain"/> or <see cref="StorePath.ReleaseDomain"/>.</param>
    /// <param name="cancel">Ends the watch; throws where there is no server at its start, and none comes.</param>
    /// <returns>Events, first one for the path itself. Where they are not read fast enough (1024 wait), they become one for the path itself.</returns>
    /// <exception cref="StoreException">The server refused the watch; also later, where it is the successor of the one that took it.</exception>
    public async IAsyncEnumerable<StoreEvent> WatchAsync(string path, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        string token = string.Create(CultureInfo.InvariantCulture, $"w{Interlocked.Increment(ref _lastToken)}");
        Watcher watcher = new(path, Channel.CreateBounded<StoreEvent>(new BoundedChannelOptions(1024) { SingleReader = false }));
        lock (_gate) _watches.Add(token, watcher);
        try
        {
            StoreLink link = await CurrentAsync(cancel);
            if (IsNew(watcher, link)) _ = await link.Ask(StoreOperation.Watch, 0, path, Token(token));   // one that came while there was no server is registered with the others
            using CancellationTokenRegistration ending = cancel.Register(() => watcher.Events.Writer.TryComplete());
            await foreach (StoreEvent change in watcher.Events.Reader.ReadAllAsync(CancellationToken.None))
            {
                if (cancel.IsCancellationRequested) yield break;
                yield return change;
            }
        }
        finally
        {
            lock (_gate) _ = _watches.Remove(token);
            await UnwatchAsync(path, token);
        }
    }

    /// <summary>A domain's home path.</summary>
    /// <param name="domain">The domain.</param>
    public async ValueTask<string> GetDomainPathAsync(DomainId domain) => StoreText.ToText((await Ask(StoreOperation.GetDomainPath, domain.ToString())).AsSpan().TrimEnd((byte)0));

    /// <summary>Whether a domain is known.</summary>
    /// <param name="domain">The domain.</param>
    public async ValueTask<bool> IsDomainIntroducedAsync(DomainId domain) => (await Ask(StoreOperation.IsDomainIntroduced, domain.ToString())) is [(byte)'T', ..];

    /// <summary>Asks the server about itself; of privileged callers only.</summary>
    /// <param name="words">Such as "help".</param>
    public async ValueTask<string> ControlAsync(params string[] words) =>
        StoreText.ToText((await Ask(StoreOperation.Control, words[0], System.Text.Encoding.UTF8.GetBytes(string.Concat(words.Skip(1).Select(word => word + "\0"))))).AsSpan().TrimEnd((byte)0));

    /// <summary>Has errors say more than their name, such as which quota was hit, here and on every later connection; a server that cannot is no error.</summary>
    public async ValueTask WantDetailsAsync()
    {
        _wantsDetails = true;
        try { _ = await ControlAsync("details", "on"); }
        catch (StoreException) { }
    }

    /// <summary>Closes the connection; watches end, requests under way fail.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested) return;
        await _closing.CancelAsync();
        lock (_gate)
        {
            _link?.Dispose();
            foreach (Watcher watcher in _watches.Values) _ = watcher.Events.Writer.TryComplete();
        }
        await _tending;
    }

    private protected override ValueTask<byte[]> Ask(StoreOperation operation, string first, ReadOnlySpan<byte> rest = default)
    {
        if (_connecting is { IsCompletedSuccessfully: true } done && !done.Result.IsDead) return done.Result.Ask(operation, 0, first, rest);
        byte[] copy = rest.ToArray();
        return AskLaterAsync(operation, first, copy);
    }

    private async ValueTask<byte[]> AskLaterAsync(StoreOperation operation, string first, byte[] rest) => await (await CurrentAsync(CancellationToken.None)).Ask(operation, 0, first, rest);

    // A link that works; one that is known to be dead is waited out, for its successor.
    private async Task<StoreLink> CurrentAsync(CancellationToken cancel)
    {
        while (true)
        {
            Task<StoreLink> connecting;
            lock (_gate) connecting = _connecting;
            StoreLink link = await connecting.WaitAsync(cancel);
            if (!link.IsDead) return link;
            await link.Ended;
            while (ReferenceEquals(Volatile.Read(ref _connecting), connecting)) await Task.Yield();   // TendAsync is about to replace it
        }
    }

    private async Task<StoreLink> OpenAsync(CancellationToken cancel)
    {
        try { return await StoreLink.ConnectAsync(_options.SocketPath, OnEvent, cancel); }
        catch (LinuxException exception) when (exception.Errno == Errno.Busy) { throw new StoreException($"The store's device '{_options.SocketPath}' is another program's now; in a guest one at a time can have it."); }
        catch (Exception exception) when (exception is SocketException or LinuxException) { throw new StoreException($"No store can be reached at '{_options.SocketPath}': {exception.Message}."); }
    }

    // Waits for the link's end, and makes another.
    private async Task TendAsync()
    {
        while (true)
        {
            await _link!.Ended;
            TaskCompletionSource<StoreLink> next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = next.Task.Exception;   // nobody may be waiting
            lock (_gate) _connecting = next.Task;
            _link.Dispose();
            if (_closing.IsCancellationRequested || !_options.Reconnects || await ReopenAsync() is not { } link)
            {
                next.SetException(new StoreException(_closing.IsCancellationRequested ? "The store's client was closed." : "The connection to the store was lost."));
                _ = next.Task.Exception;
                lock (_gate) foreach (Watcher watcher in _watches.Values) _ = watcher.Events.Writer.TryComplete();
                return;
            }
            lock (_gate) _link = link;
            next.SetResult(link);
        }
    }

    private async Task<StoreLink?> ReopenAsync()
    {
        for (TimeSpan pause = _options.Pause; ; pause = pause * 2 < _options.LongestPause ? pause * 2 : _options.LongestPause)
        {
            StoreLink? link = null;
            try
            {
                link = await OpenAsync(_closing.Token);
                using CancellationTokenRegistration closing = _closing.Token.Register(link.Dispose);   // nobody else would end a wait for a server that is silent
                await BeginAgainAsync(link);
                return link;
            }
            catch (Exception exception) when (exception is StoreException or ProtocolException or ObjectDisposedException) { link?.Dispose(); }
            catch (OperationCanceledException) { return null; }
            try { await Task.Delay(pause, _options.Time, _closing.Token); }
            catch (OperationCanceledException) { return null; }
        }
    }

    private async Task BeginAgainAsync(StoreLink link)
    {
        if (_wantsDetails)
        {
            try { _ = await link.Ask(StoreOperation.Control, 0, "details", "on\0"u8); }
            catch (StoreException exception) when (exception.Error != StoreError.None) { }   // this one cannot
        }
        KeyValuePair<string, Watcher>[] watches;
        lock (_gate) watches = [.. _watches];
        foreach ((string token, Watcher watcher) in watches)
        {
            if (!IsNew(watcher, link)) continue;
            try { _ = await link.Ask(StoreOperation.Watch, 0, watcher.Path, Token(token)); }
            catch (StoreException exception) when (exception.Error != StoreError.None) { _ = watcher.Events.Writer.TryComplete(exception); }   // this server refuses it; the others go on
        }
    }

    private bool IsNew(Watcher watcher, StoreLink link)
    {
        lock (_gate)
        {
            if (watcher.Link == link) return false;
            watcher.Link = link;
            return true;
        }
    }

    private void OnEvent(string path, string token)
    {
        Watcher? watcher;
        lock (_gate) if (!_watches.TryGetValue(token, out watcher)) return;
        if (watcher.Events.Writer.TryWrite(new(path))) return;
        while (watcher.Events.Reader.TryRead(out _)) { }   // nobody reads: what waits, and this, become "look again"
        _ = watcher.Events.Writer.TryWrite(new(watcher.Path));
    }

    private async Task UnwatchAsync(string path, string token)
    {
        if (_closing.IsCancellationRequested || Volatile.Read(ref _connecting) is not { IsCompletedSuccessfully: true } current) return;
        try { _ = await current.Result.Ask(StoreOperation.Unwatch, 0, path, Token(token)); }
        catch (Exception exception) when (exception is StoreException or ObjectDisposedException) { }   // the link is gone, and the watch with it
    }

    private static byte[] Token(string token) => System.Text.Encoding.ASCII.GetBytes(token + "\0");

    private static uint Number(byte[] payload) => StoreText.TryNumber(payload.AsSpan().TrimEnd((byte)0), uint.MaxValue, out ulong id) && id != 0 ? (uint)id
        : throw new StoreException("The store's server answered with a transaction that is none.");
}
