// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Fuzz.Targets;

/// <summary>A doorbell server against clients that send anything, read some of it, and hang up anywhere: a polite client is served all the while.</summary>
internal sealed class DoorbellServerTarget : SocketServerTarget
{
    private const int Vectors = 2;
    private readonly DoorbellServer _server;

    public DoorbellServerTarget() : base("doorbell-server", UnixSocketKind.Stream) =>
        _server = DoorbellServer.Start(new() { SocketPath = Socket, SizeBytes = 4096, Vectors = Vectors, MaxPeers = 4 * Hostile, QueueNotices = 16 });

    public override IReadOnlyList<byte[]> Words => Doings;

    public override IEnumerable<byte[]> Seeds() =>
        [
            [],
            [0, 0, 0, 1, 2, 0, 20, 3, 1],                            // two join, one reads, the other leaves
            [0, 0, 1, 0, 40, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9],          // garbage with a descriptor
            [0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 0],                    // comes and goes
            [0, 0, 4, 0, 4, 0, 4, 0, 4, 0, 0, 1, 0, 2, 0, 3],        // much garbage beside newcomers
        ];

    protected override void ServePolite()
    {
        using (IvshmemClient client = IvshmemClient.Connect(new() { SocketPath = Socket, VectorCount = static _ => Vectors }))
        {
            FuzzFinding.Require(client.Vectors.Count == Vectors, $"The polite client has {client.Vectors.Count} vectors.");
            FuzzFinding.Require(client.Window.LengthBytes == 4096, $"The polite client's memory has {client.Window.LengthBytes} bytes.");
        }
        FuzzFinding.Require(!_server.Completion.IsCompleted, "The server has ended.");
    }

    protected override void Stop() => _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
}
