// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Ivshmem;

/// <summary>A peer on the host: a client of any ivshmem server, ours, the stock one, or one inside another program.</summary>
/// <remarks>
/// Theory of operation. States: handshake (inside <see cref="Connect"/>), connected (<see cref="ProcessControl"/> takes in joins and leaves), and without a server
/// (<see cref="ProcessControl"/> returned false or threw: memory and doorbells go on working, nothing new is heard). A client never sends anything to the server.
/// <see cref="Ring"/>, <see cref="VectorsOf"/> and <see cref="Peers"/> may be used from any thread; the rest belongs to one.
/// The server is trusted with the memory's size: if it makes the object smaller later, touching it raises SIGBUS (a sealed memfd rules that out).
/// Source: QEMU 7.2 docs/specs/ivshmem-spec, "The ivshmem client-server protocol".
/// </remarks>
public sealed class IvshmemClient : IParticipant
{
    // A flood of notices must not keep the owner's loop from its other work; the socket stays readable, so the rest follows.
    private const int MostMessagesPerCall = 4096;

    private readonly ServerStream _stream;
    private readonly PeerBatches _peers;
    private SafeFd[] _vectors = [];
    private bool _isDisposed;

    private IvshmemClient(ServerStream stream)
    {
        _stream = stream;
        _peers = new(stream.Server) { Joined = peer => Joined?.Invoke(peer), Left = peer => Left?.Invoke(peer) };
        Window = null!;   // the handshake maps it before anybody sees this object
    }

    /// <inheritdoc/>
    public PeerId Id { get; private set; }

    /// <inheritdoc/>
    public Window Window { get; private set; }

    /// <summary>The memory's descriptor, borrowed; null unless <see cref="IvshmemClientOptions.KeepsMemory"/> asked for it.</summary>
    public SafeFd? Memory { get; private set; }

    /// <summary>The eventfds on which this peer hears, in vector order. A server that pauses inside the last batch of the handshake may add to them in <see cref="ProcessControl"/>.</summary>
    public IReadOnlyList<SafeFd> Vectors => _vectors;

    /// <inheritdoc/>
    public SafeFd Control => _stream.Socket;

    /// <inheritdoc/>
    public IReadOnlyList<PeerId> Peers => _peers.Ids;

    /// <inheritdoc/>
    public event Action<PeerId>? Joined;

    /// <inheritdoc/>
    public event Action<PeerId>? Left;

