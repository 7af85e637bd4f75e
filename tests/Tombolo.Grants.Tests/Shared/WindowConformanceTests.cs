// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;

namespace Tombolo.Grants.Tests;

/// <summary>Domains of host processes in a shared window, over a real doorbell server.</summary>
public sealed class WindowConformanceTests : ConformanceTests
{
    protected override (IDomain First, IDomain Second, IDisposable Ground) Open()
    {
        var ground = new WindowGround();
        return (ground.Join(), ground.Join(), ground);
    }
}

/// <summary>A doorbell server whose memory holds grants, without a host that looks after the dead.</summary>
internal sealed class WindowGround : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DoorbellServer _server;

    public WindowGround(GrantWindowShape? shape = null)
    {
        Shape = shape ?? new() { Domains = 4 };
        _server = DoorbellServer.Start(new() { SocketPath = Socket, SizeBytes = Shape.WindowBytes, Vectors = Shape.Domains, Ids = IdPolicy.Sticky, FirstId = 1, MaxPeers = Shape.Domains - 1, ResidentId = 0 });
        Shape.LayOut(_server.Window);
        Words = new(_server.Window, Shape);
    }

    public GrantWindowShape Shape { get; }

    public string Socket => _folder["grants.sock"];

    public GrantWindow Words { get; }

    public WindowDomain Join() => WindowDomain.Connect(Socket);

    public WindowDomain JoinAsHost() => WindowDomain.Join(_server.Resident!, _server.Memory);

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Dispose();
    }
}
