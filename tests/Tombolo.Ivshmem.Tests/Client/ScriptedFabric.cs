// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;
using Tombolo.TestPeers;
using Tombolo.Wire;

namespace Tombolo.Ivshmem.Tests.Client;

/// <summary>A scripted server with one client under test: calls chain, in the order in which the bytes go out.</summary>
public sealed class ScriptedFabric : IDisposable
{
    private readonly ScriptedServer _server = ScriptedServer.Listen();
    private readonly List<SafeFd> _made = [];
    private ScriptedConnection? _connection;
    private bool _inPieces;

    public ScriptedFabric() => (Memory, Event) = (Keep(Memfd.Create("scripted", 4096)), Keep(EventFd.Create()));

    public string Path => _server.Path;
    public SafeFd Memory { get; }
    public SafeFd Event { get; }
    public ScriptedConnection Connection => _connection ??= _server.Accept();
    public IvshmemClientOptions Options => new() { SocketPath = _server.Path, Timeout = Watchdog.Limit };

    /// <summary>How many descriptors this process has open.</summary>
    public static int OpenDescriptors() => Directory.GetFiles("/proc/self/fd").Length;

    public ScriptedFabric InPieces()
    {
        _inPieces = true;
        return this;
    }

    public ScriptedFabric Send(long value, SafeFd? fd = null)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        int first = _inPieces ? 1 : 8;
        Connection.SendBytes(bytes.AsSpan(0, first), fd is null ? [] : [fd]);
        for (int i = first; i < 8; i++) Connection.SendBytes(bytes.AsSpan(i, 1));
        return this;
    }

    public ScriptedFabric SendTwo(long value)
    {
        Connection.SendBytes(BitConverter.GetBytes(value), Event, Event);
        return this;
    }

    public ScriptedFabric SendPart(int count)
    {
        Connection.SendBytes(new byte[count]);
        return this;
    }

    /// <summary>Version, ID 1, memory.</summary>
    public ScriptedFabric Start() => Send(0).Send(1).Send(-1, Memory);

    /// <summary>A peer's batch: the same eventfd behind each vector.</summary>
    public ScriptedFabric Batch(long id, int vectors)
    {
        for (int i = 0; i < vectors; i++) Send(id, Event);
        return this;
    }

    public void HangUp() => Connection.Dispose();

    public SafeFd Keep(SafeFd fd)
    {
        _made.Add(fd);
        return fd;
    }

    /// <summary>Connects a client while the script runs beside it.</summary>
    public IvshmemClient Connect(Action<ScriptedFabric> script, IvshmemClientOptions? options = null)
    {
        Task running = Task.Run(() => Run(script));
        try { return IvshmemClient.Connect(options ?? Options); }
        finally { running.Watched().GetAwaiter().GetResult(); }
    }

    public ProtocolException ConnectToFault(Action<ScriptedFabric> script)
    {
        try
        {
            using IvshmemClient client = Connect(script);
        }
        catch (ProtocolException exception) { return exception; }
        throw new InvalidOperationException("The client took the broken handshake for a good one.");
    }

    public void Dispose()
    {
        _connection?.Dispose();
        _server.Dispose();
        foreach (SafeFd fd in _made) fd.Dispose();
    }

    private void Run(Action<ScriptedFabric> script)
    {
        try
        {
            _ = Connection;
            script(this);
        }
        catch (IOException) { }   // a client that found the fault hangs up before the script is over
    }
}