    /// <summary>Connects to a server and does the whole handshake.</summary>
    /// <param name="options">Where, and how long to wait.</param>
    /// <returns>A peer that can ring and be rung; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">The settings have problems; the message names them all.</exception>
    /// <exception cref="LinuxException">Nobody listens there, or the kernel refused the mapping. Nothing is left open.</exception>
    /// <exception cref="ProtocolException">The server refused, broke the protocol, went away, or took too long. Nothing is left open.</exception>
    public static IvshmemClient Connect(IvshmemClientOptions options)
    {
        string[] problems = [.. options.Problems()];
        if (problems.Length > 0) throw new ArgumentException(string.Join(' ', problems), nameof(options));
        SafeFd socket = UnixSocket.Connect(options.SocketPath, UnixSocketKind.Stream, options.Timeout);
        var client = new IvshmemClient(new(socket, options.SocketPath));
        try
        {
            client.Handshake(options);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>How many vectors of a peer can be rung.</summary>
    /// <param name="peer">Whom.</param>
    /// <returns>The number; 0 where there is no such peer.</returns>
    public int VectorsOf(PeerId peer) => _peers.VectorsOf(peer);

    /// <inheritdoc/>
    public bool ProcessControl()
    {
        for (int i = 0; i < MostMessagesPerCall; i++)
        {
            StreamRead read = _stream.TryRead(out IvshmemMessage message, out SafeFd? fd);
            if (read == StreamRead.Message)
            {
                Take(message, fd);
                continue;
            }
            _peers.Close();
            return read == StreamRead.Nothing;
        }
        return true;
    }

    /// <inheritdoc/>
    public bool Ring(PeerId peer, int vector) => _peers.Ring(peer, vector);

    /// <summary>Leaves: closes the connection, the doorbells and the memory.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _stream.Dispose();
        _peers.Dispose();
        foreach (SafeFd fd in _vectors) fd.Dispose();
        Window?.Dispose();
        Memory?.Dispose();
    }

    private void Handshake(IvshmemClientOptions options)
    {
        using var wait = new HandshakeWait(_stream, options);
        ReadVersion(wait);
        ReadOwnId(wait);
        ReadMemory(wait, options.KeepsMemory);
        int? expected = options.VectorCount(Window);
        while (_vectors.Length == 0) Take(wait.Read("its vectors", out SafeFd? fd), fd);
        while (!(_vectors.Length >= expected) && wait.TryReadSettled(out IvshmemMessage message, out SafeFd? fd))
        {
            Take(message, fd);
            if (message.Value != Id.Value) break;   // somebody else's news: the own batch is over
        }
        _peers.Close();
    }

    private void ReadVersion(HandshakeWait wait)
    {
        long version = ReadNumber(wait, "the version");
        if (version == IvshmemMessage.Refused)
            throw new ProtocolException(WireFault.UnknownVersion, $"The server at {_stream.Server} refuses this client (version −1): it is full, or this user may not join; ask it for its status.");
        if (version != IvshmemMessage.Version)
            throw new ProtocolException(WireFault.UnknownVersion, $"The server at {_stream.Server} speaks version {version} of the protocol; only version {IvshmemMessage.Version} is known.");
    }

    private void ReadOwnId(HandshakeWait wait)
    {
        long id = ReadNumber(wait, "this client's ID");
        if (id is < 0 or > IvshmemMessage.MaxId)
            throw new ProtocolException(WireFault.ValueOutOfRange, $"The server at {_stream.Server} gave this client the ID {id}; IDs are 0 to {IvshmemMessage.MaxId}.");
        Id = new((ushort)id);
    }

    private void ReadMemory(HandshakeWait wait, bool keepsMemory)
    {
        IvshmemMessage message = wait.Read("the shared memory", out SafeFd? fd);
        using (fd)
        {
            if (message.Value != IvshmemMessage.SharedMemory)
                throw new ProtocolException(WireFault.OutOfOrder, $"The server at {_stream.Server} sent {message.Value} where the shared memory (−1) must come.");
            if (fd is null)
                throw new ProtocolException(WireFault.WrongFdCount, $"The server at {_stream.Server} sent the shared memory's message (−1) without its descriptor.");
            if (SharedFile.SizeOf(fd) <= 0)
                throw new ProtocolException(WireFault.ValueOutOfRange, $"The server at {_stream.Server} sent a shared memory of 0 bytes, or a descriptor that is no memory.");
            Window = Window.Map(fd);
            Memory = keepsMemory ? fd.Duplicate() : null;
        }
    }

    private long ReadNumber(HandshakeWait wait, string what)
    {
        IvshmemMessage message = wait.Read(what, out SafeFd? fd);
        using (fd)
            return fd is null ? message.Value
                : throw new ProtocolException(WireFault.WrongFdCount, $"The server at {_stream.Server} sent a descriptor with {what} ({message.Value}); none may be there.");
    }

    // Everything after the memory: a vector of ours, a vector of a peer, a leave. In the handshake, before our own batch, no batch's usual length is known.
    private void Take(IvshmemMessage message, SafeFd? fd)
    {
        bool isKept = false;
        try
        {
            if (message.Value is < 0 or > IvshmemMessage.MaxId)
                throw new ProtocolException(WireFault.ValueOutOfRange, $"The server at {_stream.Server} sent {message.Value} where a peer's ID must come; IDs are 0 to {IvshmemMessage.MaxId}.");
            var peer = new PeerId((ushort)message.Value);
            if (fd is null)
            {
                if (peer == Id) throw new ProtocolException(WireFault.WrongFdCount, $"The server at {_stream.Server} sent this client's own ID ({Id}) without a descriptor: neither a vector nor a leave.");
                _peers.Remove(peer);
                return;
            }
            if (!EventFd.IsEventFd(fd)) throw new ProtocolException(WireFault.WrongFdCount, $"The server at {_stream.Server} sent a descriptor for peer {peer} that is no eventfd.");
            fd.SetNonBlocking();   // as QEMU does: whoever made it may have left it blocking, and another holder could make us wait
            isKept = true;
            if (peer == Id) AddOwn(fd);
            else _peers.Add(peer, fd, _vectors.Length);
        }
        finally
        {
            if (!isKept) fd?.Dispose();
        }
    }

    private void AddOwn(SafeFd fd)
    {
        _peers.Close();
        _vectors = [.. _vectors, fd];
        if (_vectors.Length > DoorbellServerOptions.MaxVectors)
            throw new ProtocolException(WireFault.WrongFdCount, $"The server at {_stream.Server} sent more than {DoorbellServerOptions.MaxVectors} vectors for this client; a device has no more.");
    }
}
