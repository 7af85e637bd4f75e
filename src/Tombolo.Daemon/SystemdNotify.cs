// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Text;

namespace Tombolo.Daemon;

/// <summary>Tells systemd how the service is. Without systemd it tells nobody.</summary>
/// <param name="socketPath">NOTIFY_SOCKET's value, or null.</param>
/// <remarks>Source: sd_notify(3): datagrams of lines to the socket; a leading @ means the abstract namespace.</remarks>
internal sealed class SystemdNotify(string? socketPath)
{
    /// <summary>The service is up.</summary>
    public void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    /// <summary>The service goes down.</summary>
    public void Stopping() => Send("STOPPING=1");

    private void Send(string lines)
    {
        if (string.IsNullOrEmpty(socketPath)) return;
        string path = socketPath[0] == '@' ? $"\0{socketPath[1..]}" : socketPath;
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            _ = socket.SendTo(Encoding.UTF8.GetBytes(lines), new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException) { }   // a service manager that has gone is no reason to fail
    }
}
