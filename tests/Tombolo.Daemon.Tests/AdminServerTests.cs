// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Tombolo.Daemon.Tests;

public sealed class AdminServerTests : IAsyncLifetime, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-admin-").FullName;
    private readonly FileLog _log;
    private WebApplication? _server;

    public AdminServerTests() => _log = new(Path.Combine(_folder, "log"), LogLevel.Debug, TimeProvider.System);

    private string SocketPath => Path.Combine(_folder, "admin.sock");

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(SocketPath, "left by a dead daemon");
        _server = AdminServer.Build(SocketPath, _log, routes => routes.MapGet("/hello", (RequestDelegate)(context => context.Response.WriteAsync("well"))));
        await _server.StartAsync();
    }

    public async Task DisposeAsync() => await _server!.DisposeAsync();

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Get_OwnUser_IsServedOnTheSocketOfADeadDaemon() =>
        (await SendAsync("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).ShouldContain("\r\nwell\r\n");

    [Fact]
    public async Task Get_Garbage_EndsThatConnectionAlone()
    {
        (await SendAsync("\0\0 rubbish \xff\r\n\r\n")).ShouldContain("400");

        (await SendAsync("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).ShouldContain("\r\nwell\r\n");
    }

    private async Task<string> SendAsync(string request)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        await socket.SendAsync(System.Text.Encoding.Latin1.GetBytes(request));
        using NetworkStream stream = new(socket);
        using StreamReader reader = new(stream);
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
    }
}
