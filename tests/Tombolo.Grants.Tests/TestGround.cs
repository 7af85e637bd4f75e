// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>A grants' server in a folder of its own.</summary>
internal sealed class TestGround : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TestGround(Func<GrantServerOptions, GrantServerOptions>? change = null, IGrantObserver? observer = null)
    {
        GrantServerOptions options = new() { SocketPath = _folder["grants"] };
        Server = GrantServer.Start(change?.Invoke(options) ?? options, observer);
    }

    public string Socket => _folder["grants"];

    public GrantServer Server { get; }

    public IDomain Join(DomainId id) => GrantClient.Connect(new() { SocketPath = Socket, Domain = id });

    public void Dispose()
    {
        Server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Dispose();
    }
}
