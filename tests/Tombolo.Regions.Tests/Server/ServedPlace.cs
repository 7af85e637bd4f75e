// SPDX-License-Identifier: MIT
namespace Tombolo.Regions.Tests.Server;

/// <summary>A place with a server in it, for one test.</summary>
public abstract class ServedPlace : IDisposable
{
    private protected readonly Place _place = new();
    private protected RegionServer _server;

    protected ServedPlace() => _server = RegionServer.StartAsync(_place.Options).GetAwaiter().GetResult();

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _place.Dispose();
        GC.SuppressFinalize(this);
    }
}
