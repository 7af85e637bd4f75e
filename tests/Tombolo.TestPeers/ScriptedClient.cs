// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>An ivshmem client that does what a test says. Source: QEMU docs/specs/ivshmem-spec.</summary>
public sealed class ScriptedClient : ScriptedConnection
{
    private ScriptedClient(SafeFd socket) : base(socket) { }

    /// <summary>Connects; reads nothing yet.</summary>
    public static ScriptedClient Connect(string path) => new(UnixSocket.Connect(path, UnixSocketKind.Stream, Watchdog.Limit));

    /// <summary>Reads a whole handshake and insists on its order: version, own ID, memory, every other peer, own vectors.</summary>
    /// <param name="vectors">How many vectors the server gives this client: nothing in the protocol tells where the batch of its own ends.</param>
    /// <exception cref="InvalidDataException">The server did not keep to the order.</exception>
    public ScriptedHandshake ReadHandshake(int vectors)
    {
        long version = ReadNumber("the version");
        if (version != 0) throw new InvalidDataException($"The server refused with version {version}.");
        long id = ReadNumber("the own ID");
        if (id is < 0 or > 65535) throw new InvalidDataException($"The server gave the ID {id}.");
        ScriptedMessage memory = ReadMessage();
        if (memory is not { Value: -1, Fd: not null }) throw new InvalidDataException($"Instead of the memory came {memory.Value}, {(memory.Fd is null ? "without" : "with")} a descriptor.");
        var handshake = new ScriptedHandshake(version, id, memory.Fd, [], []);
        while (handshake.Own.Count < vectors)
        {
            ScriptedMessage message = ReadMessage();
            if (message.Fd is not { } fd) throw new InvalidDataException($"In the handshake came {message.Value} without a descriptor.");
            if (message.Value == id) { handshake.Own.Add(fd); continue; }
            if (handshake.Own.Count > 0) throw new InvalidDataException($"The vectors of {message.Value} came in the middle of the client's own.");
            if (!handshake.Peers.TryGetValue(message.Value, out List<SafeFd>? list)) handshake.Peers[message.Value] = list = [];
            list.Add(fd);
        }
        return handshake;
    }

    private long ReadNumber(string what)
    {
        using ScriptedMessage message = ReadMessage();
        return message.Fd is null ? message.Value : throw new InvalidDataException($"A descriptor came with {what}, {message.Value}.");
    }
}
