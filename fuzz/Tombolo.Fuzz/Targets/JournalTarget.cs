// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging.Abstractions;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Fuzz.Targets;

/// <summary>A server that takes over a fabric whose journal was damaged: it serves, or one exception says why it cannot, and it never ends by a fault.</summary>
internal sealed class JournalTarget : IFuzzTarget
{
    private const int HeaderBytes = 128;
    private readonly RunningKeeper _keeper = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private readonly DoorbellServerOptions _options;
    private readonly byte[] _template;
    private readonly Gifts _gifts;

    public JournalTarget()
    {
        _options = new()
        {
            SocketPath = Path.Combine(_folder, "s"),
            SizeBytes = 4096,
            Vectors = 2,
            MaxPeers = 3,
            KeeperCommand = ["/bin/false"],   // never started: a keeper listens already
            KeeperSocketPath = _keeper.SocketPath,
            StopGrace = TimeSpan.Zero,
        };
        _template = RecordJournal();
        _gifts = new();
    }

    public string Name => "journal";

    public IReadOnlyList<byte[]> Words { get; } = [[1, 0, 0, 0], [2, 0, 0, 0], [255, 255, 255, 255]];

    public IEnumerable<byte[]> Seeds() =>
        [
            [],
            [0b0000_0000],                                  // as it was, clients gone
            [0b0000_0011],                                  // as it was, clients there
            [0b0000_0111, 128, 0, 1],                       // row 0 present
            [0b0000_0011, 192, 0, 2, 196, 0, 7],            // row 1 leaving, another ID
            [0b0000_1111, 16, 0, 255, 17, 0, 255, 20, 0, 1],
        ];

    public string Run(ReadOnlySpan<byte> input)
    {
        _keeper.Ensure();
        var script = new ByteScript(input);
        int kept = script.Byte();
        byte[] journal = [.. _template];
        while (!script.IsAtEnd)   // offset (2), value (1); the magic and the print stay, or nothing would be read
        {
            int at = (script.Byte() | (script.Byte() << 8)) % journal.Length;
            if (at is < 16 or (>= 32 and < 40)) at += HeaderBytes;
            journal[at] = script.Byte();
        }
        string outcome;
        using (var clients = new Clients())
        {
            Entrust(journal, kept, clients);
            outcome = Start();
        }
        _gifts.CheckOpenFiles();
        return outcome;
    }

    public void Dispose()
    {
        _keeper.Dispose();
        _gifts.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // What a server with one client wrote, when it was about to be killed.
    private byte[] RecordJournal()
    {
        _keeper.Ensure();
        DoorbellServer server = DoorbellServer.Start(_options);
        using IvshmemClient client = IvshmemClient.Connect(new() { SocketPath = _options.SocketPath, VectorCount = static _ => 2 });
        using KeeperLink link = KeeperLink.TryConnect(_keeper.SocketPath)!;
        Dictionary<string, List<SafeFd>> all = link.TakeAll();
        SafeFd ledger = all["ledger"][0];
        byte[] bytes = new byte[SharedFile.SizeOf(ledger)];
        using (Tombolo.Memory.Window window = Tombolo.Memory.Window.Map(ledger, writable: false)) window.View(0, bytes.Length).CopyOut(0, bytes);
        foreach (SafeFd fd in all.Values.SelectMany(fds => fds)) fd.Dispose();
        server.DisposeAsync().AsTask().GetAwaiter().GetResult();   // the keeper ends too
        _keeper.AwaitEnd();
        return bytes;
    }

    private void Entrust(byte[] journal, int kept, Clients clients)
    {
        using KeeperLink link = KeeperLink.TryConnect(_keeper.SocketPath) ?? throw new FuzzFinding("The keeper cannot be connected to.");
        using SafeFd ledger = Memfd.Create("journal", journal.Length), memory = Memfd.Create("memory", 4096);
        using (Tombolo.Memory.Window window = Tombolo.Memory.Window.Map(ledger)) window.View(0, journal.Length).CopyIn(0, journal);
        using SafeFd listener = UnixSocket.Listen(_options.SocketPath, UnixSocketKind.Stream);
        (SafeFd reader, SafeFd writer) = Pipe.Create();
        using (reader)
        using (writer)
        {
            link.Store("memory", memory);
            if ((kept & 0x40) == 0) link.Store("listener", listener);
            if ((kept & 0x20) == 0) link.Store("pipe", reader, writer);
            if ((kept & 0x10) != 0) _ = Pipe.Write(writer, new byte[8]);
            for (int row = 0; row < 4; row++)
            {
                if ((kept & (1 << row)) == 0) continue;
                link.Store(ServerParts.EventsName(row), _gifts.Event, _gifts.Event);
                link.Store(ServerParts.ConnectionName(row), clients.Add());
            }
            link.Store("ledger", ledger);
        }
    }

    private string Start()
    {
        DoorbellServer server;
        try { server = DoorbellServer.Start(_options, log: NullLogger.Instance); }
        catch (IvshmemException exception)
        {
            using (KeeperLink? link = KeeperLink.TryConnect(_keeper.SocketPath)) link?.Quit();
            _keeper.AwaitEnd();
            File.Delete(_options.SocketPath);
            return string.Concat(exception.Message.Where(letter => !char.IsDigit(letter)));
        }
        DoorbellSnapshot snapshot = server.SnapshotAsync().GetAwaiter().GetResult();
        FuzzFinding.Require(!server.Completion.IsCompleted, "The server has ended.");
        server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        FuzzFinding.Require(server.Completion.IsCompletedSuccessfully, $"The server ended by a fault: {server.Completion.Exception}");
        _keeper.AwaitEnd();
        return $"{snapshot.Peers.Count} peers, {snapshot.Peers.Count(peer => peer.IsJoined)} joined, {Math.Min(3, snapshot.Counters.Joins)} joins, {Math.Min(3, snapshot.Counters.Leaves)} leaves";
    }

    private sealed class Clients : IDisposable
    {
        private readonly List<SafeFd> _ends = [];

        /// <summary>A connection; the client's end stays here.</summary>
        public SafeFd Add()
        {
            (SafeFd client, SafeFd server) = UnixSocket.Pair(UnixSocketKind.Stream);
            _ends.Add(client);
            _ends.Add(server);
            return server;
        }

        public void Dispose() => _ends.ForEach(fd => fd.Dispose());
    }
}
