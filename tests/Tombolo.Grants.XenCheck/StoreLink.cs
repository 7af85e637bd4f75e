// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Grants.Conformance;
using Tombolo.Store;

namespace Tombolo.Grants.XenCheck;

/// <summary>How two Xen domains talk beside what is checked: each writes lines below its own part of the store (data, which the tool stack made for it), and reads the other's.</summary>
internal sealed class StoreLink : ICheckLink, IDisposable
{
    private readonly StoreClient _store;
    private readonly string _own, _others;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _changed = new(0);
    private int _sent, _received;

    private StoreLink(StoreClient store, DomainId peer, string name) => (_store, _own, _others) = (store, $"data/{name}", $"/local/domain/{peer}/data/{name}");

    public static async Task<StoreLink> OpenAsync(StoreClient store, DomainId own, DomainId peer, string name)
    {
        StoreLink link = new(store, peer, name);
        _ = await store.RemoveAsync(link._own);
        await store.MakeDirectoryAsync(link._own);
        await store.SetPermissionsAsync(link._own, StorePermissions.Parse($"n{own},r{peer}"));   // what is made below has the same
        _ = link.WatchAsync();
        return link;
    }

    public void Send(string line) => _store.WriteAsync(At(_own, ++_sent), line).AsTask().GetAwaiter().GetResult();

    public string Receive(TimeSpan limit)
    {
        string path = At(_others, ++_received);
        long end = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        while (true)
        {
            try
            {
                if (_store.ReadAsync(path).AsTask().GetAwaiter().GetResult() is { } line) return line;
            }
            catch (StoreException exception) when (exception.Error == StoreError.EACCES) { }   // what is not there in another's home cannot be told from what may not be read
            TimeSpan left = TimeSpan.FromMilliseconds(end - Environment.TickCount64);
            if (left <= TimeSpan.Zero || !_changed.Wait(left)) throw new CheckException($"The other side said nothing for {limit.TotalSeconds:0} s.");
        }
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    private async Task WatchAsync()
    {
        await foreach (StoreEvent change in _store.WatchAsync(_others, _end.Token)) _ = change.Path.Length + _changed.Release();
    }

    private static string At(string folder, int number) => string.Create(CultureInfo.InvariantCulture, $"{folder}/{number}");
}
