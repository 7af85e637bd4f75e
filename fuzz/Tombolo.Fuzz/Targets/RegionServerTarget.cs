// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Regions;

namespace Tombolo.Fuzz.Targets;

/// <summary>A region server against host clients that say anything, in any pieces, and hang up anywhere: a polite client gets its region, and an owner word is only claimed while somebody holds it.</summary>
internal sealed class RegionServerTarget : IFuzzTarget
{
    private const int Hostile = 4;
    private static readonly string[] _words =
    [
        "GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: ", "OWNING REGION_NAME_LEN: ", "GET REGION: ", "0x00000006", "0x00000002", "0x00000012", "0x00000100", "0xffffffff", "screen", "fb", "0x00000088", "0x00000001",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private readonly Gifts _gifts;
    private readonly RegionServer _server;
    private readonly RegionClientOptions _polite;
    private readonly byte[] _buffer = new byte[64];

    public RegionServerTarget()
    {
        string path = Path.Combine(_folder, "c");
        RegionDescriptor screen = new(0, 0, 4096, 8192, 136, new(4, 0, 64), new(4, 68, 132), "screen", 1);
        _server = RegionServer.StartAsync(new()
        {
            Layout = RegionLayout.Of(0, [screen, screen with { BeginOffset = 8192, EndOffset = 16384, Name = "fb", ManagedBy = 0 }]),
            ClientSocket = path,
            Doorbell = new() { SocketPath = Path.Combine(_folder, "q"), MemoryName = "regions-fuzz" },
        }).GetAwaiter().GetResult();
        _polite = new() { Socket = path, Timeout = TimeSpan.FromSeconds(20) };
        _gifts = new();
    }

    public string Name => "region-server";

    public IReadOnlyList<byte[]> Words { get; } = [.. _words.Select(Encoding.ASCII.GetBytes), [0, 0], [0, 1], [1, 0], [2, 0, 3], [3, 0]];

    public IEnumerable<byte[]> Seeds() =>
    [
        [],
        Script("GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: 0x00000006", "screen"),
        Script("GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000006GET REGION: screen"),
        Script("GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: 0x00000012", "GET REGION: screen"),
        Script("GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: 0x00000004", "none"),
        Script("GET PROTOCOL_VER", "OWNING REGION_NAME_LEN: 0x00000002", "fb0x000000880x00000001", "\0"),
        [.. Script("GET PROTOCOL_VER", "OWNING REGION_NAME_LEN: 0x00000002", "fb0x000000880x00000001"), 3, 0],
        Script("get protocol_ver"),
        Script("GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: 0x7fffffff", "x"),
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
        using (RegionClient client = RegionClient.Open("fb", _polite)) FuzzFinding.Require(client.LengthBytes == 8192, $"The polite client's region has {client.LengthBytes} bytes.");
        FuzzFinding.Require(!_server.Completion.IsCompleted, "The server has ended.");
        RegionCounters counters = _server.SnapshotAsync().GetAwaiter().GetResult().Counters;
        FuzzFinding.Require(counters.Owners <= 1 + Hostile, $"{counters.Owners} owner words are held.");
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
                    clients[which] = UnixSocket.Connect(_polite.Socket, UnixSocketKind.Stream, TimeSpan.FromSeconds(20));
                    break;
                case 1 when client is not null:
                    ReadOnlySpan<byte> said = script.Bytes(script.Byte());
                    if (said.Length > 0) _ = seen.Add($"send {UnixSocket.Send(client, said, _gifts.Choose(script.Byte())).Errno}");
                    break;
                case 2 when client is not null:   // the server answers at once, or not at all
                    if (!UnixSocket.Wait(client, forReading: true, TimeSpan.FromMilliseconds(script.Byte() % 4))) break;
                    int got = UnixSocket.Receive(client, _buffer, inbox).Bytes;
                    _ = seen.Add($"read {Encoding.Latin1.GetString(_buffer, 0, Math.Min(got, 10))}, {inbox.Count}");
                    inbox.Clear();
                    break;
                case 3 when client is not null:
                    client.Dispose();
                    clients[which] = null;
                    _ = seen.Add("leave");
                    break;
            }
        }
        return $"{string.Join(',', seen.Take(6))}; {clients.Count(client => client is not null)} stay";
    }

    // One client says these, and reads an answer after each.
    private static byte[] Script(params string[] said) => [0, 0, .. said.SelectMany(text => (byte[])[1, 0, (byte)text.Length, .. Encoding.Latin1.GetBytes(text), 0, 2, 0, 3])];
}
