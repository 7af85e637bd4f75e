// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Text;

namespace Tombolo.Daemon.Tests;

public sealed class SystemdNotifyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-notify-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ready_NotifySocket_GetsTheLines(bool isAbstract)
    {
        string path = Path.Combine(_folder, "notify");
        using Socket systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
        systemd.Bind(new UnixDomainSocketEndPoint(isAbstract ? $"\0{path}" : path));

        new SystemdNotify(isAbstract ? $"@{path}" : path).Ready("all well");

        byte[] buffer = new byte[100];
        Encoding.UTF8.GetString(buffer, 0, systemd.Receive(buffer)).ShouldBe("READY=1\nSTATUS=all well");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/nonexistent/notify")]
    public void Ready_NobodyListens_IsPassedOver(string? path) => Should.NotThrow(() => new SystemdNotify(path).Ready("x"));
}
