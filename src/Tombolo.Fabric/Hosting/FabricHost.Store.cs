// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Fabric;

public sealed partial class FabricHost
{
    private StoreServer? _store;

    /// <summary>The running store, or null.</summary>
    public StoreServer? Store => Volatile.Read(ref _store);

    private async Task StartStoreAsync(StoreDeclaration store)
    {
        string socket = Paths.SocketOf(store);
        try
        {
            StoreServer server = StoreServer.Start(Translation.ToStore(store, Declaration.Grants, Paths, _options), _options.Log);
            bool isTooLate;
            lock (_gate) if (!(isTooLate = _isStopped)) _store = server;
            if (isTooLate)
            {
                await server.DisposeAsync();
                throw new FabricException($"Fabric {Declaration.Name} was taken down while it came up.");
            }
            Say(FabricEventKind.StoreUp, "store", server.TookOver ? $"The store serves again at {socket}; its clients kept their connections." : $"The store serves at {socket}.");
            _watches.Add(WatchStoreAsync(server));
        }
        catch (Exception exception) when (exception is not FabricException && exception is TomboloException or ArgumentException)
        {
            throw new FabricException($"The store cannot be served: {exception.Message}", exception);
        }
    }

    private async Task WatchStoreAsync(StoreServer server)
    {
        await server.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Volatile.Write(ref _store, null);
        string? fault = server.Completion.Exception?.InnerException?.Message;
        Say(fault is null ? FabricEventKind.StoreDown : FabricEventKind.StoreFailed, "store", $"The store no longer serves.{(fault is null ? "" : $" It broke: {fault}")}");
    }

    private async Task<StoreStatus> DescribeAsync(StoreDeclaration store)
    {
        var status = new StoreStatus { Socket = Paths.SocketOf(store) };
        if (Store is not { } server) return status;
        StoreSnapshot now;
        try { now = await server.SnapshotAsync(); }
        catch (ObjectDisposedException) { return status; }   // it went down in this moment
        return status with
        {
            IsUp = true,
            TookOver = server.TookOver,
            Nodes = now.Nodes,
            Connections = now.Connections,
            Watches = now.Watches,
            Domains = [.. now.Domains.Select(domain => (int)domain.Value)],
            Requests = now.Counters.Requests,
            QuotaHits = now.Counters.QuotaHits,
        };
    }
}
