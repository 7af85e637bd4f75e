// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Collections.Concurrent;
using Tombolo.Linux;

namespace Tombolo.Fuzz.Targets;

/// <summary>Accepts a connection for each script, sends what the script says as far as the other side takes it, and closes. It never waits for anybody.</summary>
internal sealed class HostileServer : IDisposable
{
    private readonly BlockingCollection<Action<SafeFd>> _scripts = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private readonly SafeFd _listener;
    private readonly Epoll _epoll = new();
    private readonly Thread _thread;

    public HostileServer(UnixSocketKind kind)
    {
        SocketPath = Path.Combine(_folder, "s");
        _listener = UnixSocket.Listen(SocketPath, kind);
        _epoll.Add(_listener, EpollEvents.Readable, 0);
        _thread = new(Serve) { IsBackground = true, Name = "hostile-server" };
        _thread.Start();
    }

    public string SocketPath { get; }

    /// <summary>Has the next connection served by a script.</summary>
    public void Expect(Action<SafeFd> script) => _scripts.Add(script);

    /// <summary>Sends one number of the doorbell protocol, with descriptors.</summary>
    public static bool Send(SafeFd socket, long value, params ReadOnlySpan<SafeFd> fds)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return UnixSocket.Send(socket, bytes, fds).IsMoved;
    }

    public void Dispose()
    {
        _scripts.CompleteAdding();
        _thread.Join();
        _epoll.Dispose();
        _listener.Dispose();
        _scripts.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Serve()
    {
        Span<EpollReport> reports = stackalloc EpollReport[1];
        foreach (Action<SafeFd> script in _scripts.GetConsumingEnumerable())
        {
            SafeFd? socket;
            while ((socket = UnixSocket.TryAccept(_listener, out _)) is null) _ = _epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            using (socket) script(socket);
        }
    }
}
