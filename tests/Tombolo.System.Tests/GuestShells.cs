// SPDX-License-Identifier: MIT
using System.Net.Sockets;
using System.Text;
using Shouldly;

namespace Tombolo.System.Tests;

/// <summary>Guests whose second serial port leads to an agent (guest/xen/common/agent), so that a test can run commands in them.</summary>
internal sealed class GuestShells(string folder) : IDisposable
{
    private readonly Lock _gate = new();   // guards _lines, _log
    private readonly Dictionary<string, Socket> _lines = [];
    private readonly StringBuilder _log = new();
    private readonly List<Socket> _listeners = [];

    /// <summary>Arguments of a guest's QEMU that join it to <see cref="Listen"/>.</summary>
    public string[] QemuOf(string guest) => ["-chardev", $"socket,id=shell,path={Path.Combine(folder, guest)}.line,server=off", "-device", "isa-serial,chardev=shell"];

    /// <summary>What a guest runs.</summary>
    public static string[] Script { get; } = ["export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_EnableDiagnostics=0", "stty -F /dev/ttyS1 raw -echo", "exec setsid agent /dev/ttyS1"];

    /// <summary>A guest's shell: that of each QEMU that comes, one after the other.</summary>
    public XenShell Listen(string guest)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint($"{Path.Combine(folder, guest)}.line"));
        listener.Listen();
        _listeners.Add(listener);
        XenShell shell = new(guest, line => Send(guest, line), Log);
        _ = ServeAsync(listener, guest, shell);
        return shell;
    }

    /// <summary>What was said last, by and to all guests.</summary>
    public string Log()
    {
        lock (_gate) return string.Join('\n', _log.ToString().Split('\n').TakeLast(60));
    }

    public void Dispose()
    {
        foreach (Socket listener in _listeners) listener.Dispose();
        lock (_gate)
            foreach (Socket line in _lines.Values) line.Dispose();
    }

    private void Send(string guest, string line)
    {
        lock (_gate)
        {
            _ = _log.AppendLine($"{guest} > {line}");
            _lines.TryGetValue(guest, out Socket? socket).ShouldBeTrue($"{guest} runs");
            _ = socket!.Send(Encoding.ASCII.GetBytes(line + "\n"));
        }
    }

    private async Task ServeAsync(Socket listener, string guest, XenShell shell)
    {
        try
        {
            while (true)
            {
                Socket line = await listener.AcceptAsync();
                lock (_gate) _lines[guest] = line;
                await ReadAsync(line, guest, shell);
                shell.Forget();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException) { }   // the test is over
    }

    private async Task ReadAsync(Socket socket, string guest, XenShell shell)
    {
        using StreamReader reader = new(new NetworkStream(socket), Encoding.ASCII);
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                lock (_gate) _ = _log.AppendLine($"{guest} {line}");
                _ = shell.Take(line);
            }
        }
        catch (IOException) { }   // its QEMU is gone
    }
}
