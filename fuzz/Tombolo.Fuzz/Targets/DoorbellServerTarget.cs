// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Fuzz.Targets;

/// <summary>A server against clients that send anything, read some of it, and hang up anywhere: a polite client is served all the while.</summary>
internal sealed class DoorbellServerTarget : IFuzzTarget
{
    private const int Hostile = 4, Vectors = 2;
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private readonly Gifts _gifts;
    private readonly DoorbellServer _server;
    private readonly IvshmemClientOptions _polite;
    private readonly byte[] _buffer = new byte[64];

    public DoorbellServerTarget()
    {
        string path = Path.Combine(_folder, "s");
        _server = DoorbellServer.Start(new() { SocketPath = path, SizeBytes = 4096, Vectors = Vectors, MaxPeers = 4 * Hostile, QueueNotices = 16 });
        _polite = new() { SocketPath = path, VectorCount = static _ => Vectors };
        _gifts = new();
    }

    public string Name => "doorbell-server";

    public IReadOnlyList<byte[]> Words { get; } = [[0, 0], [0, 1], [1, 0, 8, 0], [2, 0, 3], [3, 0]];

    public IEnumerable<byte[]> Seeds() =>
        [
            [],
            [0, 0, 0, 1, 2, 0, 20, 3, 1],                            // two join, one reads, the other leaves
            [0, 0, 1, 0, 40, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9],          // garbage with a descriptor
            [0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 0],                    // comes and goes
            [0, 0, 4, 0, 4, 0, 4, 0, 4, 0, 0, 1, 0, 2, 0, 3],        // much garbage beside newcomers
        ];

    public string Run(ReadOnlySpan<byte> input)
    {
        var clients = new SafeFd?[Hostile];
        string doings;
        try { doings = Play(input, clients); }
        finally
        {
            foreach (SafeFd? client in clients) client?.Dispose();
        }
        using (IvshmemClient client = IvshmemClient.Connect(_polite))
        {
            FuzzFinding.Require(client.Vectors.Count == Vectors, $"The polite client has {client.Vectors.Count} vectors.");
            FuzzFinding.Require(client.Window.LengthBytes == 4096, $"The polite client's memory has {client.Window.LengthBytes} bytes.");
        }
        FuzzFinding.Require(!_server.Completion.IsCompleted, "The server has ended.");
        _gifts.CheckOpenFiles();
        return doings;
    }

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _gifts.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Play(ReadOnlySpan<byte> bytes, SafeFd?[] clients)
    {
        var script = new ByteScript(bytes);
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        using var inbox = new FdInbox();
        while (!script.IsAtEnd)
        {
            int action = script.Byte(), which = script.Byte() % Hostile;
            SafeFd? client = clients[which];
            switch (action)
            {
                case 0:
                    client?.Dispose();
                    clients[which] = UnixSocket.Connect(_polite.SocketPath, UnixSocketKind.Stream, TimeSpan.FromSeconds(20));
                    break;
                case 1 when client is not null:
                    ReadOnlySpan<byte> garbage = script.Bytes(1 + script.Byte());
                    SafeFd[] gift = _gifts.Choose(script.Byte());
                    if (garbage.Length > 0) _ = seen.Add($"send {UnixSocket.Send(client, garbage, gift).Errno} {gift.Length}");
                    break;
                case 2 when client is not null:
                    for (int left = script.Byte(); left > 0 && UnixSocket.Receive(client, _buffer.AsSpan(0, 1 + (left % 8)), inbox).IsMoved; left--) inbox.Clear();
                    _ = seen.Add("read");
                    break;
                case 3 when client is not null:
                    client.Dispose();
                    clients[which] = null;
                    _ = seen.Add("leave");
                    break;
                case 4 when client is not null:
                    _ = seen.Add($"flood {UnixSocket.Send(client, new byte[20_000], _gifts.Event).Errno}");
                    break;
            }
        }
        return $"{string.Join(',', seen)}; {clients.Count(client => client is not null)} stay";
    }
}
